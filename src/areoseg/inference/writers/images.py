"""Masks, overlays, confidence and entropy as PNG or GeoTIFF files."""

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers.geotiff import geotiff_rows
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask, overlay

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2}  # gray, and red-green-blue
_PALETTE_TYPE = 3

# PNG filters: the row itself, or its difference to the row above for smooth images.
_FILTER_NONE, _FILTER_UP = 0, 2

_LEVEL = 4  # zlib level: nearly as small as the default, in half the time

Palette = Sequence[tuple[int, int, int]]
"""Colors of the values 0, 1, ... of a picture."""

WriteRows = Callable[[NDArray[np.uint8]], None]
"""Writes the next rows: (h, W) or (h, W, 3)."""


@contextmanager
def write_mask(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write the class index of each pixel; a palette shows the classes in color."""
    with image_rows(path, image, palette=taxonomy.colors) as write:
        yield lambda block: write(block.mask)


@contextmanager
def write_overlay(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write the image blended with the colors of the classes.

    One block is held back, since an outline depends on the next row.
    """
    with image_rows(path, image, channels=3, smooth=True) as write:
        held: RowBlock | None = None
        above: Mask | None = None

        def draw(block: RowBlock, below: Mask | None) -> None:
            write(overlay(block.image, block.mask, taxonomy, above=above, below=below))

        def add(block: RowBlock) -> None:
            nonlocal held, above
            if held is not None:
                draw(held, block.mask[:1])
                above = held.mask[-1:]
            held = block

        yield add
        if held is not None:
            draw(held, None)


@contextmanager
def write_confidence(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write the probability of the predicted class, 0 to 1 as 0 to 255; 0 without data."""
    with image_rows(path, image, smooth=True) as write:
        yield lambda block: write(_levels(block.confidence, block))


@contextmanager
def write_entropy(
    path: Path, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Callable[[RowBlock], None]]:
    """Write the normalized entropy, 0 to 1 as 0 to 255; 0 without data."""
    with image_rows(path, image, smooth=True) as write:
        yield lambda block: write(_levels(entropy(block.probabilities), block))


@contextmanager
def image_rows(
    path: Path,
    image: RoverImage,
    *,
    channels: int = 1,
    smooth: bool = False,
    palette: Palette | None = None,
) -> Iterator[WriteRows]:
    """Write a picture of an image row by row: GeoTIFF if it is georeferenced, else PNG.

    Args:
        path: The file to write.
        image: The image, for its size and place.
        channels: See `png_rows`.
        smooth: See `png_rows`.
        palette: See `png_rows`.

    Raises:
        AreosegError: The file cannot be written, or rasterio is not installed.
    """
    if image.georeference is None:
        with png_rows(
            path, image.size, channels=channels, smooth=smooth, palette=palette
        ) as write_png:
            yield write_png
        return
    with geotiff_rows(
        path,
        image.georeference,
        image.size,
        ("red", "green", "blue") if channels == 3 else (path.parent.name,),
        palette=None if palette is None else dict(enumerate(palette)),
        dtype="uint8",
        predictor=2 if smooth else 1,
        **({"photometric": "rgb"} if channels == 3 else {}),
    ) as write_bands:
        top = 0

        def write(rows: NDArray[np.uint8]) -> None:
            nonlocal top
            bands = np.moveaxis(rows, -1, 0) if channels == 3 else rows[np.newaxis]
            write_bands(top, np.ascontiguousarray(bands))
            top += len(rows)

        yield write


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Shannon's entropy of probabilities (C, H, W), divided by its maximum log C: 0 to 1."""
    total = np.zeros(probabilities.shape[1:], np.float32)
    for values in probabilities:
        total -= values * np.log(np.maximum(values, np.finfo(np.float32).tiny))
    total /= np.float32(np.log(len(probabilities)))
    return total


def _levels(values: NDArray[np.float32], block: RowBlock) -> NDArray[np.uint8]:
    """Return values in 0..1 as 0 to 255, and 0 where there is no data."""
    levels = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
    return levels if block.valid is None else np.where(block.valid, levels, np.uint8(0))


@contextmanager
def png_rows(
    path: Path,
    size: tuple[int, int],
    *,
    channels: int = 1,
    smooth: bool = False,
    palette: Palette | None = None,
) -> Iterator[WriteRows]:
    """Write a PNG file row by row, without holding a whole panorama in memory; see `replacing`.

    The format is that of the PNG specification (third edition, W3C 2025), sections 5, 9 and 11.

    Args:
        path: The file to write.
        size: Height and width in pixels.
        channels: 1 for gray or class indices, 3 for color; 8 bits each.
        smooth: Whether neighboring pixels differ little, as in photographs.
        palette: Colors in which programs show the values of a single channel, or None.

    Yields:
        A function that writes the next rows.

    Raises:
        AreosegError: The file cannot be written.
    """
    height, width = size
    with replacing(path, sync=False) as beside, beside.open("wb") as file:
        packer = zlib.compressobj(_LEVEL)
        above = np.zeros((1, width * channels), np.uint8)

        def write(rows: NDArray[np.uint8]) -> None:
            nonlocal above
            flat = rows.reshape(len(rows), width * channels)
            if smooth:
                coded = flat - np.concatenate([above, flat[:-1]])  # modulo 256, as PNG requires
                above = flat[-1:].copy()
            else:
                coded = flat
            lines = np.empty((len(rows), 1 + width * channels), np.uint8)
            lines[:, 0] = _FILTER_UP if smooth else _FILTER_NONE
            lines[:, 1:] = coded
            _write_chunk(file, b"IDAT", packer.compress(lines.tobytes()))

        file.write(_SIGNATURE)
        color_type = _COLOR_TYPES[channels] if palette is None else _PALETTE_TYPE
        header = struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)
        _write_chunk(file, b"IHDR", header)
        if palette is not None:
            _write_chunk(file, b"PLTE", bytes(level for color in palette for level in color))
        yield write
        _write_chunk(file, b"IDAT", packer.flush())
        _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        checksum = zlib.crc32(data, zlib.crc32(kind))
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))
