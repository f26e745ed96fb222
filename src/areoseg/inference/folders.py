"""Predictions as files: masks, overlays and a table of terrain shares."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from areoseg.colours import overlay
from areoseg.data.scenes import Image, Mask
from areoseg.files import replacing
from areoseg.inference.inputs import Input
from areoseg.inference.predictor import Predictor


def predict_to_folder(predictor: Predictor, inputs: Iterable[Input], out: Path) -> int:
    """Segment images one after the other and write what was found.

    `out/masks/NAME.png` holds the class of each pixel as its grey value, `out/overlays/NAME.png`
    the image with the classes in colour, and `out/shares.csv` the share of each class in each
    image.

    Returns:
        The number of images.

    Raises:
        AreosegError: An image cannot be read, or the folder cannot be written.
    """
    classes = predictor.taxonomy.names
    count = 0
    with (
        replacing(out / "shares.csv") as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(["image", *classes])
        for name, image, mask in _segment(predictor, inputs):
            _write_png(out / "masks" / f"{name}.png", mask)
            _write_png(out / "overlays" / f"{name}.png", overlay(image, mask, predictor.taxonomy))
            shares = np.bincount(mask.ravel(), minlength=len(classes)) / mask.size
            writer.writerow([name, *(f"{share:.6f}" for share in shares)])
            count += 1
    return count


def _segment(predictor: Predictor, inputs: Iterable[Input]) -> Iterator[tuple[str, Image, Mask]]:
    """Name, image and mask of each input; neighbours of equal size are computed together."""
    names: list[str] = []
    images: list[Image] = []
    for each in inputs:
        image = each.read()
        if images and (image.shape != images[0].shape or len(images) == predictor.batch_size):
            yield from zip(names, images, predictor.masks(images), strict=True)
            names, images = [], []
        names.append(each.name)
        images.append(image)
    if images:
        yield from zip(names, images, predictor.masks(images), strict=True)


def _write_png(path: Path, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    with replacing(path) as beside:
        Pillow.fromarray(pixels).save(beside, format="PNG")
