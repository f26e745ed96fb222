"""Pseudo-labeled samples: what a training takes besides the samples that people labeled."""

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.runs.info import SelfTrainingInfo
from areoseg.runs.run import Run
from areoseg.training.batches import Tensors
from areoseg.utils.files import replacing

PSEUDO = "pseudo_labels.npz"
"""The samples in the run folder: `images` (N, H, W), `masks` (N, H, W), `names` (N)."""


@dataclass(frozen=True)
class PseudoSamples:
    """Samples whose masks a model made.

    Attributes:
        samples: Samples of one size; pixels without a pseudo-label are void.
        labeled_share: Share of each batch that is drawn from the labeled samples, above 0 and
            below 1.
        origin: Fields of `SelfTrainingInfo` that the samples do not have themselves.
    """

    samples: SegmentationDataset
    labeled_share: float
    origin: dict[str, Any]

    def tensors(self, *, like: Tensors) -> Tensors:
        """The samples as tensors of the size that the labeled ones have.

        Raises:
            AreosegError: Their size is another.
        """
        check_same_size(self.samples, tuple(like.images.shape[1:]))
        return Tensors.of(self.samples)

    def info(self) -> SelfTrainingInfo:
        """Describe the samples for `run.json`."""
        return SelfTrainingInfo(
            **self.origin,
            samples=len(self.samples),
            labeled_share=self.labeled_share,
            fingerprint=fingerprint(self.samples),
        )

    def save(self, folder: Path) -> None:
        """Write the samples into a run folder."""
        images, masks = self.samples.stacked()
        assert masks is not None
        with replacing(folder / PSEUDO) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file, images=images, masks=masks, names=np.array(self.samples.names)
            )

    @classmethod
    def of_run(cls, run: Run) -> "PseudoSamples | None":
        """The samples that a run was begun with, or None.

        Raises:
            AreosegError: Their file cannot be read, or is another.
        """
        info = run.info.self_training
        if info is None:
            return None
        path = run.path / PSEUDO
        try:
            with np.load(path, allow_pickle=False) as arrays:
                names = tuple(arrays["names"].tolist())
                samples = SegmentationDataset(arrays["images"], arrays["masks"], names)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise AreosegError(
                f"{path}: cannot read the pseudo-labels of this run: {one_line(error)}; train anew"
            ) from None
        if fingerprint(samples) != info.fingerprint:
            raise AreosegError(
                f"{path}: these are not the pseudo-labels that the run was begun with: train anew"
            )
        own = {"samples", "labeled_share", "fingerprint"}
        return cls(samples, info.labeled_share, info.model_dump(exclude=own))


def check_same_size(samples: SegmentationDataset, size: tuple[int, ...]) -> None:
    """Refuse samples that cannot share a batch with labeled samples.

    Args:
        samples: Unlabeled or pseudo-labeled samples.
        size: Height and width of the labeled samples.

    Raises:
        AreosegError: One of them has another size.
    """
    for name, image in zip(samples.names, samples.images, strict=True):
        if image.shape != size:
            height, width = image.shape
            raise AreosegError(
                f"{name} has {height}x{width} pixels, but the labeled samples {size[0]}x{size[1]}:"
                " give unlabeled images of that size, or train on tiles by data.tile"
            )
