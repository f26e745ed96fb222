"""Write a PNG file row by row, so that a panorama need not be held as a whole.

The format is that of the PNG specification (third edition, W3C 2025), sections 5, 9 and 11.
"""

import struct
import zlib
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from areoseg.utils.files import replacing

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2}  # gray, and red-green-blue

# A row as it is, and the difference to the row above, which packs smooth pictures better.
_FILTER_NONE, _FILTER_UP = 0, 2

_LEVEL = 4  # of zlib: nearly as small as its default, in half the time

WriteRows = Callable[[NDArray[np.uint8]], None]
"""Takes the next rows: (h, W) or (h, W, 3)."""


@contextmanager
def png_rows(
    path: Path, size: tuple[int, int], *, channels: int = 1, smooth: bool = False
) -> Iterator[WriteRows]:
    """Give a function that takes the rows of a picture from top to bottom; see `replacing`.

    Args:
        path: The file to write.
        size: Height and width in pixels.
        channels: 1 for gray or class indices, 3 for color; 8 bits each.
        smooth: Whether neighbors differ little, as in photographs.

    Raises:
        AreosegError: The file cannot be written.
    """
    height, width = size
    with replacing(path) as beside, beside.open("wb") as file:
        packer = zlib.compressobj(_LEVEL)
        above = np.zeros((1, width * channels), np.uint8)

        def write(rows: NDArray[np.uint8]) -> None:
            nonlocal above
            flat = rows.reshape(len(rows), width * channels)
            if smooth:
                coded = flat - np.concatenate([above, flat[:-1]])  # modulo 256, as it must be
                above = flat[-1:].copy()
            else:
                coded = flat
            lines = np.empty((len(rows), 1 + width * channels), np.uint8)
            lines[:, 0] = _FILTER_UP if smooth else _FILTER_NONE
            lines[:, 1:] = coded
            _write_chunk(file, b"IDAT", packer.compress(lines.tobytes()))

        file.write(_SIGNATURE)
        header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[channels], 0, 0, 0)
        _write_chunk(file, b"IHDR", header)
        yield write
        _write_chunk(file, b"IDAT", packer.flush())
        _write_chunk(file, b"IEND", b"")


def _write_chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    if data or kind == b"IEND":
        checksum = zlib.crc32(data, zlib.crc32(kind))
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum))
