"""Photometric transforms of light and sensor; only the image changes, and stays in 0..1."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from areoseg.transforms.draws import per_sample, smoothing_matrix, uniform
from areoseg.transforms.registry import TRANSFORMS
from areoseg.utils.options import Share


@TRANSFORMS.register(
    "brightness_contrast", summary="shift the gray values and stretch them about their mean"
)
def brightness_contrast(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    brightness: Share = 0.2,
    contrast: Share = 0.2,
) -> tuple[Tensor, Tensor]:
    """Shift the gray values, and stretch them about the tile's mean.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        brightness: Maximum shift in either direction.
        contrast: Maximum change of contrast; 0.2 gives factors of 0.8 to 1.2.
    """
    draw = uniform(2, len(images), low=-1, high=1, generator=generator, like=images)
    shift, factor = per_sample(draw[0] * brightness), per_sample(1 + draw[1] * contrast)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * factor + mean + shift).clamp(0, 1), masks


@TRANSFORMS.register("gamma", summary="raise the gray values to a power near one")
def gamma(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    limit: Annotated[float, Field(ge=0, le=2)] = 0.3,
) -> tuple[Tensor, Tensor]:
    """Raise the gray values to a power.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        limit: The exponent is exp(u), u uniform in -limit to limit.
    """
    exponent = uniform(len(images), low=-limit, high=limit, generator=generator, like=images).exp()
    return images.clamp(0, 1).pow(per_sample(exponent)), masks


@TRANSFORMS.register("blur", summary="smooth by a Gaussian")
def blur(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    sigma: Annotated[float, Field(gt=0, le=20)] = 0.8,
) -> tuple[Tensor, Tensor]:
    """Smooth by a Gaussian of random width.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        sigma: Maximum standard deviation, in pixels; the minimum is a tenth of it.
    """
    width = uniform(len(images), low=sigma / 10, high=sigma, generator=generator, like=images)
    rows = smoothing_matrix(images.shape[-2], width)[:, None]
    columns = smoothing_matrix(images.shape[-1], width)[:, None]
    return rows @ images @ columns.mT, masks


@TRANSFORMS.register(
    "sensor_noise",
    summary="add read noise and brightness-dependent shot noise",
    paper="Foi et al. 2008, Practical Poissonian-Gaussian Noise Modeling, IEEE TIP 17:1737",
)
def sensor_noise(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    read: Annotated[float, Field(ge=0, le=0.5)] = 0.01,
    shot: Annotated[float, Field(ge=0, le=0.1)] = 0.001,
) -> tuple[Tensor, Tensor]:
    """Add normal noise of variance `read^2 + shot * gray value` (Foi et al. 2008).

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned unchanged.
        generator: Random generator.
        read: Maximum standard deviation of the read noise, in gray values.
        shot: Maximum variance of the shot noise at gray value 1.
    """
    draw = uniform(2, len(images), low=0, high=1, generator=generator, like=images)
    variance = per_sample(draw[0] * read).square()
    variance = variance + per_sample(draw[1] * shot) * images.clamp(0, 1)
    noise = torch.randn(images.shape, generator=generator).to(images)
    return (images + noise * variance.sqrt()).clamp(0, 1), masks
