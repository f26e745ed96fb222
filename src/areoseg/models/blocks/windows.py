"""Cut a feature map into square windows, and put it together again.

Maps are (N, H, W, C) here, channels last, as matrix products over channels want them.
"""

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
    grid = padded.reshape(batch, rows, size, columns, size, channels)
    return grid.transpose(2, 3).reshape(-1, size, size, channels)


def join_windows(windows: Tensor, height: int, width: int) -> Tensor:
    """Undo `split_windows`.

    Args:
        windows: (N * rows * columns, size, size, C).
        height: Height of the map, in pixels.
        width: Width of the map, in pixels.

    Returns:
        (N, height, width, C).
    """
    size, channels = windows.shape[2:]
    rows, columns = windows_along(height, size), windows_along(width, size)
    grid = windows.reshape(-1, rows, columns, size, size, channels).transpose(2, 3)
    padded = grid.reshape(-1, rows * size, columns * size, channels)
    below, right = rows * size - height, columns * size - width
    return functional.pad(padded, (0, 0, 0, -right, 0, -below))


def windows_along(length: int, size: int) -> int:
    """How many windows it takes to cover `length` pixels."""
    return (length + size - 1) // size
