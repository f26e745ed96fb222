"""Scale of an image relative to a full Navcam frame, from its size and name.

A network learns the size of rocks in pixels, so images must be predicted at the scale of the
training images. The left and right Navcam of the Mars Science Laboratory take frames of 1024x1024
pixels; datasets contain them at full size or reduced.
"""

import re
from collections.abc import Iterable, Sequence

from areoseg.data.missions.metadata import site_and_drive

HOMEWORK_TILE = (64, 128)
"""Height and width of the homework's tiles, cut from frames reduced four times."""

SCALES = {1024: 1.0, 512: 0.5, 256: 0.25}
"""Scale relative to the full frame, by the width of a square image with a Navcam frame's name."""

_TILE = re.compile(r"(?P<frame>.*)@y(?P<y>\d+)x(?P<x>\d+)$")


def navcam_scale(size: tuple[int, ...], name: str | None = None) -> float | None:
    """Return the scale of an image relative to a full Navcam frame of 1024 pixels.

    It is known for the homework's tiles, and for images with the name of a Navcam frame that are
    square with sides of 1024, 512 or 256 pixels, or 1024 pixels wide and less high.

    Args:
        size: Height and width in pixels.
        name: File or product name, with or without folders and suffix.

    Returns:
        1 for a full frame, 0.25 for a frame reduced four times, None if the scale is unknown.
    """
    height, width = size
    if (height, width) == HOMEWORK_TILE:
        return SCALES[256]
    if name is None or site_and_drive(name) is None:
        return None
    full = max(SCALES)
    return SCALES.get(width) if height == width or (width == full and height < full) else None


def common_navcam_scale(names: Sequence[str], sizes: Iterable[tuple[int, ...]]) -> float | None:
    """Return the scale that all samples of known scale share, or None if there is none.

    Args:
        names: Names of the samples; `FRAME@y000x128` is a tile of FRAME.
        sizes: Height and width of each sample.
    """
    frames: dict[str, tuple[int, int]] = {}
    for name, (height, width) in zip(names, sizes, strict=True):
        frame, bottom, right = name, height, width
        if tile := _TILE.match(name):  # tiles cover their frame: the outermost give its size
            frame = tile["frame"]
            bottom, right = bottom + int(tile["y"]), right + int(tile["x"])
        known = frames.get(frame, (0, 0))
        frames[frame] = (max(known[0], bottom), max(known[1], right))
    scales = {navcam_scale(size, frame) for frame, size in frames.items()} - {None}
    return scales.pop() if len(scales) == 1 else None
