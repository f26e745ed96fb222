"""Masks, overlays, confidence and entropy as PNG files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.rover_image import RoverImage
from areoseg.inference.writers.png import png_rows
from areoseg.inference.writers.rows import Rows
from areoseg.inference.writers.rows import Write
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import overlay


@contextmanager
def write_mask(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """The class index of each pixel as its gray value."""
    with png_rows(path, image.size) as write:
        yield lambda rows: write(rows.mask)


@contextmanager
def write_overlay(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """The image with the classes laid over it in color."""
    with png_rows(path, image.size, channels=3, smooth=True) as write:
        yield lambda rows: write(overlay(rows.pixels, rows.mask, taxonomy))


@contextmanager
def write_confidence(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """The probability of the class of each pixel: 0 to 255 for 0 to 1, and 0 where no data are."""
    with png_rows(path, image.size, smooth=True) as write:
        yield lambda rows: write(_bytes(rows.classes().max(axis=0), rows))


@contextmanager
def write_entropy(path: Path, image: RoverImage, taxonomy: Taxonomy) -> Iterator[Write]:
    """The entropy of each pixel: 0 to 255 for none to that of guessing, and 0 where no data are."""
    with png_rows(path, image.size, smooth=True) as write:
        yield lambda rows: write(_bytes(entropy(rows.classes()), rows))


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shannon's entropy of probabilities (C, H, W), divided by that of guessing, log C: 0 to 1."""
    found = np.zeros(probabilities.shape[1:], np.float32)
    for each in probabilities:
        found -= each * np.log(np.maximum(each, np.finfo(np.float32).tiny))
    found /= np.float32(np.log(len(probabilities)))
    return found


def _bytes(values: NDArray[np.float32], rows: Rows) -> NDArray[np.uint8]:
    """Values in 0..1 as 0 to 255, and 0 where nothing was measured."""
    levels = np.rint(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
    return levels if rows.valid is None else np.where(rows.valid, levels, np.uint8(0))
