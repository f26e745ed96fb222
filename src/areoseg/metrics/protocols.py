"""Evaluation protocols: named definitions of mean IoU.

A protocol defines which pixels count and which classes enter the mean. All protocols use one
confusion matrix of the whole dataset, so they differ in these two choices only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError, did_you_mean
from areoseg.metrics.confusion import ClassCounts, Counts
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Protocol:
    """A definition of mean IoU.

    Attributes:
        name: Name in commands and recipes.
        summary: One-line description.
        drops_background: Whether pixels whose ground truth is background are ignored.
        enters: Returns which classes enter the mean, (..., C) bool, given the counts of the pixels
            that are not ignored.
    """

    name: str
    summary: str
    drops_background: bool
    enters: Callable[[ClassCounts, Taxonomy], NDArray[np.bool_]]

    def select(self, confusion: Counts, taxonomy: Taxonomy) -> Counts:
        """Return the confusion matrices (..., C, C) of the pixels that count.

        Raises:
            AreosegError: The size of the matrices differs from that of the taxonomy.
        """
        size = (len(taxonomy), len(taxonomy))
        if confusion.shape[-2:] != size:
            raise AreosegError(
                f"confusion matrix has shape {confusion.shape} but the taxonomy has "
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
    # Keras MeanIoU(num_classes=5, ignore_class=0). Background has no true pixels here, so if it
    # is predicted on a labeled pixel it enters the mean with IoU 0.
    Protocol(
        name="keras",
        summary="labeled pixels; mean over all classes that are true or predicted there",
        drops_background=True,
        enters=_any_with_union,
    ),
    # A terrain class that is predicted but never true enters with IoU 0; only a class that is
    # neither, whose IoU would be 0/0, is excluded.
    Protocol(
        name="all-pixels",
        summary="every pixel; mean over the terrain classes that are true or predicted",
        drops_background=False,
        enters=_terrain_with_union,
    ),
    Protocol(
        name="five-class",
        summary="every pixel; mean over all true or predicted classes, including background",
        drops_background=False,
        enters=_any_with_union,
    ),
)

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""All protocols by name; the first is the default."""


def protocol(name: str) -> Protocol:
    """Return the protocol called `name`.

    Raises:
        AreosegError: There is none; the message suggests the closest name.
    """
    if name not in PROTOCOLS:
        raise AreosegError(f"there is no protocol {name!r}: {did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]
