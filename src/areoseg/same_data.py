"""Whether scenes are those of a run, and whether several runs can be judged by the same.

A scene that one of them was trained on is no validation for another, nor for all together.
"""

from collections.abc import Sequence

from areoseg.data.fingerprint import fingerprint
from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.run import Run
from areoseg.taxonomy import Taxonomy


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


def refuse_other_network(runs: Sequence[Run]) -> None:
    """Refuse runs whose weights do not fit each other's network.

    Raises:
        AreosegError: Model, changes to it, classes or the treatment of background differ.
    """
    first = runs[0]
    for run in runs[1:]:
        what = differing_network(run.recipe, run.taxonomy, first.recipe, first.taxonomy)
        if what is None and run.recipe.data.background != first.recipe.data.background:
            what = "data.background"
        if what is not None:
            raise AreosegError(
                f"{run.path} and {first.path} differ in {what}: their weights cannot be averaged;"
                " predictions can, by `areoseg predict RUN RUN ...`"
            )


def differing_network(
    recipe: Recipe, taxonomy: Taxonomy, other: Recipe, other_taxonomy: Taxonomy
) -> str | None:
    """What keeps the weights of one recipe from fitting the network of another; None: nothing."""
    compared = {
        "model": (recipe.model, other.model),
        "network": (recipe.network, other.network),
        "taxonomy": (taxonomy, other_taxonomy),
    }
    return next((what for what, (own, theirs) in compared.items() if own != theirs), None)
