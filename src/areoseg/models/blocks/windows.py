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
    height, width = features.shape[1:3]
    features = functional.pad(features, (0, 0, 0, -width % size, 0, -height % size))
    batch, height, width, channels = features.shape
    grid = features.reshape(batch, height // size, size, width // size, size, channels)
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
    rows, columns = -(-height // size), -(-width // size)
    grid = windows.reshape(-1, rows, columns, size, size, channels).transpose(2, 3)
    return grid.reshape(-1, rows * size, columns * size, channels)[:, :height, :width]
