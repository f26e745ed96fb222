import struct
import zlib

import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_gray_png():
    """Write a gray PNG (H, W) of 1, 2, 4 or 8 bits, with one transparent level if given.

    Pillow does not write such depths.
    """

    def write(path, levels, bits, transparent=None):
        unpacked = np.unpackbits(levels[..., None].astype(np.uint8), axis=-1)[..., 8 - bits :]
        rows = np.packbits(unpacked.reshape(len(levels), -1), axis=1)
        header = struct.pack(">IIBBBBB", levels.shape[1], len(levels), bits, 0, 0, 0, 0)
        chunks = [(b"IHDR", header)]
        if transparent is not None:
            chunks.append((b"tRNS", struct.pack(">H", transparent)))
        chunks.append((b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))))
        content = b"\x89PNG\r\n\x1a\n"
        for kind, body in (*chunks, (b"IEND", b"")):
            content += struct.pack(">I", len(body)) + kind + body
            content += struct.pack(">I", zlib.crc32(kind + body))
        path.write_bytes(content)

    return write
