"""Running a search: trial after trial, until the time is over or there are enough."""

from pathlib import Path
from typing import TextIO

from optuna.study import Study
from optuna.trial import Trial
from optuna.trial import TrialState
from rich.console import Console

from areoseg.errors import AreosegError
from areoseg.report.formats import decimal
from areoseg.report.formats import duration
from areoseg.search.locks import hold
from areoseg.search.locks import locked
from areoseg.search.records import REASON
from areoseg.search.records import Search
from areoseg.search.records import read_search
from areoseg.search.records import short_text
from areoseg.search.study import ASKING
from areoseg.search.study import RUNNING
from areoseg.search.study import open_study
from areoseg.search.study import trial_folder
from areoseg.search.study import try_again
from areoseg.search.trial import Outcome
from areoseg.search.trial import Trainings
from areoseg.search.write import write_search
from areoseg.training.plan import Budget
from areoseg.training.plan import parse_budget

MOST_FAILURES = 3  # in succession; then something is wrong that another trial will not mend


def search_times(
    budget: str | None, trial_budget: str | None, trials: int | None
) -> tuple[Budget | None, float | None]:
    """The clock of a search, which starts now, and the seconds of a trial; None: no limit.

    Raises:
        AreosegError: A time is none, or nothing says when the search ends.
    """
    if budget is None and trials is None:
        raise AreosegError("a search needs an end: give --budget, such as 2h, or --trials")
    if trials is not None and trials < 1:
        raise AreosegError(f"--trials {trials}: at least 1")
    clock = None if budget is None else Budget(parse_budget(budget))
    if trial_budget is None:
        return clock, None
    try:
        seconds = parse_budget(trial_budget)
    except AreosegError as error:
        raise AreosegError(str(error).replace("--budget", "--trial-budget")) from None
    if clock is not None and seconds >= clock.left:
        raise AreosegError(
            f"--budget {budget} has no time for one trial of {trial_budget}: raise it, or lower"
            " --trial-budget"
        )
    return clock, seconds


def run_search(
    trainings: Trainings,
    out: Path,
    *,
    seed: int,
    pruner: str,
    budget: Budget | None,
    trials: int | None,
    console: Console,
) -> Search:
    """Try values until the time is over or there are enough trials.

    Several processes may do so in one folder. After each trial it holds all that is known.

    Args:
        trainings: How to train.
        out: The folder of the search; one that holds a search goes on.
        seed: Of the choice of values.
        pruner: A name in `PRUNERS`.
        budget: The time of this call. A trial that would not end in it is not begun; where nobody
            knows yet how long one takes, it is stopped at the end of the time.
        trials: So many whole and pruned trials in all, those of earlier calls and of other
            processes included; None: the budget alone counts.
        console: Where to say what happens.

    Raises:
        AreosegError: `out` holds another search, or several trials in succession failed.
        KeyboardInterrupt: It was interrupted; the values of the trial are tried again later.
    """
    study = open_study(out, seed=seed, pruner=pruner, info=trainings.info)
    failures = 0
    search = _write(study, trainings, out)
    while _in_time(study, trainings, budget):
        begun = _begin(study, trainings, out, trials)
        if begun is None:
            break
        trial, lock = begun
        with lock:
            _say(console, f"trial {trial.number}: {_values(trial, trainings)}")
            try:
                outcome = _carry_out(study, trial, trainings, out, budget)
            finally:
                search = _write(study, trainings, out)
        _say(console, _ending(search, trial.number))
        failures = failures + 1 if outcome.state == TrialState.FAIL else 0
        if failures == MOST_FAILURES:
            raise AreosegError(f"{out}: {failures} trials in succession failed: {outcome.reason}")
    return search


def _in_time(study: Study, trainings: Trainings, budget: Budget | None) -> bool:
    """Whether a trial that begins now would end in time, as far as is known."""
    if budget is None:
        return True
    whole = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    longest = max((trial.duration.total_seconds() for trial in whole if trial.duration), default=0)
    return budget.left > (trainings.seconds or longest)


def _begin(
    study: Study, trainings: Trainings, out: Path, trials: int | None
) -> tuple[Trial, TextIO] | None:
    """A trial with its values and the lock that shows that it runs; None where there are enough."""
    counted = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
    with locked(out / ASKING):
        if trials is not None and len(study.get_trials(False, counted)) >= trials:
            return None
        trial = study.ask(trainings.recipe.space.distributions)
        lock = hold(trial_folder(out, trial.number) / RUNNING)
    assert lock is not None  # nobody else knows this number yet
    return trial, lock


def _carry_out(
    study: Study, trial: Trial, trainings: Trainings, out: Path, budget: Budget | None
) -> Outcome:
    """Train, and enter into the study how it ended."""
    deadline = None if budget is None else budget.started + budget.seconds
    try:
        outcome = trainings.run(trial, trial_folder(out, trial.number), deadline=deadline)
    except KeyboardInterrupt:
        try_again(study, trial.number, trial.params)
        raise
    except BaseException as error:
        trial.set_user_attr(REASON, repr(error))
        study.tell(trial, state=TrialState.FAIL)
        raise
    if outcome.reason is not None:
        trial.set_user_attr(REASON, outcome.reason)
    study.tell(trial, outcome.score, outcome.state)
    return outcome


def _write(study: Study, trainings: Trainings, out: Path) -> Search:
    """Write what the study knows by now; one process at a time, so that none writes older news."""
    recipe = trainings.recipe
    with locked(out / ASKING):
        search = read_search(study, recipe.space, out, recipe.base.protocol)
        write_search(search, trainings)
    return search


def _values(trial: Trial, trainings: Trainings) -> str:
    space = trainings.recipe.space
    texts = {name: space.text(name, value) for name, value in trial.params.items()}
    return ", ".join(f"{name}={short_text(text)}" for name, text in texts.items())


def _ending(search: Search, number: int) -> str:
    trial = next(trial for trial in search.trials if trial.number == number)
    if trial.reason is not None:
        return f"trial {number}: failed: {trial.reason}"
    best = " (best)" if trial == search.best else ""
    took = f"{trial.state} in {duration(trial.seconds)}"
    return f"trial {number}: {search.protocol} score {decimal(trial.score, 4)}{best}, {took}"


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
