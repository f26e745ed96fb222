"""Read single image and mask files."""

from pathlib import Path

import numpy as np

from areoseg.data.readers.decode import decode_image, decode_indices
from areoseg.data.readers.depth import narrow, range_of, to_image, white_levels
from areoseg.data.readers.frames import without_holes
from areoseg.data.scenes import Image, Mask
from areoseg.errors import AreosegError


def read_image(path: str | Path) -> Image:
    """One image file as a grey image (H, W): uint8, or float32 in 0..1 beyond 8 bits.

    The rule of `depth` is applied to this image alone. Colour becomes luminance, alpha is
    dropped, NaN and infinite pixels become 0.

    Raises:
        AreosegError: The file is missing, empty, truncated or no image.
    """
    path = Path(path)
    levels, _ = without_holes(narrow(decode_image(path).levels, str(path)))
    return to_image(levels, white_levels([range_of(levels)], str(path)))


def read_mask(path: str | Path) -> Mask:
    """One mask file as stored, (H, W) uint8; a palette is ignored, 255 may be void.

    Raises:
        AreosegError: The file is missing, empty, truncated, no image, or in colour; or it holds
            values other than 0 to 255.
    """
    path = Path(path)
    indices = decode_indices(path)
    with np.errstate(invalid="ignore"):  # NaN, which the comparison finds
        mask = indices.astype(np.uint8)
    if not np.array_equal(mask, indices):
        raise AreosegError(f"{path}: mask values that are not whole numbers from 0 to 255: re-code")
    return mask
