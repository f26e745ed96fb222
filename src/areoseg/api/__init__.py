"""The public functions of areoseg, see `areoseg`."""

from typing import Any


def __getattr__(name: str) -> Any:
    import areoseg

    return getattr(areoseg, "augment" if name == "draw_augmentation" else name)
