"""Starting a training with the weights of an earlier run instead of random weights."""

from typing import Any

from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.run import Run, build_segmenter
from areoseg.same_data import count_learnt
from areoseg.same_network import differing_network
from areoseg.taxonomy import Taxonomy

HELD_BACK = ("val", "test")


def refuse_other_start(start: Run, recipe: Recipe, taxonomy: Taxonomy) -> None:
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


def seen_before(start: Run, parts: dict[str, list[str]], fingerprint: str) -> tuple[str, ...]:
    """What to say of scenes that are held back now, but that the weights have seen.

    Args:
        start: The run whose weights are taken.
        parts: Names of the scenes in `val` and `test` of the training that starts.
        fingerprint: Hash of its labelled scenes.

    Raises:
        AreosegError: The data are the same, so that validation or test would judge too well.
    """
    held_back = [name for part in HELD_BACK for name in parts[part]]
    same_data = [each["train"] for each in start.learnt if each["fingerprint"] == fingerprint]
    if seen := set(held_back) & set().union(*same_data):
        raise AreosegError(
            f"{start.path} was trained on {len(seen)} of the scenes that are held back here:"
            " split as it does, by the same section split and the same --groups"
        )
    known = count_learnt([start], held_back)
    if not known:
        return ()
    return (
        f"{known} of the scenes held back have the names of scenes that {start.path} was"
        " trained on: if they are the same, scores are too high",
    )


def starting_segmenter(start: Run, recipe: Recipe) -> Segmenter:
    """The recipe's network with the weights of a run, not calibrated.

    Images are normalised by the brightness that the weights expect.
    """
    trained = start.segmenter(fold=False)
    segmenter = build_segmenter(
        recipe, start.taxonomy, mean=float(trained.mean), deviation=float(trained.deviation)
    )
    segmenter.network.load_state_dict(trained.network.state_dict())
    return segmenter.train()


def start_facts(start: Run) -> dict[str, Any]:
    """What the new run notes: its start, how it was made, and the time that took in all."""
    before = start.facts.get("start", {"training_seconds": 0.0})
    return {
        "run": str(start.path),
        "weights_sha256": start.weights_sha256,
        "commands": start.commands,
        "training_seconds": before["training_seconds"]
        + (start.facts.get("training_seconds") or 0.0),
    }
