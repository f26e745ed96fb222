"""Starting a training with the weights of an earlier one instead of random weights."""

from dataclasses import dataclass
from typing import Any

from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.run import Run
from areoseg.same_data import differing_network
from areoseg.taxonomy import Taxonomy

HELD_BACK = ("val", "test")


@dataclass(frozen=True)
class Start:
    """The run whose weights a training starts with.

    Attributes:
        run: That run.
    """

    run: Run

    def refuse_other_network(self, recipe: Recipe, taxonomy: Taxonomy) -> None:
        """Refuse a recipe whose network the weights do not fit.

        Raises:
            AreosegError: Model, changes to it, classes or the treatment of background differ.
        """
        what = differing_network(self.run.recipe, self.run.taxonomy, recipe, taxonomy)
        if what is not None:
            raise AreosegError(
                f"{self.run.path} and the recipe differ in {what}: it can start only what has its"
                f" own; `areoseg train {self.run.path}/recipe.yaml` has"
            )

    def check_parts(self, parts: dict[str, list[str]], fingerprint: str) -> tuple[str, ...]:
        """What to say of scenes that are held back now, but that the weights have seen.

        Args:
            parts: Names of the scenes in `val` and `test` of the training that starts.
            fingerprint: Hash of its labelled scenes.

        Raises:
            AreosegError: The data are the same, so that validation or test would judge too well.
        """
        seen = set(self.run.split["train"])
        known = sum(name in seen for part in HELD_BACK for name in parts[part])
        if not known:
            return ()
        if fingerprint == self.run.facts["data"]["fingerprint"]:
            raise AreosegError(
                f"{self.run.path} was trained on {known} of the scenes that are held back here:"
                " split as it does, by the same section split and the same --groups"
            )
        return (
            f"{known} of the scenes held back have the names of scenes that {self.run.path} was"
            " trained on: if they are the same, scores are too high",
        )

    def load_into(self, segmenter: Segmenter) -> None:
        """Take over the weights, with the brightness that they expect, but no calibration."""
        segmenter.load_state_dict(self.run.segmenter(fold=False).state_dict())
        segmenter.uncalibrate()

    def to_json(self) -> dict[str, Any]:
        """What the new run notes: its start, how it was made, and the time that took in all."""
        facts = self.run.facts
        before = facts.get("start")
        return {
            "run": str(self.run.path),
            "weights_sha256": self.run.weights_sha256,
            "commands": [*(before["commands"] if before else ()), *_commands(facts)],
            "training_seconds": (facts.get("training_seconds") or 0.0)
            + (before["training_seconds"] if before else 0.0),
        }


def _commands(facts: dict[str, Any]) -> list[str]:
    """The command that made a run, if one did."""
    return [facts["command"]] if facts.get("command") else []
