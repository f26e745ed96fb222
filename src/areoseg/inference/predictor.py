"""The predictor: trained models in, probabilities and masks out, for images of any size."""

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import lcm
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.inference.engine import Engine
from areoseg.inference.engine import open_engine
from areoseg.inference.resampling import read_window
from areoseg.inference.resampling import resized_rows
from areoseg.inference.scale import ScaleChoice
from areoseg.inference.scale import ScaleOption
from areoseg.inference.scale import checked_scale
from areoseg.inference.scale import choose_scale
from areoseg.inference.tiling import Probabilities
from areoseg.inference.tiling import Window
from areoseg.inference.tiling import blended_rows
from areoseg.inference.tiling import spans
from areoseg.inference.views import scaled_size
from areoseg.inference.views import view_probabilities
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask
from areoseg.utils.images import as_tensor

BAND_BYTES = 1 << 24
"""What the probabilities of one row_block may take."""

BATCH_PIXELS = 64 * 128
"""Pixels of the images that a batch size counts: the homework's tiles."""


@dataclass(frozen=True)
class RowBlock:
    """Some rows of an image with their probabilities.

    Attributes:
        top: The first row.
        probabilities: (C, h, W) float32, which sum to one over C.
    """

    top: int
    probabilities: Probabilities


@dataclass(frozen=True)
class Segmentation:
    """What was found in one image.

    Attributes:
        mask: (H, W) uint8, the most probable class of each pixel.
        confidence: (H, W) float16, its probability.
    """

    mask: Mask
    confidence: NDArray[np.float16]


