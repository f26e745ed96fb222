"""Groups of arrays that are equal to the bit."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def identical_groups(arrays: Iterable[NDArray[Any]]) -> list[list[int]]:
    """Positions of arrays that equal another one in shape, type and every value.

    Returns:
        Groups of two or more positions, each ascending, in the order of their first members.
    """
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, array in enumerate(arrays):
        digest = hashlib.blake2b(f"{array.shape} {array.dtype.str}".encode(), digest_size=16)
        digest.update(np.ascontiguousarray(array).data)
        groups[digest.digest()].append(index)
    return [group for group in groups.values() if len(group) > 1]
