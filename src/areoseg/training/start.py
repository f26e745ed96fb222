"""Starting a training with the weights of an earlier run instead of random weights."""

from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.runs.info import InitialWeights
from areoseg.runs.run import Run
from areoseg.runs.run import build_segmenter
from areoseg.runs.same_data import count_trained_on
from areoseg.runs.same_network import differing_network
from areoseg.taxonomy import Taxonomy

HELD_OUT = ("val", "test")


def check_initial_weights(start: Run, recipe: Recipe, taxonomy: Taxonomy) -> None:
    """Refuse a recipe whose network the weights of a run do not fit.

    Raises:
        AreosegError: Model, its options, classes or the treatment of background differ.
    """
    what = differing_network(start.recipe, start.taxonomy, recipe, taxonomy)
    if what is not None:
        raise AreosegError(
            f"{start.path} and the recipe differ in {what}: it can start only what has its"
            f" own; `areoseg train {start.path}/recipe.yaml` has"
        )


def trained_on_notes(start: Run, parts: dict[str, list[str]], fingerprint: str) -> tuple[str, ...]:
    """What to say of samples that are held out now, but that the weights have seen.

    Args:
        start: The run whose weights are taken.
        parts: Names of the samples in `val` and `test` of the training that starts.
        fingerprint: Hash of its labeled samples.

    Raises:
        AreosegError: The data are the same, so that validation or test would judge too well.
    """
    held_out = [name for part in HELD_OUT for name in parts[part]]
    same_data = [each.names for each in start.trained_on if each.fingerprint == fingerprint]
    if seen := set(held_out) & set().union(*same_data):
        raise AreosegError(
            f"{start.path} was trained on {len(seen)} of the samples that are held out here:"
            " split as it does, by the same section split and the same --groups"
        )
    known = count_trained_on([start], held_out)
    if not known:
        return ()
    return (
        f"{known} of the samples held out have the names of samples that {start.path} was"
        " trained on: if they are the same, scores are too high",
    )


def starting_segmenter(start: Run, recipe: Recipe) -> Segmenter:
    """The recipe's network with the weights of a run, not calibrated.

    Images are normalized by the brightness that the weights expect.
    """
    trained = start.segmenter(fold=False)
    segmenter = build_segmenter(
        recipe, start.taxonomy, mean=float(trained.mean), std=float(trained.std)
    )
    segmenter.network.load_state_dict(trained.network.state_dict())
    return segmenter.train()


def start_info(start: Run) -> InitialWeights:
    """Describe the initial weights: their run, how it was made, and the total training time."""
    before = start.info.initial_weights
    return InitialWeights(
        run=str(start.path),
        weights_sha256=start.weights_sha256,
        commands=start.commands,
        training_seconds=(before.training_seconds if before else 0.0)
        + (start.info.training_seconds or 0.0),
    )
