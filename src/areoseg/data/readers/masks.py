"""Check that the values of a mask are classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.ai4mars_labels import AI4MARS_VALUES
from areoseg.data.readers.listing import listed
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS
from areoseg.taxonomy import VOID
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask


def check_classes(mask: NDArray[Any], taxonomy: Taxonomy, where: str) -> Mask:
    """The mask as uint8, once each of its values is known to be a class.

    Of other classes than those of Mars, masks may also hold `VOID`.

    Args:
        mask: (H, W), any number type; floats must be whole numbers.
        taxonomy: The classes.
        where: How a message names the mask.

    Raises:
        AreosegError: A value is no class; the message lists such values.
    """
    if mask.dtype.kind not in "buif":
        raise AreosegError(f"{where}: a mask of type {mask.dtype}: store class indices as uint8")
    inside = (mask >= 0) & (mask < len(taxonomy))
    if taxonomy != MARS:  # on Mars, 255 tells labels of AI4Mars that were not re-coded
        inside |= mask == VOID
    if mask.dtype.kind == "f":
        inside &= mask == np.floor(mask)
    if not inside.all():
        wrong = [value.item() for value in np.unique(mask[~inside])]
        raise AreosegError(
            f"{where}: mask {'value' if len(wrong) == 1 else 'values'} {listed(wrong)} outside the"
            f" classes 0 to {len(taxonomy) - 1} ({', '.join(taxonomy.names)}): {_advice(mask)}"
        )
    return mask.astype(np.uint8)


def _advice(mask: NDArray[Any]) -> str:
    if np.isin(mask, AI4MARS_VALUES).all():
        return "if these are AI4Mars labels, read them with format 'ai4mars-flat'; else re-code"
    return "re-code the mask"
