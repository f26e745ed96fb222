"""Pyramids that give every pixel of a coarse map a wider context.

`AtrousPyramid` uses dilated convolutions (DeepLab), `PoolingPyramid` means over ever smaller parts
of the map (PSPNet). They are used at the bottleneck of a network.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from areoseg.models.layers.convolution import Activation, convolution_block, relu
from areoseg.models.layers.normalization import Norm
from areoseg.models.layers.size import resize_bilinear


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling, ASPP (Chen et al. 2017, DeepLabV3, arXiv 1706.05587).

    Parallel branches over one map: a 1x1 convolution, a 3x3 convolution for each dilation rate,
    and a 1x1 convolution of the map's mean. They are concatenated and mixed by a 1x1 convolution.

    A rate r reaches r pixels each way, so rates must fit the map: where r is not below its height
    and width, all taps but the middle one see only padding. The branch of the mean has no norm,
    because one pixel has no variance.

    Args:
        in_channels: Channels of the map.
        out_channels: Channels of each branch, and of the result.
        rates: Dilations of the 3x3 branches, in pixels of the map.
        norm: Makes the normalization layers; None omits them.
        activation: Makes the activation of each branch and of the mixture.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        rates: Sequence[int],
        norm: Norm | None,
        activation: Activation = relu,
    ) -> None:
        super().__init__()
        self.point = convolution_block(
            in_channels, out_channels, norm=norm, kernel_size=1, activation=activation
        )
        self.dilated = nn.ModuleList(
            convolution_block(
                in_channels, out_channels, norm=norm, dilation=rate, activation=activation
            )
            for rate in rates
        )
        self.mean = convolution_block(
            in_channels, out_channels, norm=None, kernel_size=1, activation=activation
        )
        branches = 2 + len(rates)
        self.mix = convolution_block(
            branches * out_channels, out_channels, norm=norm, kernel_size=1, activation=activation
        )

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H, W)."""
        mean = self.mean(features.mean(dim=(2, 3), keepdim=True))
        branches = [self.point(features), *(branch(features) for branch in self.dilated)]
        branches.append(resize_bilinear(mean, *features.shape[-2:]))
        mixed: Tensor = self.mix(torch.cat(branches, dim=1))
        return mixed


class PoolingPyramid(nn.Module):
    """Pyramid pooling (Zhao et al. 2017, PSPNet, arXiv 1612.01105).

    For each number of bins b: means over a grid of b x b parts of the map, a 1x1 convolution, and
    a bilinear resize back. All are concatenated to the map itself and mixed by a 1x1 convolution.

    The pooled branches have no norm (the paper: batch norm), because one bin in a batch of one
    image has no variance.

    Args:
        channels: Channels of the map, and of the result.
        branch_channels: Channels of each pooled branch.
        bins: Parts each way of the branches, each at most the map's height and width.
        norm: Makes the normalization layer of the mixture.
    """

    def __init__(
        self, channels: int, branch_channels: int, *, bins: Sequence[int], norm: Norm | None
    ) -> None:
        super().__init__()
        self.bins = tuple(bins)
        self.pooled = nn.ModuleList(
            convolution_block(channels, branch_channels, norm=None, kernel_size=1) for _ in bins
        )
        joined_channels = channels + len(self.bins) * branch_channels
        self.mix = convolution_block(joined_channels, channels, norm=norm, kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        branches = [features]
        for bins, convolve in zip(self.bins, self.pooled, strict=True):
            pooled = convolve(pool_to_bins(features, bins))
            branches.append(resize_bilinear(pooled, *features.shape[-2:]))
        mixed: Tensor = self.mix(torch.cat(branches, dim=1))
        return mixed


def pool_to_bins(features: Tensor, bins: int) -> Tensor:
    """Average a grid of bins x bins parts of a map: (N, C, H, W) to (N, C, bins, bins).

    Equals `torch.nn.functional.adaptive_avg_pool2d`, but as two small matrix products, because
    exporters freeze that function to the size of the example.
    """
    rows = _averaging_matrix(features.shape[-2], bins, features)
    columns = _averaging_matrix(features.shape[-1], bins, features)
    return rows @ features @ columns.T


def _averaging_matrix(length: int, bins: int, like: Tensor) -> Tensor:
    """(bins, length): row i averages the positions from floor(i L / b) to ceil((i + 1) L / b)."""
    position = torch.arange(length, device=like.device)
    bin_index = torch.arange(bins, device=like.device).unsqueeze(1)
    start = bin_index * length // bins
    end = ((bin_index + 1) * length + bins - 1) // bins
    inside = ((position >= start) & (position < end)).to(like.dtype)
    return inside / inside.sum(dim=1, keepdim=True)
