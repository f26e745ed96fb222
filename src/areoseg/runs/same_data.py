"""Whether samples are those of a run, and whether several runs can be judged by the same.

A sample that one of them was trained on is no validation for another, nor for all together.
"""

from collections.abc import Sequence

from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.runs.run import Run


def check_same_samples(run: Run, labeled: SegmentationDataset) -> None:
    """Refuse labeled samples that are not those that a run was trained on.

    Raises:
        AreosegError: Names, images or masks differ.
    """
    if fingerprint(labeled) != run.info.data.fingerprint:
        raise AreosegError(
            f"{run.path}: the data are not those that this run was trained on: give the same by"
            " --data"
        )


def check_same_data(runs: Sequence[Run]) -> None:
    """Refuse runs that were not trained on the same data with the same split.

    Raises:
        AreosegError: Data, or a part of the split, differ from those of the first run.
    """
    for part in ("val", "test", "train"):
        check_same_split(runs, part)


def check_same_split(runs: Sequence[Run], part: str) -> None:
    """Refuse runs of other data than the first, or with another part of this name.

    Folds of one cross-validation have one test part, and a validation part each.

    Raises:
        AreosegError: Data or part differ.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.info.data.fingerprint != first.info.data.fingerprint:
            raise AreosegError(
                f"{run.path} was trained on other data than {first.path}: give runs of one data"
                " set, as samples that one was trained on cannot judge the other"
            )
        if set(run.split.get(part, ())) != set(first.split.get(part, ())):
            raise AreosegError(
                f"{run.path} has another part {part!r} of its split than {first.path}: give runs of"
                " one split, as samples that one was trained on cannot judge the other"
            )


def check_not_trained_on(runs: Sequence[Run], known: str) -> None:
    """Refuse to judge by data of which a run's weights learned before its own training.

    Args:
        runs: Runs that may have started with the weights of others.
        known: The fingerprint of the labeled samples.

    Raises:
        AreosegError: One did.
    """
    for run in runs:
        before = run.info.previously_trained_on
        if any(learned.fingerprint == known for learned in before):
            raise AreosegError(
                f"{run.path} started with weights that were trained on these data, which therefore"
                " cannot judge it: score it on others"
            )


def count_trained_on(runs: Sequence[Run], names: Sequence[str]) -> int:
    """How many names are those of samples that the weights of runs have been trained on."""
    seen = {name for run in runs for learned in run.trained_on for name in learned.names}
    return sum(name in seen for name in names)
