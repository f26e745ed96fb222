"""A decoded image before its gray levels are brought to a common range."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import Georeference, Metadata
from areoseg.errors import AreosegError

# Number of rows that are converted from color to gray at a time.
_ROWS = 256

# Maximum channel difference of gray stored as RGB JPEG, due to rounding in the color transform.
_JPEG_NOISE = 8

_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601

_NO_LEVEL = 1e30  # floats of this size are never measured

Constant = float | tuple[float, ...]
"""A level that marks missing pixels, or one level per band."""


@dataclass(frozen=True)
class Raster:
    """The gray levels of one image as its file stores them.

    Attributes:
        levels: (H, W), with the dtype of the file.
        valid: (H, W) bool, the pixels that the file does not mask out; None: all. Levels that are
            not finite are invalid as well; see `measured`.
        bits: Declared depth of integer levels, or None.
        colored: Whether the channels differ by more than JPEG noise.
        metadata: Time, place and camera from the label.
        georeference: Position of the pixels on a map, or None.
        warnings: Choices that the reader made, such as `only page 1 of 3 is read`.
    """

    levels: NDArray[Any]
    valid: NDArray[np.bool_] | None = None
    bits: int | None = None
    colored: bool = False
    metadata: Metadata = field(default_factory=Metadata)
    georeference: Georeference | None = None
    warnings: tuple[str, ...] = ()

    @property
    def measured(self) -> NDArray[np.bool_] | None:
        """The pixels (H, W) that hold a measurement, bool; None: all."""
        valid = self.valid
        if self.levels.dtype.kind == "f":
            finite = np.isfinite(self.levels)
            valid = finite if valid is None else valid & finite
        return None if valid is None or valid.all() else valid


def gray_raster(
    pixels: NDArray[Any],
    where: str,
    *,
    alpha: bool | None = None,
    nodata: Sequence[Constant] = (),
    bits: int | None = None,
) -> Raster:
    """Return the gray levels of pixels (H, W), or (H, W, C) with 1 to 4 channels.

    A pixel is missing if it is fully transparent, or if each of its bands has a level that marks
    missing pixels.

    Args:
        pixels: Gray or RGB, with or without alpha as the last channel.
        where: Name of the image in messages.
        alpha: Whether the last channel is alpha; None: if there are two or four.
        nodata: Levels that mark missing pixels.
        bits: Declared depth of integers, or None.

    Raises:
        AreosegError: The shape is another one.
    """
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if alpha is None:
        alpha = pixels.ndim == 3 and pixels.shape[2] in (2, 4)
    valid: NDArray[np.bool_] | None = None
    bands = pixels
    if alpha and pixels.ndim == 3:
        bands, valid = pixels[..., :-1], pixels[..., -1] != 0
    if bands.ndim != 3 or bands.shape[2] not in (1, 3) or not bands.size:
        shape = pixels.shape[:2] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels.shape
        raise AreosegError(
            f"{where}: pixels of shape {shape}: give one image, (H, W), (H, W, 3) or (H, W, 4)"
        )
    for constant in nodata:
        missing = is_missing(bands, constant)
        valid = ~missing if valid is None else valid & ~missing
    if valid is not None and valid.all():
        valid = None
    if bands.shape[2] == 1:
        return Raster(np.ascontiguousarray(bands[..., 0]), valid, bits)
    noise = _JPEG_NOISE if bands.dtype == np.uint8 else 0
    return Raster(luminance(bands), valid, bits, colored=channel_spread(bands) > noise)


def is_missing(bands: NDArray[Any], constant: Constant) -> NDArray[np.bool_]:
    """Return the pixels (H, W) all of whose bands (H, W, B) equal a constant."""
    values = constant if isinstance(constant, tuple) else (constant,) * bands.shape[2]
    missing = np.ones(bands.shape[:2], bool)
    for index, value in enumerate(values[: bands.shape[2]]):
        band = bands[..., index]
        if band.dtype.kind == "f":
            with np.errstate(over="ignore"):
                value = band.dtype.type(value)
            if np.isnan(value):
                missing &= np.isnan(band)
            elif abs(float(value)) >= _NO_LEVEL:  # labels round such constants, as in -3.40282e+38
                missing &= (band if value > 0 else -band) >= abs(value) * band.dtype.type(0.99)
            else:
                missing &= band == value
        else:
            missing &= band == value
    return missing


def luminance(channels: NDArray[Any]) -> NDArray[Any]:
    """Return the luminance (H, W) of RGB (H, W, 3), with the same dtype."""
    gray = np.empty(channels.shape[:2], channels.dtype)
    for top in range(0, len(gray), _ROWS):  # in blocks, since floats need four times the memory
        rows = channels[top : top + _ROWS]
        if channel_spread(rows) == 0:
            gray[top : top + _ROWS] = rows[..., 0]
            continue
        mixed = rows.astype(np.float32) @ _LUMINANCE
        with np.errstate(invalid="ignore"):  # missing pixels may have the highest integer
            gray[top : top + _ROWS] = np.rint(mixed) if channels.dtype.kind in "ui" else mixed
    return gray


def channel_spread(channels: NDArray[Any]) -> float:
    """Return the largest difference between the channels of any pixel of (H, W, 3)."""
    first = channels[..., 0]
    if all(np.array_equal(first, channels[..., other]) for other in (1, 2)):
        return 0.0
    return max(
        float((rows.max(axis=-1).astype(np.float64) - rows.min(axis=-1)).max())
        for rows in (channels[top : top + _ROWS] for top in range(0, len(channels), _ROWS))
    )


def turned(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return pixels (H, W, ...) as viewers show them, given an EXIF or TIFF orientation 1 to 8."""
    if orientation in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
