"""The protocols: named definitions of mean IoU.

A protocol makes two choices: which pixels count, and which classes enter the mean. All protocols
read one confusion matrix over the whole data set, so that they differ in these choices alone.
"""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.metrics.confusion import ClassCounts
from areoseg.metrics.confusion import Counts
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Protocol:
    """A definition of mean IoU.

    Attributes:
        name: What commands and recipes call it.
        summary: One line on what it is.
        drops_background: Whether pixels whose ground truth is background are left out.
        enters: Says which classes enter the mean, (..., C) bool, given the counts of the pixels
            that are left in.
    """

    name: str
    summary: str
    drops_background: bool
    enters: Callable[[ClassCounts, Taxonomy], NDArray[np.bool_]]

    def select(self, confusion: Counts, taxonomy: Taxonomy) -> Counts:
        """The confusion matrices (..., C, C) of the pixels that count.

        Raises:
            AreosegError: The matrices are not of the taxonomy's size.
        """
        size = (len(taxonomy), len(taxonomy))
        if confusion.shape[-2:] != size:
            raise AreosegError(
                f"confusion matrix has shape {confusion.shape} but the taxonomy "
                f"{len(taxonomy)} classes: give (..., {size[0]}, {size[1]})"
            )
        if not self.drops_background:
            return confusion
        selected = confusion.copy()
        selected[..., taxonomy.background, :] = 0
        return selected


def _terrain_in_truth(counts: ClassCounts, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    return _is_terrain(taxonomy) & (counts.truth > 0)


def _terrain_with_union(counts: ClassCounts, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    return _is_terrain(taxonomy) & (counts.union > 0)


def _any_with_union(counts: ClassCounts, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    return counts.union > 0


def _is_terrain(taxonomy: Taxonomy) -> NDArray[np.bool_]:
    return np.isin(np.arange(len(taxonomy)), taxonomy.terrain)


_TABLE = (
    Protocol(
        name="terrain",
        summary="labeled pixels; mean over the terrain classes that occur in the ground truth",
        drops_background=True,
        enters=_terrain_in_truth,
    ),
    # Keras MeanIoU(num_classes=5, ignore_class=0). Background has no truth left, so once it is
    # predicted on a labeled pixel it enters with IoU 0.
    Protocol(
        name="keras",
        summary="labeled pixels; mean over all classes that are true or predicted there",
        drops_background=True,
        enters=_any_with_union,
    ),
    # A terrain class that is predicted but never true has IoU 0 and enters; only a class that is
    # neither, whose IoU would be 0/0, stays out.
    Protocol(
        name="all-pixels",
        summary="every pixel; mean over the terrain classes that are true or predicted",
        drops_background=False,
        enters=_terrain_with_union,
    ),
    Protocol(
        name="five-class",
        summary="every pixel; mean over all classes, background too, that are true or predicted",
        drops_background=False,
        enters=_any_with_union,
    ),
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""All protocols by name; the first is the default."""


def protocol(name: str) -> Protocol:
    """The protocol called `name`.

    Raises:
        AreosegError: There is none; the message names the nearest.
    """
    if name not in PROTOCOLS:
        raise AreosegError(f"there is no protocol {name!r}: {did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]
