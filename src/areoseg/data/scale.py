"""How much smaller than a full Navcam frame an image is, as far as its size and name tell.

A network has learned the size of rocks in pixels, so an image has to be shown at the scale of the
training images. The left and right Navcam of the Mars Science Laboratory take frames of 1024x1024
pixels; the data sets hold them as they are, or reduced.
"""

import re
from collections.abc import Iterable
from collections.abc import Sequence

from areoseg.data.readers.ai4mars_names import site_and_drive

HOMEWORK_TILE = (64, 128)
"""Height and width of the homework's tiles, which were cut from frames reduced four times."""

SCALES = {1024: 1.0, 512: 0.5, 256: 0.25}
"""Width of a square image with a Navcam frame's name, and its scale relative to the full frame."""

_TILE = re.compile(r"(?P<frame>.*)@y(?P<y>\d+)x(?P<x>\d+)$")


def navcam_scale(size: tuple[int, ...], name: str | None = None) -> float | None:
    """The scale of an image relative to a full Navcam frame of 1024 pixels.

    Known are the homework's tiles, and images with the name of a Navcam frame: square ones of
    1024, 512 or 256 pixels, and parts of a frame that are 1024 pixels wide.

    Args:
        size: Height and width in pixels.
        name: The name of the image's file or product, folders or suffix included or not.

    Returns:
        1 for a full frame, 0.25 for one reduced four times; None where nothing tells.
    """
    height, width = size
    if (height, width) == HOMEWORK_TILE:
        return SCALES[256]
    if name is None or site_and_drive(name) is None:
        return None
    full = max(SCALES)
    return SCALES.get(width) if height == width or (width == full and height < full) else None


def common_navcam_scale(names: Sequence[str], sizes: Iterable[tuple[int, ...]]) -> float | None:
    """The one scale that all samples of known scale share, or None.

    Args:
        names: Names as the readers give them; `FRAME@y000x128` is a tile of FRAME.
        sizes: Height and width of each sample.
    """
    frames: dict[str, tuple[int, int]] = {}
    for name, (height, width) in zip(names, sizes, strict=True):
        frame, bottom, right = name, height, width
        if tile := _TILE.match(name):  # tiles cover their frame, so the outermost tell its size
            frame = tile["frame"]
            bottom, right = bottom + int(tile["y"]), right + int(tile["x"])
        known = frames.get(frame, (0, 0))
        frames[frame] = (max(known[0], bottom), max(known[1], right))
    scales = {navcam_scale(size, frame) for frame, size in frames.items()} - {None}
    return scales.pop() if len(scales) == 1 else None
