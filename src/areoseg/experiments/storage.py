"""The Optuna study of a search, in a journal file that several processes may write to."""

import fcntl
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from typing import TextIO

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.pruners import HyperbandPruner
from optuna.pruners import MedianPruner
from optuna.pruners import NopPruner
from optuna.samplers import BaseSampler
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal import JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial
from optuna.trial import TrialState

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.errors import one_line


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait until no other process holds the lock file `path`, and hold it meanwhile."""
    with path.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def hold(path: Path) -> TextIO | None:
    """Hold the lock file `path` until what is returned is closed; None where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class SeededByTrial(BaseSampler):
    """Multivariate TPE, seeded by (seed, number of the trial).

    Values then depend on the seed and on the trials before, and on nothing else: a search that is
    stopped and resumed tries what it would have tried, and two processes never try the same
    because they have the same seed.

    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", NeurIPS 24;
    Watanabe 2023, arXiv 2304.11127.

    Args:
        seed: Of the search.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._tpe = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Start the trial's own generator."""
        state = np.random.SeedSequence([self.seed, trial.number]).generate_state(1)
        # The "constant liar" takes trials that still run for bad, so that no other is like them.
        self._tpe = TPESampler(seed=int(state[0]), multivariate=True, constant_liar=True)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The values that are chosen together."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Choose them; none while there are too few trials to learn from."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Choose one value by itself."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


JOURNAL = "journal.log"
TRIALS = "trials"
ASKING = ".asking.lock"
RUNNING = ".running.lock"
RUN_INFO = "info"

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    # A third of the way first: the learning rate is still high, and scores say little.
    "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=3),
    "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=10, reduction_factor=3),
    "none": NopPruner,
}
"""When a training is given up. Steps are tenths of a training: see `trial.py`."""


def open_study(out: Path, *, seed: int, pruner: str, info: Mapping[str, Any]) -> Study:
    """Make the study in `out`, or go on with it.

    Args:
        out: The folder of the search.
        seed: Of the choice of values.
        pruner: A name in `PRUNERS`.
        info: JSON values that all trials must have in common: recipe, space, data, length.

    Raises:
        AreosegError: `out` holds a search of something else, or a damaged journal.
    """
    if pruner not in PRUNERS:
        raise AreosegError(f"there is no pruner {pruner!r}: {did_you_mean(pruner, PRUNERS)}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ASKING).touch()
    except OSError as error:
        raise AreosegError(
            f"{out}: cannot write this folder: {one_line(error)}; choose another --out"
        ) from None
    path = out / JOURNAL
    if not path.exists() and (out / TRIALS).exists():
        raise AreosegError(f"{out}: there are trials without a {JOURNAL}: choose another --out")
    with locked(out / ASKING):
        try:
            _cut_torn_line(path)
            backend = JournalFileBackend(str(path), lock_obj=JournalFileOpenLock(str(path)))
            study = optuna.create_study(
                storage=JournalStorage(backend),
                study_name="search",
                direction="maximize",
                sampler=SeededByTrial(seed),
                pruner=PRUNERS[pruner](),
                load_if_exists=True,
            )
        except (ValueError, KeyError) as error:  # what Optuna raises for lines that it cannot read
            raise AreosegError(
                f"{path}: damaged ({one_line(error)}): choose another --out"
            ) from None
        kept = study.user_attrs.setdefault(RUN_INFO, dict(info))
        other = [name for name, value in info.items() if kept.get(name) != value]
        if other:
            raise AreosegError(
                f"{out}: there is a search here already, with another {' and '.join(other)}:"
                " choose another --out, or give the same again"
            )
        study.set_user_attr(RUN_INFO, kept)
        _take_back_abandoned(study, out)
    return study


def trial_folder(out: Path, number: int) -> Path:
    """The folder of a trial."""
    return out / TRIALS / f"{number:04d}"


def try_again(study: Study, number: int, values: Mapping[str, Any]) -> None:
    """End a trial that was interrupted, and put its values before all others."""
    study.tell(number, state=TrialState.FAIL)
    study.enqueue_trial(dict(values))


def _take_back_abandoned(study: Study, out: Path) -> None:
    """Try again what killed processes were at: the trials that run without a living process."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        lock = hold(trial_folder(out, trial.number) / RUNNING)
        if lock is not None:
            try_again(study, trial.number, trial.params)
            lock.close()


def _cut_torn_line(path: Path) -> None:
    """Remove the last line of the journal where a power failure left half of it."""
    if not path.exists():
        return
    lock = JournalFileOpenLock(str(path))
    lock.acquire()
    try:
        with path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()
