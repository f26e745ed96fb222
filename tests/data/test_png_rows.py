"""PNG files with fewer rows than they declare, which Pillow fills with zeros."""

import struct
import zlib

import numpy as np
import PIL.Image
import pytest

from areoseg.data.readers.decode import decode_image, decode_indices
from areoseg.errors import AreosegError


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def shortened(path, rows, *, parts=1):
    """Rewrite a PNG file with fewer rows of pixels, but the same header."""
    content = path.read_bytes()
    at, chunks, data = 8, [], b""
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        if kind == b"IDAT":
            data += body
        else:
            chunks.append((kind, body))
        at += length + 12
    with PIL.Image.open(path) as image:
        height = image.height
    pixels = zlib.decompress(data)
    data = zlib.compress(pixels[: len(pixels) * rows // height])
    pieces = (
        [data[number::parts] for number in range(parts)] if parts == 1 else [data[:7], data[7:]]
    )
    body = b"".join(chunk(b"IDAT", piece) for piece in pieces)
    before = b"".join(chunk(*each) for each in chunks if each[0] != b"IEND")
    path.write_bytes(content[:8] + before + body + chunk(b"IEND", b""))


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "RGBA", "I;16"])
def test_a_png_with_missing_rows(mode, parts, tmp_path):
    path = tmp_path / "a.png"
    gray = np.random.default_rng(0).integers(1, 250, (16, 24)).astype(np.uint8)
    image = PIL.Image.fromarray(gray.astype(np.uint16) if mode == "I;16" else gray)
    (image if mode == "I;16" else image.convert(mode)).save(path)
    decode_image(path)
    shortened(path, 16, parts=parts)
    decode_image(path)
    shortened(path, 10, parts=parts)
    with pytest.raises(AreosegError, match="fewer than the 16 rows that its header declares"):
        decode_image(path)
    if mode in ("L", "P"):
        with pytest.raises(AreosegError, match="fewer than the 16 rows"):
            decode_indices(path)


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB", "RGBA", "I;16"])
def test_a_whole_png_whose_last_rows_are_black(mode, tmp_path):
    path = tmp_path / "a.png"
    zeros = np.zeros((9, 7), np.uint16 if mode == "I;16" else np.uint8)
    image = PIL.Image.fromarray(zeros)
    (image if mode == "I;16" else image.convert(mode)).save(path)
    assert decode_image(path).levels.max() == 0
