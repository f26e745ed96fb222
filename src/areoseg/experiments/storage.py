"""The Optuna study of a search, in a journal file that several processes may write to."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.experiments.search_results import REASON


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting for other processes to release it."""
    while True:
        with path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_same_file(file, path):  # otherwise its last holder removed it
                yield
                return


class JournalLock(JournalFileOpenLock):
    """Locks the journal with `locked`: the operating system releases the lock of a killed process.

    Those of Optuna leave files behind, for which the next process waits half a minute.

    Args:
        path: The lock file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        self._held: AbstractContextManager[None] | None = None

    def acquire(self) -> bool:
        """Wait for other processes to release the lock, and hold it."""
        held = locked(self._path)
        held.__enter__()
        self._held = held
        return True

    def release(self) -> None:
        """Release the lock."""
        assert self._held is not None
        self._held.__exit__(None, None, None)
        self._held = None


def remove_lock(path: Path) -> None:
    """Remove a lock file; processes that wait for it create another."""
    with locked(path):
        path.unlink()


def _is_same_file(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def hold(path: Path) -> TextIO | None:
    """Hold the lock file `path` until the returned file is closed; None if it is already held."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


class SeededByTrial(BaseSampler):
    """Multivariate TPE, seeded by the seed and the number of the trial.

    Interrupted trials do not count, since their values are tried again.

    The values of a trial depend only on the seed and the earlier trials: a resumed search tries the
    same values as an uninterrupted one, and parallel processes with one seed try different values.

    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", NeurIPS 24;
    Watanabe 2023, arXiv 2304.11127.

    Args:
        seed: Seed of the search.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._tpe = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Seed the generator of the trial by its number, interrupted trials not counted."""
        failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        interrupted = sum(
            each.number < trial.number and REASON not in each.user_attrs for each in failed
        )
        number = trial.number - interrupted
        state = np.random.SeedSequence([self.seed, number]).generate_state(1)
        # The "constant liar" treats running trials as bad, so that others try different values.
        self._tpe = TPESampler(seed=int(state[0]), multivariate=True, constant_liar=True)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return the hyperparameters that are sampled jointly."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Sample them jointly; returns none while there are too few trials."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Sample a single hyperparameter."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)


JOURNAL = "journal.log"
TRIALS = "trials"
ASKING = ".asking.lock"
JOURNAL_LOCK = ".journal.lock"
RUNNING = ".running.lock"
RUN_INFO = "info"

PRUNERS: dict[str, Callable[[], BasePruner]] = {
    # Not in the first third: the learning rate is high and scores say little about the final one.
    "median": lambda: MedianPruner(n_startup_trials=5, n_warmup_steps=3),
    "hyperband": lambda: HyperbandPruner(min_resource=1, max_resource=10, reduction_factor=3),
    "none": NopPruner,
}
"""Pruners by name. One step is a tenth of a training; see `trial.py`."""


def open_study(out: Path, *, seed: int, pruner: str, info: Mapping[str, Any]) -> Study:
    """Create the study in `out`, or open the existing one.

    Args:
        out: The folder of the search.
        seed: Seed of the sampler.
        pruner: A name in `PRUNERS`.
        info: JSON values that all trials share: recipe, space, data and trial budget.

    Raises:
        AreosegError: `out` contains a different search or a damaged journal.
    """
    if pruner not in PRUNERS:
        raise AreosegError(f"no pruner {pruner!r}: {did_you_mean(pruner, PRUNERS)}")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / ASKING).touch()
    except OSError as error:
        raise AreosegError(
            f"{out}: cannot write to this folder: {one_line(error)}; choose another --out"
        ) from None
    path = out / JOURNAL
    if not path.exists() and (out / TRIALS).exists():
        raise AreosegError(f"{out}: contains trials without a {JOURNAL}; choose another --out")
    with locked(out / ASKING):
        try:
            lock = JournalLock(out / JOURNAL_LOCK)
            _cut_torn_line(path, lock)
            backend = JournalFileBackend(str(path), lock_obj=lock)
            study = optuna.create_study(
                storage=JournalStorage(backend),
                study_name="search",
                direction="maximize",
                sampler=SeededByTrial(seed),
                pruner=PRUNERS[pruner](),
                load_if_exists=True,
            )
        except (ValueError, KeyError) as error:  # raised by Optuna for invalid lines
            raise AreosegError(
                f"{path}: damaged journal ({one_line(error)}); choose another --out"
            ) from None
        kept = study.user_attrs.setdefault(RUN_INFO, dict(info))
        other = [name for name, value in info.items() if kept.get(name) != value]
        if other:
            raise AreosegError(
                f"{out}: contains a search with another {' and '.join(other)}: choose another"
                " --out, or use the same values"
            )
        study.set_user_attr(RUN_INFO, kept)
        _take_back_abandoned(study, out)
    return study


def trial_folder(out: Path, number: int) -> Path:
    """Return the folder of a trial."""
    return out / TRIALS / f"{number:04d}"


def try_again(study: Study, number: int, values: Mapping[str, Any]) -> None:
    """Mark an interrupted trial as failed and queue its values for the next trial.

    A process that was killed while a trial was created leaves no values, or only some of them; the
    sampler chooses the missing ones.
    """
    study.tell(number, state=TrialState.FAIL)
    if values:
        study.enqueue_trial(dict(values))


def _take_back_abandoned(study: Study, out: Path) -> None:
    """Queue the values of trials whose process was killed, which are marked as running."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        lock = hold(trial_folder(out, trial.number) / RUNNING)
        if lock is not None:
            try_again(study, trial.number, trial.params)
            lock.close()


def _cut_torn_line(path: Path, lock: JournalLock) -> None:
    """Remove an incomplete last line of the journal, as left by a power failure."""
    if not path.exists():
        return
    lock.acquire()
    try:
        with path.open("rb+") as file:
            content = file.read()
            file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()
