"""The largest image that is read."""

from areoseg.errors import AreosegError

LARGEST = 178_956_970
"""The most pixels that an image may have; Pillow too takes more for a decompression bomb."""


def check_size(height: int, width: int, where: str) -> None:
    """Refuse an image that would fill the memory.

    Raises:
        AreosegError: It has more than `LARGEST` pixels.
    """
    if height * width > LARGEST:
        raise too_large(f"{where}: {height}x{width} pixels")


def too_large(start: str) -> AreosegError:
    """The refusal of an image, which `start` names."""
    return AreosegError(
        f"{start}, more than the {LARGEST:,} pixels that are read: if this is no decompression"
        " bomb, cut it into parts"
    )
