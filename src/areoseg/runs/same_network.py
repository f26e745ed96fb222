"""Whether the weights of one training fit the network of another."""

from collections.abc import Sequence
from typing import Any

from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.runs.run import Run
from areoseg.taxonomy import Taxonomy

OF_TRAINING_ALONE = ("dropout",)
"""Options of models that change how they are trained, and not what they compute afterwards."""


def check_same_architecture(runs: Sequence[Run]) -> None:
    """Refuse runs whose weights cannot be averaged.

    Raises:
        AreosegError: Model, its options, classes or the treatment of background differ.
    """
    first = runs[0]
    for run in runs[1:]:
        what = differing_network(run.recipe, run.taxonomy, first.recipe, first.taxonomy)
        if what is not None:
            raise AreosegError(
                f"{run.path} and {first.path} differ in {what}: their weights cannot be averaged;"
                " predictions can, by `areoseg predict RUN RUN ...`"
            )


def differing_network(
    recipe: Recipe, taxonomy: Taxonomy, other: Recipe, other_taxonomy: Taxonomy
) -> str | None:
    """What keeps the weights of one recipe from fitting the network of another; None: nothing.

    Dropout, stochastic depth and the first weights may differ: they end with the training.
    """
    compared = {
        "taxonomy": (taxonomy, other_taxonomy),
        "model.name": (recipe.model.name, other.model.name),
        "model options": (_lasting_options(recipe), _lasting_options(other)),
        "network.weight_standardization": (
            recipe.network.weight_standardization,
            other.network.weight_standardization,
        ),
        "data.background": (recipe.data.background, other.data.background),
    }
    return next((what for what, (own, theirs) in compared.items() if own != theirs), None)


def _lasting_options(recipe: Recipe) -> dict[str, Any]:
    """The options of the recipe's model that change what it computes."""
    options = recipe.model.options
    return {name: value for name, value in options.items() if name not in OF_TRAINING_ALONE}
