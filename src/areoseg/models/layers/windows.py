"""Cut a feature map into square windows, and put it together again.

Maps are (N, H, W, C) here, channels last, as matrix products over channels want them. All sizes
are spelt out, with neither -1 nor a remainder, for exporters to follow them at any image size.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def split_windows(features: Tensor, size: int) -> Tensor:
    """Cut a map into windows that do not overlap.

    Args:
        features: (N, H, W, C), of any height and width.
        size: Edge of a window, in pixels.

    Returns:
        (N * rows * columns, size, size, C), row by row, image by image. Where `size` does not
        divide H or W, the windows at the bottom or at the right end in zeros.
    """
    batch, height, width, channels = features.shape
    rows, columns = windows_along(height, size), windows_along(width, size)
    below, right = rows * size - height, columns * size - width
    padded = functional.pad(features, (0, 0, 0, right, 0, below))
    grid = padded.reshape(batch, rows, size, columns, size, channels).transpose(2, 3)
    return grid.reshape(batch * rows * columns, size, size, channels)


def join_windows(windows: Tensor, shape: Sequence[int]) -> Tensor:
    """Undo `split_windows`.

    Args:
        windows: (N * rows * columns, size, size, C).
        shape: N, H, W and C of the map.

    Returns:
        (N, H, W, C).
    """
    batch, height, width, channels = shape
    size = windows.shape[1]
    rows, columns = windows_along(height, size), windows_along(width, size)
    below, right = rows * size - height, columns * size - width
    grid = windows.reshape(batch, rows, columns, size, size, channels).transpose(2, 3)
    padded = grid.reshape(batch, rows * size, columns * size, channels)
    return functional.pad(padded, (0, 0, 0, -right, 0, -below))  # a negative pad cuts off


def windows_along(length: int, size: int) -> int:
    """How many windows it takes to cover `length` pixels."""
    return (length + size - 1) // size
