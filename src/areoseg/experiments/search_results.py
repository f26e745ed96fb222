"""The results of a search: its trials, and the importance of each hyperparameter."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.importance import FanovaImportanceEvaluator
from optuna.importance import get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from areoseg.experiments.space import Space

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
"""What the states of trials are called. A trial that waits has not begun, and is not shown."""

INTERRUPTED = "interrupted"
"""A failed trial that was only interrupted; its values are tried again."""

REASON = "reason"
MIN_TRIALS = 4  # below, an importance says nothing


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: From 0.
        state: `complete`, `pruned`, `failed`, `interrupted` or `running`.
        score: The validation score; of a pruned trial the last that was reported.
        seconds: The time that it took, or None while it runs.
        progress: How far the training had come at its last report, 0 to 1.
        values: The YAML text of each value, by its dotted name.
        reason: Why it failed.
    """

    number: int
    state: str
    score: float | None
    seconds: float | None
    progress: float
    values: Mapping[str, str]
    reason: str | None

    @property
    def shown(self) -> dict[str, str]:
        """The values with four digits, for people."""
        return {name: short_text(text) for name, text in self.values.items()}


@dataclass(frozen=True)
class Search:
    """A search, finished or not.

    Attributes:
        out: Its folder.
        protocol: The protocol of its scores.
        trials: In the order of their beginning.
        importance: The share of each value in the differences of the scores, the largest first;
            empty where too few trials are complete, or all have the same score.
    """

    out: Path
    protocol: str
    trials: tuple[TrialRecord, ...]
    importance: Mapping[str, float]

    @property
    def ranked(self) -> list[TrialRecord]:
        """The complete trials, the best first."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return sorted(complete, key=lambda trial: -(trial.score or 0.0))

    @property
    def best(self) -> TrialRecord | None:
        """The best of the complete trials."""
        return next(iter(self.ranked), None)

    @property
    def counts(self) -> str:
        """How many trials ended how, such as `3 complete, 1 pruned`."""
        counted = Counter(trial.state for trial in self.trials)
        names = (*STATES.values(), INTERRUPTED)
        return ", ".join(f"{counted[name]} {name}" for name in names if counted[name])

    def to_json(self) -> dict[str, Any]:
        """The search as JSON values."""
        return {
            "protocol": self.protocol,
            "best": None if self.best is None else self.best.number,
            "importance": dict(self.importance),
            "trials": [asdict(trial) for trial in self.trials],
        }


def read_search(study: Study, space: Space, out: Path, protocol: str) -> Search:
    """What the study knows by now."""
    trials = study.get_trials(deepcopy=False)
    records = tuple(_record(trial, space) for trial in trials if trial.state in STATES)
    return Search(out, protocol, records, _importance(study, records))


def _record(trial: FrozenTrial, space: Space) -> TrialRecord:
    reported = trial.intermediate_values
    score = trial.value if trial.value is not None else reported.get(max(reported, default=0))
    reason = trial.user_attrs.get(REASON)
    stopped = trial.state == TrialState.FAIL and reason is None
    return TrialRecord(
        number=trial.number,
        state=INTERRUPTED if stopped else STATES[trial.state],
        score=score if score is not None and math.isfinite(score) else None,
        seconds=trial.duration.total_seconds() if trial.duration else None,
        progress=max(reported, default=0) / 10,
        values={name: space.text(name, value) for name, value in trial.params.items()},
        reason=reason,
    )


def _importance(study: Study, records: tuple[TrialRecord, ...]) -> dict[str, float]:
    """By fANOVA over the complete trials: Hutter et al. 2014, ICML 31 (1)."""
    scores = [trial.score for trial in records if trial.state == "complete"]
    if len(scores) < MIN_TRIALS or len(set(scores)) < 2:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def short_text(text: str) -> str:
    """A fraction with four significant digits; any other text as it is."""
    try:
        number = float(text)
    except ValueError:
        return text
    return text if text.lstrip("-").isdigit() else f"{number:.4g}"
