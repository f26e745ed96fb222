"""Masks of pixels that are not terrain by definition: rover and range masks, or a user's own."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.files import IMAGE_SUFFIXES
from areoseg.data.readers.masks import read_not_ground
from areoseg.errors import AreosegError

MISSION_MASKS = {"MXY": "mxy", "RNG": "rng-30m"}
"""Product codes of rover masks and of range masks, and their folders in AI4Mars."""

FRAME_PRODUCT = "EDR"


def mission_masks(image: Path) -> tuple[Path, ...]:
    """Return the rover mask and the range mask of a Navcam frame, if they are there.

    They have the name of the frame with another product code, and lie in the same folder, or in
    the folders `mxy` and `rng-30m` beside it, as in AI4Mars.

    Args:
        image: The file of the frame.
    """
    if f"{FRAME_PRODUCT}_" not in image.stem:
        return ()
    found = []
    for product, folder in MISSION_MASKS.items():
        name = image.stem.replace(f"{FRAME_PRODUCT}_", f"{product}_", 1)
        for parent in (image.parent, image.parent.parent / folder):
            if (file := _with_image_suffix(parent, name)) is not None:
                found.append(file)
                break
    return tuple(found)


def own_masks(given: Path, image: Path) -> tuple[Path, ...]:
    """Return the mask that a user gives for an image.

    Args:
        given: A mask file, which holds for every image, or a folder of masks with the names of
            their images.
        image: The file of the image.

    Raises:
        AreosegError: There is no such file or folder.
    """
    if given.is_file():
        return (given,)
    if not given.is_dir():
        raise AreosegError(f"{given}: no such mask or folder of masks: check --ignore-mask")
    file = _with_image_suffix(given, image.stem)
    return () if file is None else (file,)


def read_ignored(masks: Sequence[Path], size: tuple[int, int]) -> NDArray[np.bool_] | None:
    """Return the pixels to ignore: those that are not zero in any of the masks.

    Args:
        masks: Mask files.
        size: Height and width of the image.

    Returns:
        (H, W) bool, or None without masks.

    Raises:
        AreosegError: A mask cannot be read, or differs in size from the image.
    """
    if not masks:
        return None
    return read_not_ground(masks, size, owner="image", advice="give a mask of the same size")


def _with_image_suffix(folder: Path, stem: str) -> Path | None:
    for suffix in IMAGE_SUFFIXES:
        for spelled in (suffix, suffix.upper()):
            if (file := folder / f"{stem}{spelled}").is_file():
                return file
    return None
