"""One model's probabilities at any size, averaged over the views of an image.

A view is the image at some scale, as it is or mirrored left to right. A rover image has an up and
a down, so it is never turned or mirrored upside down.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from areoseg.inference.engine import Engine


def view_probabilities(
    engine: "Engine", images: Tensor, *, scales: Sequence[float] = (1.0,), flips: bool = False
) -> Tensor:
    """The mean of the probabilities of all views.

    Args:
        engine: The model.
        images: (N, 1, H, W) float32 in 0..1.
        scales: The scales at which the images are shown; each counts the same.
        flips: Whether each is shown mirrored left to right as well.

    Returns:
        (N, C, H, W) float32.
    """
    mirrored = (False, True) if flips else (False,)
    total: Tensor | None = None
    for scale in scales:
        shown = resized(images, scaled_size(images.shape[-2:], scale))
        for mirror in mirrored:
            answer = _padded_call(engine, shown.flip(-1) if mirror else shown)
            answer = resized(answer.flip(-1) if mirror else answer, images.shape[-2:])
            total = answer if total is None else total + answer
    assert total is not None
    return total / (len(scales) * len(mirrored))


def scaled_size(size: Sequence[int], scale: float) -> tuple[int, int]:
    """Height and width times `scale`, rounded, at least one pixel each."""
    height, width = size
    return max(1, round(height * scale)), max(1, round(width * scale))


def resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps (N, C, H, W) at another size: bilinear, and averaged where they become smaller."""
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return functional.interpolate(maps, tuple(size), mode="bilinear", antialias=True)


def _padded_call(engine: "Engine", images: Tensor) -> Tensor:
    """The engine's answer to images of any size.

    The last row and column are repeated up to a multiple of the size_divisor, as the networks do.
    """
    height, width = images.shape[-2:]
    below, right = -height % engine.size_divisor, -width % engine.size_divisor
    if below or right:
        images = functional.pad(images, (0, right, 0, below), mode="replicate")
    return engine(images)[..., :height, :width]
