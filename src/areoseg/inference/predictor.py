"""The predictor: trained models applied to images of any size."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.appearance import Appearance
from areoseg.data.missions.cameras import camera_scale
from areoseg.errors import AreosegError, plural
from areoseg.inference.engines import Engine
from areoseg.inference.ensemble import Ensemble
from areoseg.inference.inputs import InMemory, Input, InputImage, read_images
from areoseg.inference.listing import images_of
from areoseg.inference.resampling import (
    ScaleChoice,
    ScaleOption,
    checked_scale,
    choose_scale,
    read_window,
    resized_rows,
    scaled_size,
)
from areoseg.inference.result import Result
from areoseg.inference.tiling import Probabilities, RowBlock, blended_rows, spans, tile_windows
from areoseg.utils.images import ImageArray, Mask, as_tensor

BLOCK_BYTES = 1 << 24
"""Maximum size of the probabilities of one row block."""

BATCH_PIXELS = 64 * 128
"""Pixels of the reference image that the batch size refers to: a tile of the homework."""

DEFAULT_BATCH_SIZE = {"cpu": 32, "cuda": 256}

Item = TypeVar("Item")


class Predictor:
    """Segments images of any size with one trained model, or with the mean of several.

    Args:
        engines: The models; their probabilities are averaged.
        tta_flip: See `Ensemble`.
        tta_scales: Scales of each image, relative to `scale`, over which predictions are averaged.
        scale: Factor by which the sides of an image are multiplied before prediction, or `"auto"`
            to bring each image to the training scale of the model; see `choose_scale`.
        camera: Camera of all images, a name in `CAMERAS`, which tells their scale to `"auto"`;
            None: it is assumed from the size of each image.
        tile: Side of a tile, in pixels of the scaled image. Smaller images are not tiled.
        overlap: Pixels that neighboring tiles share; None: a quarter of a tile.
        batch_size: Images of 64x128 pixels per forward pass; for larger images or tiles, as many as
            do not exceed the same total number of pixels.
        background: See `Ensemble`.
        background_threshold: See `Ensemble`.
        appearance: Description of the training images, to warn about images unlike them; or None.

    Raises:
        AreosegError: There is no engine, the engines have different classes, or an option is out of
            range.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        tta_flip: bool = False,
        tta_scales: Sequence[float] = (1.0,),
        scale: ScaleOption = "auto",
        camera: str | None = None,
        tile: int = 512,
        overlap: int | None = None,
        batch_size: int = DEFAULT_BATCH_SIZE["cpu"],
        background: bool = True,
        background_threshold: float | None = None,
        appearance: Appearance | None = None,
    ) -> None:
        overlap = tile // 4 if overlap is None else overlap
        if not 0 <= overlap <= tile // 2:
            raise AreosegError(
                f"tiles of {tile} pixels cannot overlap by {overlap}: give 0 to half the tile"
            )
        if batch_size < 1:
            raise AreosegError(f"batch size {batch_size}: give at least one image per pass")
        if camera is not None:
            camera_scale(camera, (1, 1))  # raises if it is unknown
            if scale != "auto":
                raise AreosegError("both a scale and a camera are given: give one of them")
        self.ensemble = Ensemble(
            engines,
            tta_flip=tta_flip,
            tta_scales=tta_scales,
            background=background,
            background_threshold=background_threshold,
        )
        self.taxonomy = self.ensemble.taxonomy
        self.scale: ScaleOption = scale if scale == "auto" else checked_scale(scale)
        self.camera = camera
        divisor = self.ensemble.size_divisor
        self.tile = -(-tile // divisor) * divisor
        self.overlap = overlap
        self.batch_size = batch_size
        self.appearance = appearance

    def __call__(
        self, source: Any, *, stream: bool = False, errors: Literal["raise", "skip"] = "raise"
    ) -> Any:
        """Segment one image or several.

        Args:
            source: An image file, an array (H, W) or RGB array (H, W, 3), or a PIL image; or
                several images: a list of these, a folder, a glob pattern, or an npz file.
            stream: Whether to return an iterator that computes results one at a time, so that
                memory does not grow with their number.
            errors: What to do if one of several images cannot be read or segmented: `raise` stops
                with an error, `skip` leaves it out with a warning. `Result.path` tells which
                images the results belong to.

        Returns:
            One `Result` for one image; a list of results for several, in order; an iterator over
            results if `stream`.

        Raises:
            AreosegError: An image cannot be read or segmented, or an argument is invalid.
        """
        if errors not in ("raise", "skip"):
            raise AreosegError(f"errors={errors!r}: give 'raise' or 'skip'")
        inputs, several = images_of(source)
        results = self._results(inputs, skips=several and errors == "skip")
        if stream:
            return results
        return list(results) if several else next(results)

    @property
    def engines(self) -> list[Engine]:
        """The models."""
        return self.ensemble.engines

    @property
    def background(self) -> bool:
        """Whether pixels may be background."""
        return self.ensemble.background

    @property
    def background_threshold(self) -> float | None:
        """The probability above which a pixel is background; None without a background gate."""
        return self.ensemble.background_threshold

    def __repr__(self) -> str:
        models = plural(len(self.engines), "model")
        return f"Predictor({models}: {', '.join(self.taxonomy.names)})"

    def probabilities(self, images: Tensor) -> Tensor:
        """Return class probabilities (N, C, H, W) float32 of images (N, 1, H, W) float in 0..1.

        Images are neither tiled nor scaled.
        """
        return self.ensemble(images, [1.0] * len(self.engines))

    def masks(self, images: Sequence[ImageArray] | ImageArray) -> Iterator[Mask]:
        """Yield the predicted mask (H, W) uint8 of each image (H, W), in order.

        Args:
            images: uint8, or float32 in 0..1; sizes may differ.
        """
        for _, blocks in self.stream(InputImage(image) for image in images):
            masks = [block.mask for block in blocks]
            yield masks[0] if len(masks) == 1 else np.concatenate(masks)

    def segment(self, image: ImageArray, valid: NDArray[np.bool_] | None = None) -> Result:
        """Segment one image (H, W) of any size; see `row_blocks`."""
        source = _checked(image, valid)
        return self._result(source, self._row_blocks(source))

    def row_blocks(
        self, image: ImageArray, valid: NDArray[np.bool_] | None = None
    ) -> Iterator[RowBlock]:
        """Yield the probabilities of an image of any size from top to bottom, in bounded memory.

        The image is scaled and cut into overlapping tiles if it is larger than one; blended
        probabilities are resized to its original size.

        Args:
            image: (H, W) uint8, or float32 in 0..1.
            valid: (H, W) bool, False where the image has no data; those pixels are background with
                probability one. None: all pixels are valid.

        Yields:
            Consecutive blocks of rows; each owns its arrays.

        Raises:
            AreosegError: `image` or `valid` has an invalid shape.
        """
        return self._row_blocks(_checked(image, valid))

    def stream(
        self, images: Iterable[InputImage]
    ) -> Iterator[tuple[InputImage, Iterable[RowBlock]]]:
        """Segment a stream of images; consecutive small images of one size are batched.

        Yields:
            Each image with its row blocks from top to bottom. Iterating over the blocks of an image
            that the models cannot segment raises AreosegError.
        """
        for batch in self._batches(images, self._batchable_size):
            blocks: list[Iterable[RowBlock]]
            if self._batchable_size(batch[0]) is None:
                blocks = [self._row_blocks(image) for image in batch]
            else:
                try:
                    pixels = as_tensor([image.pixels for image in batch])
                    maps = self.probabilities(pixels).numpy()
                except AreosegError:  # raise it when the caller reads the blocks of this image
                    blocks = [self._row_blocks(image) for image in batch]
                else:
                    blocks = [
                        [self._block(0, image.pixels, probabilities)]
                        for image, probabilities in zip(batch, maps, strict=True)
                    ]
            yield from zip(batch, blocks, strict=True)

    def scale_choices(self, size: tuple[int, ...]) -> list[ScaleChoice]:
        """Return the scale factor of an image (H, W) and its reason, for each engine."""
        return [
            choose_scale(self.scale, engine.scale, size, self.camera) for engine in self.engines
        ]

    def _factors(self, image: InputImage) -> list[float]:
        return [choice.factor for choice in self.scale_choices(image.size)]

    def _batchable_size(self, image: InputImage) -> tuple[int, int] | None:
        """Return the size of an image that can share a forward pass with others, else None."""
        whole = max(image.size) <= self.tile and image.valid is None and image.ignored is None
        return image.size if whole and set(self._factors(image)) == {1.0} else None

    def _batches(
        self, items: Iterable[Item], size_of: Callable[[Item], tuple[int, ...] | None]
    ) -> Iterator[list[Item]]:
        """Group consecutive items of equal size; items of size None are not grouped."""
        for size, group in groupby(items, size_of):
            count = 1
            if size is not None:
                count = max(1, self.batch_size * BATCH_PIXELS // (size[0] * size[1]))
            while batch := list(islice(group, count)):
                yield batch

    def _row_blocks(self, image: InputImage) -> Iterator[RowBlock]:
        factors = self._factors(image)
        finest = max(factors)
        height, width = image.size
        size = scaled_size(image.size, finest)
        rows, columns = (
            spans(length, self.tile, overlap=self.overlap, size_divisor=self.ensemble.size_divisor)
            for length in size
        )
        tiles = (
            read_window(image.pixels, image.valid, window, size)
            for window in tile_windows(rows, columns)
        )
        max_rows = max(1, BLOCK_BYTES // (4 * len(self.taxonomy) * width))
        blocks = blended_rows(
            rows,
            columns,
            len(self.taxonomy),
            self._tile_probabilities(tiles, [factor / finest for factor in factors]),
            max_rows=max(1, int(max_rows * size[0] / height)),
        )
        if size != image.size:
            blocks = resized_rows(blocks, size, image.size)
        top = 0
        for block in blocks:
            here = slice(top, top + block.shape[1])
            valid = None if image.valid is None else image.valid[here]
            for excluded in (
                None if valid is None else ~valid,
                None if image.ignored is None else image.ignored[here],
            ):
                if excluded is not None:
                    block[:, excluded] = 0
                    block[self.taxonomy.background, excluded] = 1
            yield self._block(top, image.pixels[here], block, valid)
            top = here.stop

    def _block(
        self,
        top: int,
        image: ImageArray,
        probabilities: Probabilities,
        valid: NDArray[np.bool_] | None = None,
    ) -> RowBlock:
        return RowBlock(
            top,
            image,
            probabilities,
            valid,
            self.taxonomy.background,
            self.background_threshold,
        )

    def _tile_probabilities(
        self, tiles: Iterable[NDArray[np.float32] | None], factors: Sequence[float]
    ) -> Iterator[Probabilities | None]:
        """Predict tiles (h, w), several per forward pass; None is passed through."""
        for batch in self._batches(tiles, lambda tile: None if tile is None else tile.shape):
            pixels = [tile for tile in batch if tile is not None]
            if pixels:
                yield from self.ensemble(
                    torch.from_numpy(np.stack(pixels))[:, None], factors
                ).numpy()
            else:
                yield None

    def _results(self, inputs: Sequence[Input | InMemory], *, skips: bool) -> Iterator[Result]:
        """Segment images; skip those that fail with a warning, or raise the error."""

        def skip(image: Input | InMemory | InputImage, reason: str) -> None:
            where = image.where if isinstance(image, InMemory) else image.path or image.name
            reason = reason.removeprefix(f"{where}: ")
            warnings.warn(f"skipped {where}: {reason}", stacklevel=2)

        try:
            for image, blocks in self.stream(read_images(inputs, skip if skips else None)):
                try:
                    yield self._result(image, blocks)
                except AreosegError as error:
                    if not skips:
                        raise
                    skip(image, str(error))
        except AreosegError as error:
            if len(inputs) == 1:
                raise
            raise AreosegError(f"{error}; errors='skip' leaves out such images") from None

    def _result(self, image: InputImage, blocks: Iterable[RowBlock]) -> Result:
        """Collect the blocks of an image."""
        probabilities: Probabilities | None = None
        for block in blocks:
            if len(block.image) == image.size[0]:
                probabilities = block.probabilities
                break
            if probabilities is None:
                probabilities = np.empty((len(self.taxonomy), *image.size), np.float32)
            probabilities[:, block.top : block.top + len(block.image)] = block.probabilities
        assert probabilities is not None
        return Result(
            0,
            image.pixels,
            probabilities,
            image.valid,
            self.taxonomy.background,
            self.background_threshold,
            source=image,
            taxonomy=self.taxonomy,
            factor=max(self._factors(image)),
            appearance=self.appearance,
        )


def _checked(image: ImageArray, valid: NDArray[np.bool_] | None) -> InputImage:
    if image.ndim != 2 or not image.size:
        raise AreosegError(
            f"an image to segment has shape {image.shape}: it must be (H, W), at least one pixel"
        )
    if valid is not None and valid.shape != image.shape:
        raise AreosegError(
            f"the valid pixels have shape {valid.shape} and the image {image.shape}: they must be"
            " equal"
        )
    return InputImage(image, valid)
