"""Light and sensor: only the image changes, and stays in 0..1."""

import torch
from torch import Tensor

from areoseg.transforms.draws import smoothing_matrix
from areoseg.transforms.draws import uniform


def brightness_contrast(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, brightness: float, contrast: float
) -> tuple[Tensor, Tensor]:
    """Shift the gray values, and stretch them about the tile's mean.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        brightness: Most shift either way.
        contrast: Most change of contrast; 0.2 gives factors of 0.8 to 1.2.
    """
    draw = uniform(2, len(images), low=-1, high=1, generator=generator, like=images)
    shift, factor = _spread(draw[0] * brightness), _spread(1 + draw[1] * contrast)
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((images - mean) * factor + mean + shift).clamp(0, 1), masks


def gamma(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, limit: float
) -> tuple[Tensor, Tensor]:
    """Raise the gray values to a power.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        limit: The exponent is exp(u), u uniform in -limit to limit.
    """
    exponent = uniform(len(images), low=-limit, high=limit, generator=generator, like=images).exp()
    return images.clamp(0, 1).pow(_spread(exponent)), masks


def blur(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, sigma: float
) -> tuple[Tensor, Tensor]:
    """Smooth by a Gaussian of random width.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        sigma: Widest standard deviation, in pixels; a tenth of it is the narrowest.
    """
    width = uniform(len(images), low=sigma / 10, high=sigma, generator=generator, like=images)
    rows = smoothing_matrix(images.shape[-2], width)[:, None]
    columns = smoothing_matrix(images.shape[-1], width)[:, None]
    return rows @ images @ columns.mT, masks


def sensor_noise(
    images: Tensor, masks: Tensor, *, generator: torch.Generator, read: float, shot: float
) -> tuple[Tensor, Tensor]:
    """Add normal noise of variance `read^2 + shot * gray value`.

    Foi et al. 2008, Practical Poissonian-Gaussian noise modeling.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64, returned as they are.
        generator: Source of the draws.
        read: Most standard deviation of the read noise.
        shot: Most variance of the shot noise at gray value 1.
    """
    draw = uniform(2, len(images), low=0, high=1, generator=generator, like=images)
    variance = _spread(draw[0] * read).square() + _spread(draw[1] * shot) * images.clamp(0, 1)
    noise = torch.randn(images.shape, generator=generator).to(images)
    return (images + noise * variance.sqrt()).clamp(0, 1), masks


def _spread(values: Tensor) -> Tensor:
    """(N,) as (N, 1, 1, 1), to go with images."""
    return values[:, None, None, None]
