"""Sizes: pad images to a network's size divisor, crop its logits, resize feature maps.

A network that halves its maps k times works on multiples of 2^k pixels. The forward pass of a model
therefore begins with `pad_to_multiple` and ends with `crop_like`. Sizes that fit are not touched,
so an exported network of fitting size contains neither operation.
"""

from torch import Tensor
from torch.nn import functional

from areoseg.errors import AreosegError


def pad_to_multiple(images: Tensor, *, in_channels: int, size_divisor: int) -> Tensor:
    """Repeat the last row and column until height and width are multiples of `size_divisor`.

    Args:
        images: (N, C, H, W).
        in_channels: The C that the model was built for.
        size_divisor: What height and width must be multiples of, in pixels.

    Returns:
        (N, C, H', W') with H' and W' the next multiples of `size_divisor`.

    Raises:
        AreosegError: The rank or channels are wrong, or a side is shorter than `size_divisor`.
    """
    _check(images, in_channels, size_divisor)
    height, width = images.shape[-2:]
    below, right = -height % size_divisor, -width % size_divisor
    if below == 0 and right == 0:
        return images
    return functional.pad(images, (0, right, 0, below), mode="replicate")


def crop_like(logits: Tensor, images: Tensor, *, scale: int = 1) -> Tensor:
    """Crop the padding of `pad_to_multiple` from logits.

    Args:
        logits: (N, K, H', W'), at 1 / scale of the padded size.
        images: (N, C, H, W), the images before padding.
        scale: Number of image pixels per logit pixel along each side.

    Returns:
        (N, K, ceil(H / scale), ceil(W / scale)).
    """
    height = (images.shape[-2] + scale - 1) // scale
    width = (images.shape[-1] + scale - 1) // scale
    if logits.shape[-2] == height and logits.shape[-1] == width:
        return logits
    return logits[..., :height, :width]


def _check(images: Tensor, in_channels: int, size_divisor: int) -> None:
    shape = tuple(images.shape)
    if images.ndim != 4:
        raise AreosegError(
            f"the model needs images of shape (N, {in_channels}, H, W) and got {shape}: "
            "add the batch and channel axes"
        )
    if shape[1] != in_channels:
        raise AreosegError(
            f"the model needs images of shape (N, {in_channels}, H, W) and got {shape}: "
            f"give it {in_channels} channels, or build it with in_channels={shape[1]}"
        )
    height, width = shape[-2:]
    if height < size_divisor or width < size_divisor:
        raise AreosegError(
            f"the model needs images of at least {size_divisor}x{size_divisor} pixels"
            f" and got {shape}: "
            f"pad them to {max(height, size_divisor)}x{max(width, size_divisor)}"
        )


def upsample_nearest(features: Tensor, factor: int = 2) -> Tensor:
    """Repeat every pixel: (N, C, H, W) to (N, C, factor * H, factor * W)."""
    return functional.interpolate(features, scale_factor=float(factor), mode="nearest")


def upsample_bilinear(features: Tensor, factor: int = 2) -> Tensor:
    """Interpolate bilinearly: (N, C, H, W) to (N, C, factor * H, factor * W)."""
    return functional.interpolate(
        features, scale_factor=float(factor), mode="bilinear", align_corners=False
    )


def resize_bilinear(features: Tensor, height: int, width: int) -> Tensor:
    """Interpolate bilinearly: (N, C, H, W) to (N, C, height, width)."""
    return functional.interpolate(
        features, size=(height, width), mode="bilinear", align_corners=False
    )


def resize_like(features: Tensor, reference: Tensor) -> Tensor:
    """Interpolate `features` to the height and width of `reference`, unless they agree already."""
    if features.shape[-2:] == reference.shape[-2:]:
        return features
    height, width = reference.shape[-2:]
    return resize_bilinear(features, height, width)
