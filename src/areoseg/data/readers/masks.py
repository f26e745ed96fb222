"""Read mask files, and check that their values are classes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.ai4mars import AI4MARS_VALUES, classes_of_ai4mars
from areoseg.data.readers.decode import decode_indices
from areoseg.errors import AreosegError, shorten
from areoseg.taxonomy import MARS, VOID, Taxonomy
from areoseg.utils.images import Mask


def read_mask(path: Path, taxonomy: Taxonomy) -> Mask:
    """Read the class indices (H, W) of a mask file.

    Raises:
        AreosegError: The file cannot be read, or a value is not a class.
    """
    return check_classes(decode_indices(path), taxonomy, str(path))


def check_classes(mask: NDArray[Any], taxonomy: Taxonomy, where: str) -> Mask:
    """Return the mask as uint8 after checking that each value is a class.

    Masks with classes other than those of Mars may also contain `VOID`.

    Args:
        mask: (H, W), any numeric dtype; floats must be whole numbers.
        taxonomy: The classes.
        where: Name of the mask in messages.

    Raises:
        AreosegError: A value is not a class; the message lists such values.
    """
    if mask.dtype.kind not in "buif":
        raise AreosegError(f"{where}: a mask of type {mask.dtype}: store class indices as uint8")
    inside = (mask >= 0) & (mask < len(taxonomy))
    if taxonomy != MARS:  # with the classes of Mars, 255 means unconverted AI4Mars labels
        inside |= mask == VOID
    if mask.dtype.kind == "f":
        inside &= mask == np.floor(mask)
    if not inside.all():
        wrong = [value.item() for value in np.unique(mask[~inside])]
        if taxonomy == MARS and np.isin(mask, AI4MARS_VALUES).all():
            advice = "if these are AI4Mars labels, read them as format 'ai4mars-flat'"
        else:
            advice = "correct the mask, or give all classes with --classes"
        raise AreosegError(
            f"{where}: mask {'value' if len(wrong) == 1 else 'values'} {shorten(wrong)} outside the"
            f" classes 0 to {len(taxonomy) - 1} ({shorten(taxonomy.names)}): {advice}"
        )
    return mask.astype(np.uint8)


def read_ai4mars_mask(path: Path, ignored: tuple[int, ...] = ()) -> Mask:
    """Read an AI4Mars label file as classes of Mars.

    Args:
        path: The file.
        ignored: Further values that mean "no label".

    Raises:
        AreosegError: The file cannot be read, or holds other values.
    """
    return classes_of_ai4mars(decode_indices(path), str(path), ignored)


def read_not_ground(
    paths: Sequence[Path],
    size: tuple[int, ...],
    *,
    owner: str = "label",
    advice: str = "download both again",
) -> NDArray[np.bool_]:
    """Read the pixels that are not zero in any of some masks.

    Args:
        paths: Masks, for example of the rover and of everything more than 30 m away.
        size: Height and width of the label or image that they belong to.
        owner: What this is, for the error message.
        advice: What to do about another size, for the error message.

    Returns:
        (H, W) bool.

    Raises:
        AreosegError: A file cannot be read, or differs in size.
    """
    masks = [decode_indices(path) for path in paths]
    for path, mask in zip(paths, masks, strict=True):
        if mask.shape != size:
            raise AreosegError(
                f"{path}: {mask.shape[0]}x{mask.shape[1]} pixels but its {owner} has"
                f" {size[0]}x{size[1]}: {advice}"
            )
    not_ground: NDArray[np.bool_] = np.any(masks, axis=0)
    return not_ground
