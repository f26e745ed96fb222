"""The predictor: trained models in, probabilities and masks out."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from areoseg.data.scenes import Image, Mask
from areoseg.device import Precision, choose_device, choose_precision
from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.run import open_run
from areoseg.taxonomy import Taxonomy


class Predictor:
    """Segments images with one trained model, or with the mean of several.

    Args:
        segmenters: Trained networks in evaluation mode; their probabilities are averaged.
        taxonomy: The classes that all of them answer.
        device: Where to compute.
        precision: Arithmetic of the networks.
        batch_size: Images a pass.
    """

    def __init__(
        self,
        segmenters: Sequence[Segmenter],
        taxonomy: Taxonomy,
        *,
        device: torch.device | None = None,
        precision: Precision = "float32",
        batch_size: int = 32,
    ) -> None:
        self.device = device or torch.device("cpu")
        self.segmenters = [segmenter.to(self.device).eval() for segmenter in segmenters]
        self.taxonomy = taxonomy
        self.precision = precision
        self.batch_size = batch_size

    @classmethod
    def load(cls, *runs: str | Path, device: str = "cpu", precision: str = "auto") -> "Predictor":
        """A predictor over one or several run folders.

        Raises:
            AreosegError: A folder is no run, or the runs answer different classes.
        """
        opened = [open_run(path) for path in runs]
        if not opened:
            raise AreosegError("no model to predict with: name at least one run folder")
        taxonomy = opened[0].taxonomy
        for run in opened[1:]:
            if run.taxonomy != taxonomy:
                raise AreosegError(
                    f"{run.path} answers {', '.join(run.taxonomy.names)}, but {opened[0].path}"
                    f" answers {', '.join(taxonomy.names)}: average runs of one taxonomy"
                )
        where = choose_device(device)
        return cls(
            [run.segmenter() for run in opened],
            taxonomy,
            device=where,
            precision=choose_precision(precision, where),
        )

    @torch.inference_mode()
    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities (N, C, H, W) float32 of images (N, 1, H, W) float in 0..1."""
        height, width = images.shape[-2:]
        images = _at_least(self._smallest, images.to(self.device))
        enabled = self.precision == "bfloat16"
        total: Tensor | None = None
        with torch.autocast(self.device.type, torch.bfloat16, enabled=enabled):
            for segmenter in self.segmenters:
                part = functional.softmax(segmenter(images).float(), dim=1)
                total = part if total is None else total.add_(part)
        assert total is not None
        return total.div_(len(self.segmenters))[..., :height, :width]

    @property
    def _smallest(self) -> int:
        """The shortest edge, in pixels, that all networks can take."""
        return max(getattr(segmenter.network, "stride", 1) for segmenter in self.segmenters)

    def masks(self, images: Sequence[Image] | Image) -> Iterator[Mask]:
        """The predicted mask (H, W) uint8 of each image (H, W), in order.

        Neighbours of equal size are computed together.

        Args:
            images: uint8, or float32 in 0..1; possibly of different sizes.
        """
        for _, same_size in groupby(range(len(images)), key=lambda index: images[index].shape):
            indices = list(same_size)
            for start in range(0, len(indices), self.batch_size):
                batch = [images[index] for index in indices[start : start + self.batch_size]]
                yield from (
                    self.probabilities(to_tensor(batch)).argmax(dim=1).to(torch.uint8).cpu().numpy()
                )


def _at_least(edge: int, images: Tensor) -> Tensor:
    """Images (N, C, H, W) with their last row and column repeated up to an edge of `edge`."""
    below, right = (max(0, edge - side) for side in images.shape[-2:])
    return functional.pad(images, (0, right, 0, below), mode="replicate")


def to_tensor(images: Sequence[Image]) -> Tensor:
    """Images of one size as one tensor (N, 1, H, W), float32 in 0..1."""
    # One by one, since bytes and floats may be neighbours.
    units = [image / np.float32(255) if image.dtype == np.uint8 else image for image in images]
    return torch.from_numpy(np.stack(units)).unsqueeze(1)
