"""The head of a background gate: a small decoder of its own over the features of an encoder."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from areoseg.models.layers.convolution import Residual, convolution_block, residual_branch
from areoseg.models.layers.normalization import Norm
from areoseg.models.layers.size import upsample_nearest


class GateHead(nn.Module):
    """A feature pyramid with one logit per pixel (Lin et al. 2017, arXiv 1612.03144).

    Sky, rover and distant hills are large regions with simple outlines. Telling them from ground
    takes a wide view instead of fine detail, so this decoder is narrow and ends at the resolution
    of the finest features that it is given. It does not share the last features of the terrain
    decoder, which have few channels and describe the ground.

    With C a 3x3 convolution, P a 1x1 convolution, both with normalization N, R ReLU, U nearest 2x
    upsampling, and e_1 to e_L the features from fine to coarse::

        p_L = B R N P e_L        p_l = B(R(N P e_l + U p_(l+1)))        B(x) = R(x + N C R N C x)

    and the logit is a 1x1 convolution of p_1.

    Args:
        widths: Channels of the features, from fine to coarse; each level has half the size of the
            one before.
        width: Channels of the decoder.
        norm: Makes the normalization layers.
    """

    def __init__(self, widths: Sequence[int], width: int, *, norm: Norm) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(
            convolution_block(channels, width, norm=norm, kernel_size=1, activation=nn.Identity)
            for channels in widths
        )
        self.blocks = nn.ModuleList(
            Residual(residual_branch(width, width, norm=norm)) for _ in widths
        )
        self.logit = nn.Conv2d(width, 1, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map features (N, widths[l], H / 2^l, W / 2^l) to the logit (N, 1, H, W)."""
        levels = zip(self.lateral, self.blocks, features, strict=True)
        merged: Tensor | None = None
        for lateral, block, level in reversed(list(levels)):
            projected = lateral(level)
            if merged is not None:
                projected = projected + upsample_nearest(merged)
            merged = functional.relu(block(functional.relu(projected)))
        assert merged is not None
        logit: Tensor = self.logit(merged)
        return logit
