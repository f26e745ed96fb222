"""Regions of a mask that nobody draws on purpose: islands of a few pixels, and slivers."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.chunks import Arrays
from areoseg.audit.chunks import Chunks
from areoseg.audit.findings import Region
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import VOID
from areoseg.utils.images import Mask

ISLAND = 0.0005
"""Share of a mask's pixels below which a region is an island; at least 4 pixels are none."""

LONGEST_NARROW = 8
"""A region at most 2 pixels wide is a sliver where it has more pixels than this."""


def small_regions(mask: Mask, background: int) -> tuple[list[Region], list[Region]]:
    """The islands and the slivers of a mask, largest first.

    Background and void are no regions: they are what is left between those that were drawn.

    Args:
        mask: (H, W).
        background: The class of what is not labeled.

    Returns:
        The boxes of the islands, and those of the slivers.
    """
    least = max(4, ISLAND * mask.size)
    islands: list[tuple[int, Region]] = []
    slivers: list[tuple[int, Region]] = []
    for value in np.flatnonzero(np.bincount(mask.ravel())).tolist():
        if value in (background, VOID):
            continue
        inside = mask == value
        labels, count = ndimage.label(inside, np.ones((3, 3)))
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        cores = np.bincount(labels[_core(inside)], minlength=count + 1)
        boxes = ndimage.find_objects(labels) if count else []
        for number, box in enumerate(boxes, start=1):
            size = int(sizes[number])
            if size < least:
                islands.append((size, _region(box)))
            elif not cores[number] and size > LONGEST_NARROW:
                slivers.append((size, _region(box)))
    return _boxes(islands), _boxes(slivers)


def region_counts(
    samples: SegmentationDataset, background: int, chunks: Chunks | None = None
) -> Arrays:
    """How many islands and slivers each mask has, and the box of the largest of each.

    Returns:
        `islands` and `slivers` (N,), `islands box` and `slivers box` (N, 4).
    """
    return (chunks or Chunks()).each(
        f"regions but {background}", partial(_counts, background=background), samples
    )


def _counts(samples: SegmentationDataset, background: int) -> Arrays:
    """`region_counts` of some samples."""
    rows: dict[str, list[Any]] = {
        "islands": [],
        "islands box": [],
        "slivers": [],
        "slivers box": [],
    }
    for mask in samples.masks if samples.masks is not None else ():
        for kind, boxes in zip(
            ("islands", "slivers"), small_regions(mask, background), strict=True
        ):
            rows[kind].append(len(boxes))
            rows[f"{kind} box"].append(boxes[0] if boxes else (0, 0, 0, 0))
    return {key: np.array(values) for key, values in rows.items()}


def _core(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels whose 3x3 pixels all lie inside; outside of the mask counts as inside."""
    return np.asarray(ndimage.binary_erosion(inside, np.ones((3, 3), dtype=bool), border_value=1))


def _region(box: tuple[slice, ...]) -> Region:
    rows, columns = box
    return rows.start, columns.start, rows.stop, columns.stop


def _boxes(found: list[tuple[int, Region]]) -> list[Region]:
    """The boxes of regions with their sizes, largest region first."""
    return [box for _, box in sorted(found, key=lambda each: -each[0])]
