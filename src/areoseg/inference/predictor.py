"""The predictor: trained models applied to images of any size."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from itertools import groupby, islice
from math import lcm
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.appearance import Appearance
from areoseg.data.missions.cameras import camera_scale
from areoseg.errors import AreosegError, did_you_mean, plural
from areoseg.inference.engines import Engine, view_probabilities
from areoseg.inference.factory import default_model, open_engine
from areoseg.inference.image_warnings import model_appearance
from areoseg.inference.inputs import InputImage, as_input, find_inputs
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
from areoseg.utils.device import choose_device
from areoseg.utils.files import ModelPath, path_list
from areoseg.utils.images import ImageArray, Mask, as_tensor

BLOCK_BYTES = 1 << 24
"""Maximum size of the probabilities of one row block."""

BATCH_PIXELS = 64 * 128
"""Pixels of the reference image that the batch size refers to: a tile of the homework."""

DEFAULT_BATCH_SIZE = {"cpu": 32, "cuda": 256}

SMALLEST = 1e-30
"""Avoids a division by zero where all terrain classes have probability zero."""

Item = TypeVar("Item")


class Predictor:
    """Segments images of any size with one trained model, or with the mean of several.

    Args:
        engines: The models; their probabilities are averaged.
        tta_flip: Whether to average with the prediction for the mirrored image (test-time
            augmentation).
        tta_scales: Scales of each image, relative to `scale`, over which predictions are averaged.
        scale: Factor by which the sides of an image are multiplied before prediction, or `"auto"`
            to bring each image to the training scale of the model; see `choose_scale`.
        camera: Camera of all images, a name in `CAMERAS`, which tells their scale to `"auto"`;
            None: it is assumed from the size of each image.
        tile: Side of a tile, in pixels of the scaled image. Smaller images are not tiled.
        overlap: Pixels that neighboring tiles share; None: a quarter of a tile.
        batch_size: Images of 64x128 pixels per forward pass; for larger images or tiles, as many as
            do not exceed the same total number of pixels.
        background: Whether pixels may be background. False: every pixel has a terrain class, and
            the probabilities are those of the terrain classes.
        background_threshold: The probability above which a pixel is background, above 0 and below
            1; None: that of the models. Only for models with a background gate.

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
    ) -> None:
        if not engines:
            raise AreosegError("no model to predict with: name at least one run or exported file")
        if len({engine.taxonomy.identity for engine in engines}) > 1:
            raise AreosegError(
                "the models have different classes: average models with the same ones"
            )
        if not tta_scales:
            raise AreosegError("no scales for test-time augmentation: give at least 1")
        overlap = tile // 4 if overlap is None else overlap
        if not 0 <= overlap <= tile // 2:
            raise AreosegError(
                f"tiles of {tile} pixels cannot overlap by {overlap}: give 0 to half the tile"
            )
        if batch_size < 1:
            raise AreosegError(f"batch size {batch_size}: give at least one image per pass")
        self.engines = list(engines)
        self.taxonomy = engines[0].taxonomy
        self.tta_flip = tta_flip
        self.tta_scales = [checked_scale(tta_scale) for tta_scale in tta_scales]
        self.scale: ScaleOption = scale if scale == "auto" else checked_scale(scale)
        if camera is not None:
            camera_scale(camera, (1, 1))  # raises if it is unknown
            if scale != "auto":
                raise AreosegError("both a scale and a camera are given: give one of them")
        self.camera = camera
        self.size_divisor = lcm(*(engine.size_divisor for engine in engines))
        self.tile = -(-tile // self.size_divisor) * self.size_divisor
        self.overlap = overlap
        self.batch_size = batch_size
        self.appearance: Appearance | None = None
        self.background = background
        self.background_threshold = _threshold(engines, background, background_threshold)

    def answer_terrain_only(self) -> None:
        """Never answer background from now on, as with `background=False`."""
        self.background, self.background_threshold = False, None

    @classmethod
    def load(
        cls,
        *models: str | Path,
        device: str = "cpu",
        precision: str = "trained",
        accelerate: bool = False,
        batch_size: int | None = None,
        **options: Any,
    ) -> "Predictor":
        """Load a predictor from run folders, bundled models or exported files.

        Args:
            models: The models.
            device: See `open_engine`.
            precision: See `open_engine`.
            accelerate: See `open_engine`.
            batch_size: See the class; None: 32 on the CPU, 256 on a GPU.
            options: See the class.

        Raises:
            AreosegError: A path is not a model, or the models have different classes.
        """
        engines = [
            open_engine(path, device=device, precision=precision, accelerate=accelerate)
            for path in models
        ]
        for path, engine in zip(models, engines, strict=True):
            if engine.taxonomy.identity != engines[0].taxonomy.identity:
                raise AreosegError(
                    f"{path} predicts {', '.join(engine.taxonomy.names)}, but {models[0]} predicts"
                    f" {', '.join(engines[0].taxonomy.names)}: average models with one"
                    " taxonomy"
                )
        if batch_size is None:
            batch_size = DEFAULT_BATCH_SIZE[
                "cpu" if choose_device(device).type == "cpu" else "cuda"
            ]
        _check_options(options)
        predictor = cls(engines, batch_size=batch_size, **options)
        predictor.appearance = model_appearance(str(models[0]), engines[0]) if models else None
        return predictor

    def __call__(self, source: Any, *, stream: bool = False) -> Any:
        """Segment one image or several.

        Args:
            source: An image file, an array (H, W) or RGB array (H, W, 3), or a PIL image; or
                several images: a list of these, a folder, a glob pattern, or an npz file.
            stream: Whether to return an iterator that computes results one at a time, so that
                memory does not grow with their number.

        Returns:
            One `Result` for one image; a list of results for several, in order; an iterator over
            results if `stream`.

        Raises:
            AreosegError: An image cannot be read.
        """
        images, several = _read_source(source)
        results = (self._result(image, blocks) for image, blocks in self.stream(images))
        if stream:
            return results
        return list(results) if several else next(results)

    def __repr__(self) -> str:
        models = plural(len(self.engines), "model")
        return f"Predictor({models}: {', '.join(self.taxonomy.names)})"

    def probabilities(self, images: Tensor) -> Tensor:
        """Return class probabilities (N, C, H, W) float32 of images (N, 1, H, W) float in 0..1.

        Images are neither tiled nor scaled.
        """
        return self._forward(images, [1.0] * len(self.engines))

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
            spans(length, self.tile, overlap=self.overlap, size_divisor=self.size_divisor)
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
                yield from self._forward(
                    torch.from_numpy(np.stack(pixels))[:, None], factors
                ).numpy()
            else:
                yield None

    @torch.inference_mode()
    def _forward(self, images: Tensor, factors: Sequence[float]) -> Tensor:
        """Average the probabilities of all engines, each at its own scale factor."""
        total: Tensor | None = None
        for engine, factor in zip(self.engines, factors, strict=True):
            scales = [scale * factor for scale in self.tta_scales]
            probabilities = view_probabilities(
                engine, images, tta_flip=self.tta_flip, tta_scales=scales
            )
            total = probabilities if total is None else total + probabilities
        assert total is not None
        if not self.background:
            total[:, self.taxonomy.background] = 0
            return total / total.sum(dim=1, keepdim=True).clamp(min=SMALLEST)
        return total / len(self.engines)

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


def load(
    model: ModelPath | Sequence[ModelPath] | None = None,
    *,
    device: str = "cpu",
    accelerate: bool = True,
    **options: Any,
) -> Predictor:
    """Load a model to segment images in Python.

    Args:
        model: A run folder, the name of a bundled model, an exported file, or a list of these,
            whose probabilities are averaged; None: the bundled model `flagship-256`.
        device: `cpu`, `cuda` or `auto`.
        accelerate: Whether a run on the CPU may switch to OpenVINO in a long job, if OpenVINO is
            installed. Outputs then differ by rounding only.
        options: `tta_flip`, `tta_scales`, `scale`, `camera`, `tile`, `overlap`, `batch_size`,
            `background`, `background_threshold` of `Predictor`, and `precision` of `open_engine`.

    Returns:
        A predictor; calling it with an image gives a `Result`.

    Raises:
        AreosegError: The path is not a model, or the model cannot be loaded here.

    Examples:
        >>> model = areoseg.load("flagship-256")  # doctest: +SKIP
        >>> result = model("photo.jpg")  # doctest: +SKIP
        >>> for result in model("photos/", stream=True):  # doctest: +SKIP
        ...     result.save("predictions")
    """
    return Predictor.load(*model_paths(model), device=device, accelerate=accelerate, **options)


def model_paths(model: ModelPath | Sequence[ModelPath] | None) -> list[str]:
    """Return the paths of one or several models; None stands for the bundled default model."""
    if model is None:
        return [str(default_model())]
    return path_list(model)


def _check_options(options: Mapping[str, Any]) -> None:
    """Check the names of the options of a predictor."""
    known = sorted(signature(Predictor).parameters.keys() - {"engines"})
    for name in options:
        if name not in known:
            raise AreosegError(f"areoseg.load has no option {name!r}: {did_you_mean(name, known)}")


def _threshold(engines: Sequence[Engine], background: bool, chosen: float | None) -> float | None:
    """Return the threshold of the averaged probabilities, or None without a background gate.

    A model without a gate gives background no probability, so it lowers the average.
    """
    own = [each.background_threshold for each in engines if each.background_threshold is not None]
    if chosen is not None:
        if not background:
            raise AreosegError("give a background threshold or exclude background, not both")
        if not own:
            raise AreosegError(
                "these models have no background gate, so they have no background threshold:"
                " choose a model trained with data.background=gate"
            )
        if not 0 < chosen < 1:
            raise AreosegError(
                f"background threshold {chosen:g}: give a probability above 0 and below 1"
            )
        own = [chosen] * len(own)
    return sum(own) / len(engines) if own and background else None


def _read_source(source: Any) -> tuple[Iterable[InputImage], bool]:
    """Return the images of a source, read lazily, and whether it contains several."""
    if isinstance(source, str | Path):
        inputs = find_inputs([source])
        one_file = Path(source).is_file() and Path(source).suffix.lower() != ".npz"
        return (each.read() for each in inputs), not one_file
    if not isinstance(source, list | tuple):
        return [as_input(source)], False
    if all(isinstance(each, str | Path) for each in source):
        return (each.read() for each in find_inputs(source)), True
    return _read_mixed(source), True


def _read_mixed(source: Sequence[Any]) -> Iterator[InputImage]:
    for index, each in enumerate(source):
        if isinstance(each, str | Path):
            yield from _read_source(each)[0]
        else:
            image = as_input(each)
            yield replace(image, name=f"image_{index}") if image.path is None else image


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
