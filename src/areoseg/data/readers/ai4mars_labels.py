"""Turn AI4Mars labels into the homework's classes.

AI4Mars (Swan et al., CVPRW 2021) counts soil 0, bedrock 1, sand 2, big rock 3 and no label 255.
"""

from pathlib import Path

import numpy as np

from areoseg.data.readers.decode import decode_indices
from areoseg.data.readers.listing import listed
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask

AI4MARS_VALUES = (0, 1, 2, 3, 255)
"""What an AI4Mars mask holds."""

_CLASS_OF_VALUE = np.zeros(256, dtype=np.uint8)
_CLASS_OF_VALUE[:4] = 1, 2, 3, 4  # 255, no label, becomes background


def read_ai4mars_mask(path: Path, hidden: tuple[Path, ...] = ()) -> Mask:
    """The classes of an AI4Mars label file.

    Args:
        path: The label file.
        hidden: Files of the same size whose pixels other than 0 become background: the rover
            itself, and what is more than 30 m away.

    Raises:
        AreosegError: A file cannot be read, differs in size, or holds other values.
    """
    values = decode_indices(path)
    known = np.isin(values, AI4MARS_VALUES)
    if not known.all():
        wrong = [value.item() for value in np.unique(values[~known])]
        raise AreosegError(
            f"{path}: mask {'value' if len(wrong) == 1 else 'values'} {listed(wrong)} not of"
            " AI4Mars, which has 0 to 3 and 255: if these are classes 0 to 4, read them with"
            " format 'folder'"
        )
    mask = _CLASS_OF_VALUE[values.astype(np.uint8)]
    for each in hidden:
        cover = decode_indices(each)
        if cover.shape != mask.shape:
            raise AreosegError(
                f"{each}: {cover.shape[0]}x{cover.shape[1]} pixels but its label has"
                f" {mask.shape[0]}x{mask.shape[1]}: download both again"
            )
        mask[cover != 0] = MARS.background
    return mask


def check_mars_taxonomy(taxonomy: Taxonomy) -> None:
    """Refuse a taxonomy that AI4Mars labels cannot be expressed in.

    Raises:
        AreosegError: The classes are not those of the homework.
    """
    if taxonomy.names != MARS.names:
        raise AreosegError(
            f"AI4Mars labels are {', '.join(MARS.names)}, but the taxonomy has"
            f" {', '.join(taxonomy.names)}: convert the masks and read them with format 'folder'"
        )
