"""A U-shaped network of separable residual blocks, after Xception."""

from collections.abc import Sequence

from torch import Tensor, nn

from areoseg.models.layers.convolution import Residual, convolution_block, separable_convolution
from areoseg.models.layers.initialize import initialize_weights
from areoseg.models.layers.normalization import batch_norm
from areoseg.models.layers.sampling import SampledConvolution
from areoseg.models.layers.size import crop_like, pad_to_multiple
from areoseg.models.registry import register


@register(
    "unet-xception",
    summary="Separable residual encoder, no skips",
    paper="Chollet 2017, Xception, arXiv 1610.02357; the shape of the Keras segmentation tutorial",
)
class UNetXception(nn.Module):
    """An Xception-like encoder and a residual decoder without skips.

    With C a 3x3 convolution, Z a separable one, N batch norm, R ReLU, D 3x3 max-pooling of
    stride 2, U nearest 2x upsampling, W a 1x1 convolution, W_2 one of stride 2, and x the image::

        e_0 = R N C x                   stride 2
        e_l = D N Z R N Z R e_(l-1) + W_2 e_(l-1)         once per width
        d_l = U (N C R N C R d_(l-1) + W d_(l-1))         once per width in reverse, and once more
        logits = C d

    Only the resolution follows a "U": without skips, fine outlines are lost.

    Shapes for 64x128 images: 32x32x64, 64x16x32, 128x8x16, 256x4x8, then 256, 128, 64 and 32
    channels at 8x16 to 64x128. 2.05 M parameters.

    Departs from the tutorial, without changing the functions that it can represent: convolutions
    that a norm follows have no bias, stride-1 transposed convolutions are plain ones, and the sum
    is upsampled instead of its two terms.

    Args:
        in_channels: Channels of the image.
        classes: Channels of the logits.
        stem_width: Channels of the stem and of the last decoder level.
        widths: Channels of the encoder levels, going down.
    """

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 5,
        stem_width: int = 32,
        widths: Sequence[int] = (64, 128, 256),
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.size_divisor = 2 ** (len(widths) + 1)

        self.stem = convolution_block(in_channels, stem_width, norm=batch_norm, stride=2)
        self.encoder = nn.Sequential()
        channels = stem_width
        for width in widths:
            self.encoder.append(_down(channels, width))
            channels = width

        self.decoder = nn.Sequential()
        for width in (*reversed(widths), stem_width):
            self.decoder.append(_up(channels, width))
            channels = width
        self.head = nn.Conv2d(channels, classes, 3, padding=1)
        initialize_weights(self)

    def forward(self, images: Tensor) -> Tensor:
        """Compute logits (N, classes, H, W) of images (N, in_channels, H, W)."""
        features = pad_to_multiple(
            images, in_channels=self.in_channels, size_divisor=self.size_divisor
        )
        features = self.decoder(self.encoder(self.stem(features)))
        return crop_like(self.head(features), images)


def _down(in_channels: int, out_channels: int) -> nn.Module:
    """Map (N, in, H, W) to (N, out, H / 2, W / 2)."""
    body = nn.Sequential(
        nn.ReLU(),  # not in place: the shortcut reads the same input
        separable_convolution(in_channels, out_channels),
        batch_norm(out_channels),
        nn.ReLU(inplace=True),
        separable_convolution(out_channels, out_channels),
        batch_norm(out_channels),
        nn.MaxPool2d(3, stride=2, padding=1),
    )
    return Residual(body, SampledConvolution(in_channels, out_channels, 1, stride=2))


def _up(in_channels: int, out_channels: int) -> nn.Module:
    """Map (N, in, H, W) to (N, out, 2 H, 2 W)."""
    body = nn.Sequential(
        nn.ReLU(),  # not in place: the shortcut reads the same input
        nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
        batch_norm(out_channels),
        nn.ReLU(inplace=True),
        nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
        batch_norm(out_channels),
    )
    return nn.Sequential(
        Residual(body, nn.Conv2d(in_channels, out_channels, 1)),
        nn.Upsample(scale_factor=2, mode="nearest"),
    )
