"""Pseudo-labelled scenes: what a training takes besides the scenes that people labelled."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.fingerprint import fingerprint
from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError, one_line
from areoseg.files import replacing
from areoseg.run import Run
from areoseg.training.batches import Tensors

PSEUDO = "pseudo_labels.npz"
"""The scenes in the run folder: `images` (N, H, W), `masks` (N, H, W), `names` (N)."""


@dataclass(frozen=True)
class PseudoScenes:
    """Scenes whose masks a model made.

    Attributes:
        scenes: Scenes of one size; pixels without a pseudo-label are void.
        labelled_share: Share of each batch that is drawn from the labelled scenes, above 0 and
            below 1.
        origin: Where they come from, as JSON values for `run.json`.
    """

    scenes: SceneSet
    labelled_share: float
    origin: dict[str, Any]

    def tensors(self, *, like: Tensors) -> Tensors:
        """The scenes as tensors of the size that the labelled ones have.

        Raises:
            AreosegError: Their size is another.
        """
        refuse_other_size(self.scenes, tuple(like.images.shape[1:]))
        return Tensors.of(self.scenes)

    def to_json(self) -> dict[str, Any]:
        """What a run notes about them."""
        return {
            **self.origin,
            "scenes": len(self.scenes),
            "labelled_share": self.labelled_share,
            "fingerprint": fingerprint(self.scenes),
        }

    def save(self, folder: Path) -> None:
        """Write the scenes into a run folder."""
        images, masks = self.scenes.stacked()
        assert masks is not None
        with replacing(folder / PSEUDO) as beside, beside.open("wb") as file:
            np.savez_compressed(file, images=images, masks=masks, names=np.array(self.scenes.names))

    @classmethod
    def of_run(cls, run: Run) -> "PseudoScenes | None":
        """The scenes that a run was begun with, or None.

        Raises:
            AreosegError: Their file cannot be read, or is another.
        """
        facts = run.facts.get("self_training")
        if facts is None:
            return None
        path = run.path / PSEUDO
        try:
            with np.load(path, allow_pickle=False) as arrays:
                names = tuple(arrays["names"].tolist())
                scenes = SceneSet(arrays["images"], arrays["masks"], names)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise AreosegError(
                f"{path}: cannot read the pseudo-labels of this run: {one_line(error)}; train anew"
            ) from None
        if fingerprint(scenes) != facts["fingerprint"]:
            raise AreosegError(
                f"{path}: these are not the pseudo-labels that the run was begun with: train anew"
            )
        return cls(scenes, facts["labelled_share"], facts)


def refuse_other_size(scenes: SceneSet, size: tuple[int, ...]) -> None:
    """Refuse scenes that cannot share a batch with labelled scenes.

    Args:
        scenes: Unlabelled or pseudo-labelled scenes.
        size: Height and width of the labelled scenes.

    Raises:
        AreosegError: One of them has another size.
    """
    for name, image in zip(scenes.names, scenes.images, strict=True):
        if image.shape != size:
            height, width = image.shape
            raise AreosegError(
                f"{name} has {height}x{width} pixels, but the labelled scenes {size[0]}x{size[1]}:"
                " give unlabelled images of that size, or train on tiles by data.tile"
            )
