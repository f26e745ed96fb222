"""Put the frames that were read together into samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.depth import to_image
from areoseg.data.readers.frames import CutFrame
from areoseg.data.readers.listing import listed
from areoseg.data.readers.listing import plural
from areoseg.data.samples import SegmentationDataset


def to_dataset(
    cuts: Sequence[CutFrame],
    groups: Sequence[str | None],
    whites: dict[str, float],
    *,
    tiled: bool,
) -> SegmentationDataset:
    """The tiles of all frames as one set, in order.

    The tiles are taken out of `cuts`, so that a large set is not held twice.

    Args:
        cuts: The frames.
        groups: The known group of each frame, or None.
        whites: What `white_levels` found for the whole data set.
        tiled: Whether frames were cut, so that tiles of one frame must keep together.
    """
    names: list[str] = []
    tile_groups: list[str] = []
    images: list[NDArray[Any]] = []
    masks: list[NDArray[np.uint8]] = []
    for cut, group in zip(cuts, groups, strict=True):
        names += cut.names
        tile_groups += [group or cut.name] * len(cut.names)
        images += [to_image(tile, whites) for tile in cut.tiles]
        cut.tiles.clear()
        if cut.masks is not None:
            masks += cut.masks
            cut.masks.clear()
    has_masks = bool(cuts) and cuts[0].masks is not None
    grouped = tiled or any(group is not None for group in groups)
    return SegmentationDataset(
        images=_stacked_if_equal(images),
        masks=_stacked_if_equal(masks) if has_masks else None,
        names=tuple(names),
        groups=tuple(tile_groups) if grouped and names else None,
    )


def oddities(cuts: Sequence[CutFrame]) -> list[str]:
    """One line for each kind of image that is odd but usable."""
    kinds = (
        ("with NaN or infinite pixels, read as 0", [cut.name for cut in cuts if cut.holes]),
        (
            "constant, without any contrast",
            [cut.name for cut in cuts if cut.range.low == cut.range.high],
        ),
        ("in color, read as luminance", [cut.name for cut in cuts if cut.colored]),
    )
    return [
        f"{plural(len(names), 'image')} {what}: {listed(names)}" for what, names in kinds if names
    ]


def _stacked_if_equal(arrays: list[NDArray[Any]]) -> Any:
    """One array where all have the same size, else the list; the list gives its arrays up."""
    if not arrays:
        return np.zeros((0, 0, 0), dtype=np.uint8)
    if len({array.shape for array in arrays}) > 1:
        return arrays
    stack = np.empty((len(arrays), *arrays[0].shape), dtype=arrays[0].dtype)
    for index in range(len(arrays) - 1, -1, -1):
        stack[index] = arrays.pop()
    return stack
