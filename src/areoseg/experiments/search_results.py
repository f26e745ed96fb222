"""The results of a search: its trials, and the importance of each hyperparameter."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from areoseg.experiments.space import Space

STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
}
"""Names of the trial states. Queued trials are not shown."""

INTERRUPTED = "interrupted"
"""A trial that was interrupted, in Optuna a failed one; its values are tried again."""

REASON = "reason"
MIN_TRIALS = 4  # for an importance


@dataclass(frozen=True)
class TrialRecord:
    """One trial.

    Attributes:
        number: Trial number, from 0.
        state: `complete`, `pruned`, `failed`, `interrupted` or `running`.
        score: The validation score, 0 to 1; for a pruned trial, the last reported one.
        seconds: Duration, or None while it is running.
        progress: Fraction of the training done at the last report.
        values: YAML text of each value, by dotted name; empty if the trial was interrupted before
            they were chosen.
        reason: Why it failed, or None.
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
        """The values, with numbers rounded to four significant digits."""
        return {name: short_text(text) for name, text in self.values.items()}


@dataclass(frozen=True)
class Search:
    """The state of a search.

    Attributes:
        out: Folder of the search.
        protocol: Protocol of the scores.
        trials: All started trials, by number.
        importance: Importance of each hyperparameter, in descending order, with a sum of 1; empty
            if there are fewer than `MIN_TRIALS` complete trials, or all scores are equal.
    """

    out: Path
    protocol: str
    trials: tuple[TrialRecord, ...]
    importance: Mapping[str, float]

    @property
    def ranked(self) -> list[TrialRecord]:
        """The complete trials in descending order of score."""
        complete = [trial for trial in self.trials if trial.state == "complete"]
        return sorted(complete, key=lambda trial: -(trial.score or 0.0))

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the highest score, or None."""
        return next(iter(self.ranked), None)

    @property
    def counts(self) -> str:
        """Number of trials by state, for example `3 complete, 1 pruned`."""
        counted = Counter(trial.state for trial in self.trials)
        names = (*STATES.values(), INTERRUPTED)
        return ", ".join(f"{counted[name]} {name}" for name in names if counted[name])

    def to_json(self) -> dict[str, Any]:
        """Return the search as JSON values."""
        return {
            "protocol": self.protocol,
            "best": None if self.best is None else self.best.number,
            "importance": dict(self.importance),
            "trials": [asdict(trial) for trial in self.trials],
        }


def read_search(study: Study, space: Space, out: Path, protocol: str) -> Search:
    """Read the trials of a study."""
    trials = study.get_trials(deepcopy=False)
    records = tuple(_record(trial, space) for trial in trials if trial.state in STATES)
    return Search(out, protocol, records, _importance(study, records))


def _record(trial: FrozenTrial, space: Space) -> TrialRecord:
    reported = trial.intermediate_values
    score = trial.value if trial.value is not None else reported.get(max(reported, default=0))
    reason = trial.user_attrs.get(REASON)
    interrupted = (trial.state == TrialState.FAIL and reason is None) or (
        trial.state == TrialState.RUNNING and len(trial.params) < len(space.entries)  # killed
    )
    return TrialRecord(
        number=trial.number,
        state=INTERRUPTED if interrupted else STATES[trial.state],
        score=score if score is not None and math.isfinite(score) else None,
        seconds=trial.duration.total_seconds() if trial.duration else None,
        progress=max(reported, default=0) / 10,
        values={name: space.text(name, value) for name, value in trial.params.items()},
        reason=reason,
    )


def _importance(study: Study, records: tuple[TrialRecord, ...]) -> dict[str, float]:
    """Compute fANOVA importances of the complete trials (Hutter et al. 2014, ICML 31)."""
    scores = [trial.score for trial in records if trial.state == "complete"]
    if len(scores) < MIN_TRIALS or len(set(scores)) < 2:
        return {}
    return dict(get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0)))


def short_text(text: str) -> str:
    """Round a decimal number to four significant digits; return other text unchanged."""
    try:
        number = float(text)
    except ValueError:
        return text
    return text if text.lstrip("-").isdigit() else f"{number:.4g}"
