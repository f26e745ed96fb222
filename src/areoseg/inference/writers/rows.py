"""Some rows of an image with what was found in them: what every writer is given."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask


@dataclass(frozen=True)
class Rows:
    """Rows `top` to `top + h` of an image.

    Attributes:
        top: The first row.
        pixels: The image, (h, W), uint8 or float32 in 0..1.
        mask: The class of each pixel, (h, W).
        valid: Which pixels hold a measurement, (h, W) bool; None: all.
        probabilities: (C, h, W) float32; None where no writer asked for them.
    """

    top: int
    pixels: ImageArray
    mask: Mask
    valid: NDArray[np.bool_] | None = None
    probabilities: NDArray[np.float32] | None = None

    def classes(self) -> NDArray[np.float32]:
        """The probabilities, where a writer has asked for them."""
        assert self.probabilities is not None
        return self.probabilities


Write = Callable[[Rows], None]
"""Writes the rows that follow those written before."""