class Predictor:
    """Segments images of any size with one trained model, or with the mean of several.

    Args:
        engines: The models; their probabilities are averaged.
        flips: Whether each image is shown mirrored left to right as well.
        scales: Scales at which each image is shown, besides `scale`; their mean counts.
        scale: What the sides of an image are multiplied by before it is shown to the models, or
            `"auto"` for each model's own training scale as far as it and the image's are known.
        tile: Edge of a tile, in pixels of the scaled image. Images up to it are not tiled.
        overlap: Pixels that neighboring tiles share; None: a quarter of a tile.
        batch_size: Images of 64x128 pixels a pass; of larger ones, as many as have no more pixels.

    Raises:
        AreosegError: There is no engine, they answer different classes, or a number makes no
            sense.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        flips: bool = False,
        scales: Sequence[float] = (1.0,),
        scale: ScaleOption = 1.0,
        tile: int = 512,
        overlap: int | None = None,
        batch_size: int = 32,
    ) -> None:
        if not engines:
            raise AreosegError("no model to predict with: name at least one run or exported file")
        if len({engine.taxonomy for engine in engines}) > 1:
            raise AreosegError("these models answer different classes: average those of one set")
        if not scales:
            raise AreosegError("no scales to show images at: give at least 1")
        overlap = tile // 4 if overlap is None else overlap
        if not 0 <= overlap <= tile // 2:
            raise AreosegError(
                f"tiles of {tile} pixels cannot share {overlap}: give 0 to half the tile"
            )
        if batch_size < 1:
            raise AreosegError(f"batch size {batch_size}: a pass needs at least one image")
        self.engines = list(engines)
        self.taxonomy = engines[0].taxonomy
        self.flips = flips
        self.scales = [checked_scale(each) for each in scales]
        self.scale: ScaleOption = scale if scale == "auto" else checked_scale(scale)
        self.size_divisor = lcm(*(engine.size_divisor for engine in engines))
        self.tile = -(-tile // self.size_divisor) * self.size_divisor
        self.overlap = overlap
        self.batch_size = batch_size

    @classmethod
    def load(
        cls,
        *paths: str | Path,
        device: str = "cpu",
        precision: str = "trained",
        accelerate: bool = False,
        flips: bool = False,
        scales: Sequence[float] = (1.0,),
        scale: ScaleOption = 1.0,
        tile: int = 512,
        overlap: int | None = None,
        batch_size: int = 32,
    ) -> "Predictor":
        """A predictor over run folders or exported files; see `open_engine` and the class.

        Raises:
            AreosegError: A path is no model, or the models answer different classes.
        """
        engines = [
            open_engine(path, device=device, precision=precision, accelerate=accelerate)
            for path in paths
        ]
        for path, engine in zip(paths, engines, strict=True):
            if engine.taxonomy != engines[0].taxonomy:
                raise AreosegError(
                    f"{path} answers {', '.join(engine.taxonomy.names)}, but {paths[0]}"
                    f" answers {', '.join(engines[0].taxonomy.names)}: average runs of one taxonomy"
                )
        return cls(
            engines,
            flips=flips,
            scales=scales,
            scale=scale,
            tile=tile,
            overlap=overlap,
            batch_size=batch_size,
        )

    def probabilities(self, images: Tensor) -> Tensor:
        """Class probabilities (N, C, H, W) float32 of images (N, 1, H, W) float in 0..1.

        The images are shown as they are: in one piece, and at their own scale.
        """
        return self._probabilities(images, [1.0] * len(self.engines))

    def masks(self, images: Sequence[ImageArray] | ImageArray) -> Iterator[Mask]:
        """The predicted mask (H, W) uint8 of each image (H, W), in order.

        Neighbors of equal size are computed together.

        Args:
            images: uint8, or float32 in 0..1; possibly of different sizes.
        """
        for found in self.segmentations(images):
            yield found.mask

    def segmentations(
        self, images: Sequence[ImageArray] | ImageArray, names: Sequence[str] | None = None
    ) -> Iterator[Segmentation]:
        """Mask and confidence of each image (H, W), in order.

        Neighbors of equal size are computed together, if they are no larger than a tile.

        Args:
            images: uint8, or float32 in 0..1; possibly of different sizes.
            names: Their names, which may tell their scale; see `row_blocks`.
        """
        named = [None] * len(images) if names is None else list(names)
        for _, same_size in groupby(range(len(images)), key=lambda index: images[index].shape):
            indices = list(same_size)
            height, width = images[indices[0]].shape
            together = max(1, self.batch_size * BATCH_PIXELS // (height * width))
            for start in range(0, len(indices), together):
                chosen = indices[start : start + together]
                factors = {self._factors((height, width), named[index]) for index in chosen}
                if max(height, width) > self.tile or factors != {(1.0,) * len(self.engines)}:
                    yield from (self.segment(images[i], name=named[i]) for i in chosen)
                    continue
                found = self.probabilities(as_tensor([images[index] for index in chosen]))
                confidence, mask = found.max(dim=1)
                yield from map(
                    Segmentation, mask.to(torch.uint8).numpy(), confidence.half().numpy()
                )

    def segment(
        self, image: ImageArray, valid: NDArray[np.bool_] | None = None, *, name: str | None = None
    ) -> Segmentation:
        """Mask and confidence of one image of any size; see `row_blocks`."""
        mask = np.empty(image.shape, np.uint8)
        confidence = np.empty(image.shape, np.float16)
        for row_block in self.row_blocks(image, valid, name=name):
            rows = slice(row_block.top, row_block.top + row_block.probabilities.shape[1])
            best, index = torch.from_numpy(row_block.probabilities).max(dim=0)
            mask[rows], confidence[rows] = index.numpy(), best.numpy()
        return Segmentation(mask, confidence)

    def row_blocks(
        self, image: ImageArray, valid: NDArray[np.bool_] | None = None, *, name: str | None = None
    ) -> Iterator[RowBlock]:
        """The probabilities of an image of any size, from top to bottom, in bounded memory.

        The image is scaled, cut into overlapping tiles where it is larger than one, and the
        blended probabilities are brought back to its own size.

        Args:
            image: (H, W) uint8, or float32 in 0..1.
            valid: (H, W) bool, False where a pixel means nothing, such as nodata: it is answered
                as background with probability one. None: all pixels are valid.
            name: The name of its file or product, from which `scale="auto"` may tell its scale.

        Yields:
            Bands that lie one below the other; each has arrays of its own.

        Raises:
            AreosegError: `image` or `valid` has an unusable shape.
        """
        _check_image(image, valid)
        factors = self._factors(image.shape, name)
        finest = max(factors)
        size = scaled_size(image.shape, finest)
        rows, columns = (
            spans(length, self.tile, overlap=self.overlap, size_divisor=self.size_divisor)
            for length in size
        )
        band_rows = max(1, BAND_BYTES // (4 * len(self.taxonomy) * image.shape[1]))
        blocks = blended_rows(
            rows,
            columns,
            len(self.taxonomy),
            partial(self._tile, image, valid, size, [factor / finest for factor in factors]),
            most_rows=max(1, int(band_rows * size[0] / image.shape[0])),
        )
        if size != image.shape:
            blocks = resized_rows(blocks, size, (image.shape[0], image.shape[1]))
        top = 0
        for block in blocks:
            if valid is not None:
                hidden = ~valid[top : top + block.shape[1]]
                block[:, hidden] = 0
                block[self.taxonomy.background, hidden] = 1
            yield RowBlock(top, block)
            top += block.shape[1]

    def scale_choices(self, size: tuple[int, ...], name: str | None = None) -> list[ScaleChoice]:
        """The factor that `row_blocks` takes for an image, and why; one for each engine."""
        return [choose_scale(self.scale, each.scale, size, name) for each in self.engines]

    def _factors(self, size: tuple[int, ...], name: str | None) -> tuple[float, ...]:
        return tuple(choice.factor for choice in self.scale_choices(size, name))

    def _tile(
        self,
        image: ImageArray,
        valid: NDArray[np.bool_] | None,
        size: tuple[int, int],
        factors: Sequence[float],
        window: Window,
    ) -> Probabilities | None:
        """The probabilities of one tile; None where none of its pixels is valid."""
        pixels = read_window(image, valid, window, size)
        if pixels is None:
            return None
        images = torch.from_numpy(pixels)[None, None]
        return self._probabilities(images, factors)[0].numpy()

    @torch.inference_mode()
    def _probabilities(self, images: Tensor, factors: Sequence[float]) -> Tensor:
        """The mean of all engines, each of which is shown the images scaled by its factor."""
        total: Tensor | None = None
        for engine, factor in zip(self.engines, factors, strict=True):
            scales = [scale * factor for scale in self.scales]
            part = view_probabilities(engine, images, scales=scales, flips=self.flips)
            total = part if total is None else total + part
        assert total is not None
        return total / len(self.engines)


def _check_image(image: ImageArray, valid: NDArray[np.bool_] | None) -> None:
    if image.ndim != 2 or not image.size:
        raise AreosegError(
            f"an image to segment has shape {image.shape}: it must be (H, W), at least one pixel"
        )
    if valid is not None and valid.shape != image.shape:
        raise AreosegError(
            f"the valid pixels have shape {valid.shape} and the image {image.shape}: they must be"
            " the same"
        )
