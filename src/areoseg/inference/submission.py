"""The homework's submission: one CSV row an image, one digit a pixel."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from areoseg.errors import AreosegError
from areoseg.utils.files import replacing
from areoseg.utils.images import Mask

ZERO, COMMA = b"0,"


def write_submission(path: Path, masks: Iterable[Mask]) -> int:
    """Write masks as `id,0,1,...` rows: the id of the image, then its pixels row by row.

    Rows are written as they come, so that memory does not grow with their number.

    Args:
        path: The CSV file.
        masks: Masks (H, W) of one size, classes 0 to 9.

    Returns:
        The number of rows.

    Raises:
        AreosegError: Masks of several sizes, or a class of two digits.
    """
    rows = 0
    size = None
    with replacing(path) as beside, beside.open("wb", buffering=1 << 20) as file:
        for row, mask in enumerate(masks):
            if size is None:
                size = mask.shape
                file.write(",".join(["id", *map(str, range(mask.size))]).encode() + b"\n")
            if mask.shape != size:
                raise AreosegError(
                    f"{path}: image {row} has {mask.shape[0]}x{mask.shape[1]} pixels and those"
                    f" before it {size[0]}x{size[1]}: a submission takes images of one size"
                )
            if mask.max(initial=0) > 9:
                raise AreosegError(f"{path}: a submission has room for classes 0 to 9 only")
            text = np.full(2 * mask.size, COMMA, dtype=np.uint8)
            text[1::2] = mask.ravel() + ZERO
            file.write(b"%d" % row + text.tobytes() + b"\n")
            rows += 1
    return rows
