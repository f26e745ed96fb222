"""The scale at which a model sees an image, and resampling to that scale and back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from areoseg.data.missions.cameras import (
    MOSAIC_ASPECT,
    NAVCAM_SIDE,
    assumed_scale,
    camera_scale,
)
from areoseg.data.missions.navcam import common_navcam_scale
from areoseg.errors import AreosegError
from areoseg.inference.tiling import Probabilities, Window
from areoseg.runs.run import Run
from areoseg.utils.images import ImageArray, as_float

ScaleOption = float | Literal["auto"]
"""A factor for all images, or `"auto"`: resize each image to the training scale of the model."""

MAX_SCALE = 8.0
"""Largest factor by which the sides of an image are enlarged."""

_MARGIN = 2
"""Margin of pixels around a window for resampling: one for bilinear, one for rounding."""


@dataclass(frozen=True)
class ScaleChoice:
    """The scale factor for one image and one model.

    Attributes:
        factor: Factor of the sides of the image.
        reason: Short explanation for messages.
        assumed: Whether the scale of the image was assumed from its size.
    """

    factor: float
    reason: str
    assumed: bool = False


def choose_scale(
    option: ScaleOption,
    trained: float | None,
    size: tuple[int, ...],
    camera: str | None = None,
) -> ScaleChoice:
    """Choose the factor by which an image is resized before a model sees it.

    With `"auto"` the image is brought to the scale of the training images. Images of unknown camera
    are never enlarged: one that is smaller than the training scale suggests is taken as a crop.

    Args:
        option: The user's choice.
        trained: Scale of the model's training images relative to a full Navcam frame, or None.
        size: Height and width of the image in pixels.
        camera: The camera of the image, a name in `CAMERAS`; None: unknown.

    Raises:
        AreosegError: The option is not a valid factor, or the camera is unknown.
    """
    if option != "auto":
        return ScaleChoice(checked_scale(option), "as requested")
    own = assumed_scale(size) if camera is None else camera_scale(camera, size)
    if trained is None:
        return ScaleChoice(1.0, "the training scale of the model is unknown")
    factor = trained / own.value
    if own.assumed and factor > 1:
        return ScaleChoice(1.0, "small: taken as a crop at the scale of training", assumed=True)
    return ScaleChoice(min(factor, MAX_SCALE), own.reason, own.assumed)


def checked_scale(factor: float) -> float:
    """Return the factor as a float.

    Raises:
        AreosegError: The factor is not above 0 and at most `MAX_SCALE`.
    """
    if not 0 < factor <= MAX_SCALE:
        raise AreosegError(
            f"scale {factor}: give a number above 0 and at most {MAX_SCALE:g}, or auto"
        )
    return float(factor)


def trained_scale(run: Run) -> float | None:
    """Return the scale of a run's training images relative to a full Navcam frame, or None.

    Earlier versions did not record it; for their runs it is inferred from sample names and size.
    """
    if "navcam_scale" in run.info.data.model_fields_set:
        return run.info.data.navcam_scale
    names = [name for split in run.split.values() for name in split]
    return common_navcam_scale(names, [run.info.model.size] * len(names))


def resizing_rule(trained: float | None) -> dict[str, Any] | None:
    """Return the rule of `choose_scale` as JSON, for programs that use an exported file.

    Args:
        trained: Scale of the training images relative to a full Navcam frame; None: unknown, and
            images are not resized.
    """
    if trained is None:
        return None
    side = round(NAVCAM_SIDE * trained)
    return {
        "longer_side": side,
        "method": "area averaging",
        "rule": (
            f"A single frame whose longer side exceeds {side} pixels is reduced so that it has"
            f" {side}. A mosaic, longer than {NAVCAM_SIDE} pixels and at least {MOSAIC_ASPECT}"
            f" times as long as high, is reduced by {trained:g}, but not below a shorter side"
            f" of {side} pixels. Other images are not resized."
        ),
    }


def scaled_size(size: Sequence[int], scale: float) -> tuple[int, int]:
    """Return height and width times `scale`, rounded, at least one pixel each."""
    height, width = size
    return max(1, round(height * scale)), max(1, round(width * scale))


def read_window(
    image: ImageArray, valid: NDArray[np.bool_] | None, window: Window, size: tuple[int, int]
) -> NDArray[np.float32] | None:
    """Read a window of a resized image without resizing the whole image.

    Reducing averages over areas, as in training; enlarging interpolates bilinearly.

    Args:
        image: (H, W) uint8, or float32 in 0..1.
        valid: (H, W) bool, False where the image has no data; those pixels are read as 0.
            None: all pixels are valid.
        window: The pixels to read, in the resized image.
        size: Height and width of the resized image.

    Returns:
        (h, w) float32 in 0..1, or None if no pixel is valid.
    """
    top, bottom, above = _extent(window.top, window.bottom, size[0], image.shape[0])
    left, right, before = _extent(window.left, window.right, size[1], image.shape[1])
    pixels = np.array(as_float(image[top:bottom, left:right]), order="C")  # always a copy
    if valid is not None:
        seen = valid[top:bottom, left:right]
        if not seen.any():
            return None
        pixels = np.where(seen, pixels, np.float32(0))
    if tuple(size) == image.shape:
        return pixels
    down, across = image.shape[0] / size[0], image.shape[1] / size[1]
    height, width = window.bottom - window.top, window.right - window.left
    reducing = max(down, across) > 1
    picture = Image.fromarray(pixels)
    # Rounding must not extend the box beyond the border.
    box = (
        before,
        above,
        min(before + width * across, picture.width),
        min(above + height * down, picture.height),
    )
    method = Image.Resampling.BOX if reducing else Image.Resampling.BILINEAR
    return np.array(picture.resize((width, height), method, box=box), dtype=np.float32)


def _extent(start: int, stop: int, length: int, full: int) -> tuple[int, int, float]:
    """Return the source pixels of a window along one axis and its start within them."""
    if length == full:
        return start, stop, 0.0
    ratio = full / length
    first = max(0, int(start * ratio) - _MARGIN)
    return first, min(full, int(np.ceil(stop * ratio)) + _MARGIN), start * ratio - first


def resized_rows(
    blocks: Iterable[Probabilities], size: tuple[int, int], target: tuple[int, int]
) -> Iterator[Probabilities]:
    """Resize probabilities block by block, bilinearly between pixel centers.

    Only a few rows are held in memory.

    Args:
        blocks: The map (C, h, w) as blocks of rows from top to bottom.
        size: Height and width of the map.
        target: Height and width of the resized map.

    Yields:
        (C, n, W) float32: blocks of rows of the resized map.
    """
    # The source rows above and below the center of each target row, and the weight of the lower.
    centers = np.clip((np.arange(target[0]) + 0.5) * size[0] / target[0] - 0.5, 0, size[0] - 1)
    above = centers.astype(np.int64)
    below = np.minimum(above + 1, size[0] - 1)
    weight = (centers - above).astype(np.float32)[:, None]

    held: Probabilities | None = None
    first, row = 0, 0  # the first source row in memory, and the next target row
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        stop = int(np.searchsorted(below, first + held.shape[1]))  # target rows to compute now
        if stop > row:
            upper, lower = held[:, above[row:stop] - first], held[:, below[row:stop] - first]
            yield _resized_columns(upper + (lower - upper) * weight[row:stop], target[1])
            row = stop
        spent = min(int(above[row]) - first, held.shape[1]) if row < target[0] else held.shape[1]
        held, first = held[:, spent:], first + spent


def _resized_columns(rows: Probabilities, width: int) -> Probabilities:
    maps = torch.from_numpy(rows).unsqueeze(0)
    return functional.interpolate(maps, (rows.shape[1], width), mode="bilinear")[0].numpy()
