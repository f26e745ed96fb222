"""Whether the weights of one training fit the network of another."""

from collections.abc import Sequence

from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.run import Run, build_segmenter
from areoseg.taxonomy import Taxonomy


def refuse_other_network(runs: Sequence[Run]) -> None:
    """Refuse runs whose weights cannot be averaged.

    Raises:
        AreosegError: Model, classes or the treatment of background differ.
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
    """What keeps the weights of one recipe from fitting the network of another; None: nothing.

    Options that change no weight, such as those of dropout, may differ.
    """
    compared = {
        "taxonomy": (taxonomy, other_taxonomy),
        "model.name": (recipe.model.name, other.model.name),
        "network.weight_standardisation": (
            recipe.network.weight_standardisation,
            other.network.weight_standardisation,
        ),
    }
    for what, (own, theirs) in compared.items():
        if own != theirs:
            return what
    shapes = _weight_shapes(recipe, taxonomy), _weight_shapes(other, taxonomy)
    return None if shapes[0] == shapes[1] else "model options"


def _weight_shapes(recipe: Recipe, taxonomy: Taxonomy) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of the recipe's network."""
    import torch

    with torch.device("meta"):
        segmenter = build_segmenter(recipe, taxonomy)
    return {name: tuple(tensor.shape) for name, tensor in segmenter.state_dict().items()}
