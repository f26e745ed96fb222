"""A trained network with all that surrounds it, as one module for exporters and compilers."""

import torch
from torch import Tensor
from torch import nn

from areoseg.models.segmenter import Segmenter


class ProbabilityGraph(nn.Module):
    """Class probabilities of images of any size.

    softmax(S(pad(x))), with S the segmenter, which normalizes, divides by the temperature and adds
    the offsets, and pad the repetition of the last row and column up to multiples of the size
    divisor. What was added is cut off again. Sizes are computed without branches, so that a trace holds for
    every size.

    Args:
        segmenter: The network in evaluation mode.
        pads: False leaves the padding out; sizes must then be multiples of the size divisor.
    """

    def __init__(self, segmenter: Segmenter, *, pads: bool = True) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.size_divisor = int(getattr(segmenter.network, "size_divisor", 1))
        self.pads = pads

    def forward(self, images: Tensor) -> Tensor:
        """(N, 1, H, W) float32 in 0..1 to (N, C, H, W) float32, which sum to one over C."""
        if not self.pads:
            return torch.softmax(self.segmenter(images), dim=1)
        height, width = images.shape[2:]
        rows = _repeating_last(height, self.size_divisor)
        columns = _repeating_last(width, self.size_divisor)
        padded = images.index_select(2, rows).index_select(3, columns)
        return torch.softmax(self.segmenter(padded), dim=1)[:, :, :height, :width]


class ExportGraph(nn.Module):
    """What an exported file computes: 8-bit images in, mask and probabilities out.

    Args:
        segmenter: The network in evaluation mode.
        pads: As for `ProbabilityGraph`.
    """

    def __init__(self, segmenter: Segmenter, *, pads: bool = True) -> None:
        super().__init__()
        self.probabilities = ProbabilityGraph(segmenter, pads=pads)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 1, H, W) uint8 to the mask (N, H, W) uint8 and probabilities (N, C, H, W) float32."""
        probabilities = self.probabilities(images.to(torch.float32) / 255)
        return probabilities.argmax(dim=1).to(torch.uint8), probabilities


def _repeating_last(length: int, multiple: int) -> Tensor:
    """0, 1, ..., length - 1, and the last once more until the count is a multiple."""
    padded = (length + multiple - 1) // multiple * multiple
    return torch.arange(padded).clamp(max=length - 1)
