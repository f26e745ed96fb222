"""Conversion of AI4Mars labels to the classes of Mars.

AI4Mars (Swan et al., CVPRW 2021) numbers soil 0, bedrock 1, sand 2, big rock 3 and no label 255.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError, shorten
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.images import Mask

AI4MARS_VALUES = (0, 1, 2, 3, 255)
"""The valid values of an AI4Mars mask."""

_CLASS_OF_VALUE = np.zeros(256, dtype=np.uint8)
_CLASS_OF_VALUE[:4] = 1, 2, 3, 4  # 255, no label, becomes background


def classes_of_ai4mars(values: NDArray[Any], where: str, ignored: tuple[int, ...] = ()) -> Mask:
    """Convert the values of an AI4Mars mask (H, W) to the classes of Mars.

    Args:
        values: The mask.
        where: Its name in messages.
        ignored: Further values that mean "no label": some masks of version 0.6 have 4.

    Raises:
        AreosegError: The mask has other values; `where` is its name in the message.
    """
    known = np.isin(values, (*AI4MARS_VALUES, *ignored))
    if not known.all():
        wrong = [value.item() for value in np.unique(values[~known])]
        raise AreosegError(
            f"{where}: mask {'value' if len(wrong) == 1 else 'values'} {shorten(wrong)} not in"
            " AI4Mars, which has 0 to 3 and 255: if these are classes 0 to 4, read them as format"
            " 'folder'"
        )
    return _CLASS_OF_VALUE[values.astype(np.uint8)]


def check_mars_taxonomy(taxonomy: Taxonomy) -> None:
    """Check that a taxonomy has the classes of Mars, which AI4Mars labels are converted to.

    Raises:
        AreosegError: The classes differ.
    """
    if taxonomy.names != MARS.names:
        raise AreosegError(
            f"AI4Mars labels are {', '.join(MARS.names)}, but the taxonomy has"
            f" {', '.join(taxonomy.names)}: convert the masks and read them as format 'folder'"
        )
