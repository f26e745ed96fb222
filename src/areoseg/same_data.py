"""Whether scenes are those of a run, and whether several runs can be judged by the same.

A scene that one of them was trained on is no validation for another, nor for all together.
"""

from collections.abc import Sequence

from areoseg.data.fingerprint import fingerprint
from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError
from areoseg.run import Run


def refuse_other_scenes(run: Run, labelled: SceneSet) -> None:
    """Refuse labelled scenes that are not those that a run was trained on.

    Raises:
        AreosegError: Names, images or masks differ.
    """
    if fingerprint(labelled) != run.facts["data"]["fingerprint"]:
        raise AreosegError(
            f"{run.path}: the data are not those that this run was trained on: give the same by"
            " --data"
        )


def refuse_other_data(runs: Sequence[Run]) -> None:
    """Refuse runs that were not trained on the same data with the same split.

    Raises:
        AreosegError: Data, or a part of the split, differ from those of the first run.
    """
    for part in ("val", "test", "train"):
        refuse_other_part(runs, part)


def refuse_other_part(runs: Sequence[Run], part: str) -> None:
    """Refuse runs of other data than the first, or with another part of this name.

    Folds of one cross-validation have one test part, and a validation part each.

    Raises:
        AreosegError: Data or part differ.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.facts["data"]["fingerprint"] != first.facts["data"]["fingerprint"]:
            raise AreosegError(
                f"{run.path} was trained on other data than {first.path}: give runs of one data"
                " set, as scenes that one was trained on cannot judge the other"
            )
        if set(run.split.get(part, ())) != set(first.split.get(part, ())):
            raise AreosegError(
                f"{run.path} has another part {part!r} of its split than {first.path}: give runs of"
                " one split, as scenes that one was trained on cannot judge the other"
            )


def refuse_learnt(runs: Sequence[Run], known: str) -> None:
    """Refuse to judge by data of which a run's weights learnt before its own training.

    Args:
        runs: Runs that may have started with the weights of others.
        known: The fingerprint of the labelled scenes.

    Raises:
        AreosegError: One did.
    """
    for run in runs:
        before = run.facts.get("learnt_before", [])
        if any(learnt["fingerprint"] == known for learnt in before):
            raise AreosegError(
                f"{run.path} started with weights that were trained on these data, which therefore"
                " cannot judge it: score it on others"
            )


def count_learnt(runs: Sequence[Run], names: Sequence[str]) -> int:
    """How many names are those of scenes that the weights of runs have been trained on."""
    seen = {name for run in runs for learnt in run.learnt for name in learnt["train"]}
    return sum(name in seen for name in names)
