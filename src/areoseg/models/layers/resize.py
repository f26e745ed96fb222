"""Change the height and width of feature maps."""

from torch import Tensor
from torch.nn import functional


def upsample_nearest(features: Tensor, factor: int = 2) -> Tensor:
    """Repeat every pixel; (N, C, H, W) to (N, C, factor * H, factor * W)."""
    return functional.interpolate(features, scale_factor=float(factor), mode="nearest")


def upsample_bilinear(features: Tensor, factor: int = 2) -> Tensor:
    """Interpolate between pixel centers; (N, C, H, W) to (N, C, factor * H, factor * W)."""
    return functional.interpolate(
        features, scale_factor=float(factor), mode="bilinear", align_corners=False
    )


def resize_bilinear(features: Tensor, height: int, width: int) -> Tensor:
    """Interpolate between pixel centers; (N, C, H, W) to (N, C, height, width)."""
    return functional.interpolate(
        features, size=(height, width), mode="bilinear", align_corners=False
    )


def resize_like(features: Tensor, reference: Tensor) -> Tensor:
    """Interpolate `features` to the height and width of `reference`, unless they agree already."""
    if features.shape[-2:] == reference.shape[-2:]:
        return features
    height, width = reference.shape[-2:]
    return resize_bilinear(features, height, width)
