"""Checks that a PNG file has all the rows that its header declares.

Pillow fills missing rows with zeros without a word if the compressed data end properly before them,
unless the file is interlaced.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import PIL.Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Channels by color type."""

_PIECE = 1 << 20


def check_png_rows(path: Path, image: PIL.Image.Image) -> None:
    """Check a PNG file that Pillow has loaded; other files pass.

    Only images whose last row is empty are read again.

    Raises:
        ValueError: The file has fewer rows than its header declares.
    """
    if image.format != "PNG" or image.info.get("interlace"):
        return
    if image.crop((0, image.height - 1, *image.size)).getbbox() is not None:
        return
    content = path.read_bytes()
    width, height, depth, color = struct.unpack_from(">IIBB", content, 16)
    row_size = 1 + -(-width * depth * _CHANNELS[color] // 8)  # a row begins with its filter
    expected = height * row_size
    if _inflated_size(content, expected) < expected:
        raise ValueError(f"fewer than the {height} rows that its header declares")


def _inflated_size(content: bytes, enough: int) -> int:
    """Return the size of the decompressed pixels, at most a little more than `enough`."""
    inflate, size = zlib.decompressobj(), 0
    for chunk in _pixel_chunks(content):
        piece = inflate.decompress(chunk, _PIECE)
        while piece and size < enough:
            size += len(piece)
            piece = inflate.decompress(inflate.unconsumed_tail, _PIECE)
        if size >= enough:
            break
    return size


def _pixel_chunks(content: bytes) -> Iterator[bytes]:
    at = len(SIGNATURE)
    while at + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] == b"IDAT":
            yield content[at + 8 : at + 8 + length]
        at += length + 12
