"""1x1 convolutions with a stride, as sampling of the pixels followed by a dense convolution.

PyTorch's own gradient of such a convolution of few channels writes out of bounds on processors
without AVX-512 (oneDNN `jit_1x1:avx2` in torch 2.13), which ends the process.
"""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional


def convolve(features: Tensor, weight: Tensor, bias: Tensor | None, **geometry: Any) -> Tensor:
    """Convolve as `torch.nn.functional.conv2d`, with the same values.

    Args:
        features: (N, in, H, W).
        weight: (out, in / groups, rows, columns).
        bias: (out,), or None.
        geometry: `stride`, `padding` and `dilation` as pairs of pixels, and `groups`.
    """
    if weight.shape[2:] == (1, 1) and geometry["padding"] == (0, 0):
        rows, columns = geometry["stride"]
        features, geometry = features[:, :, ::rows, ::columns], {**geometry, "stride": (1, 1)}
    return functional.conv2d(features, weight, bias, **geometry)


class SampledConvolution(nn.Conv2d):
    """A 1x1 convolution with a stride; the parameters are those of `torch.nn.Conv2d`."""

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in, H, W) to (N, out, H / stride, W / stride)."""
        geometry = {"stride": self.stride, "padding": self.padding, "dilation": self.dilation}
        return convolve(features, self.weight, self.bias, **geometry, groups=self.groups)
