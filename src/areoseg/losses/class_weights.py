"""Class weights from the class distribution: rare classes have a larger weight."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.errors import AreosegError, did_you_mean

WeightScheme = Literal["none", "inverse", "sqrt", "effective", "median"]
"""A scheme of `class_weights`."""

WEIGHT_SCHEMES: dict[WeightScheme, str] = {
    "none": "all classes alike",
    "inverse": "inverse of the number of pixels of a class",
    "sqrt": "inverse square root of the number of pixels",
    "effective": "inverse of the effective number of pixels, Cui et al. 2019, arXiv 1901.05555",
    "median": "median frequency balancing, Eigen and Fergus 2015, arXiv 1411.4734",
}
"""One-line descriptions of the schemes."""

EFFECTIVE_BETA = 1 - 1e-6
"""Beta of the effective number of pixels, which saturates at about a million pixels. Cui's 0.9999
is for thousands of images; with millions of pixels it would make all weights equal."""

_SCHEMES: dict[WeightScheme, Callable[[Tensor], Tensor]] = {
    "none": torch.ones_like,
    "inverse": torch.reciprocal,
    "sqrt": torch.rsqrt,
    "effective": lambda pixels: (1 - EFFECTIVE_BETA) / (1 - EFFECTIVE_BETA**pixels),
    "median": torch.reciprocal,  # of the frequency in images with the class; see below
}


def class_weights(
    pixels_per_class: Sequence[int] | NDArray[Any] | Tensor,
    scheme: WeightScheme,
    *,
    pixels_where_present: Sequence[int] | NDArray[Any] | Tensor | None = None,
    cap: float | None = None,
) -> Tensor:
    """Compute the weight of each class from its number of pixels.

    With n_k the pixels of class k, the schemes are, up to a common factor:

    - none: 1
    - inverse: 1 / n_k, the balanced weights N / (K n_k)
    - sqrt: 1 / sqrt(n_k)
    - effective: (1 - b) / (1 - b^n_k), the effective number of samples (Cui et al. 2019,
      arXiv 1901.05555), with b = EFFECTIVE_BETA
    - median: 1 / (n_k / m_k), with m_k the pixels of the images in which k is present: median
      frequency balancing (Eigen and Fergus 2015, arXiv 1411.4734)

    Then the largest weight is limited to `cap` times the smallest, and the common factor is set so
    that the mean weight of a pixel is one: sum_k n_k w_k = sum_k n_k.

    Args:
        pixels_per_class: n, (C,), without void pixels.
        scheme: One of the above.
        pixels_where_present: m, (C,), without void pixels; for the median scheme only.
        cap: Largest ratio of the largest to the smallest weight, at least 1; None for no limit.

    Returns:
        (C,), float32. A class without pixels has weight 0.

    Raises:
        AreosegError: The scheme is unknown, counts are negative or all 0, the cap is below 1, or
            `pixels_where_present` is missing for the median scheme.
    """
    pixels = torch.as_tensor(pixels_per_class, dtype=torch.float64)
    present = pixels > 0
    _check(pixels, scheme, cap)
    rarity_of = pixels
    if scheme == "median":
        if pixels_where_present is None:
            raise AreosegError(
                "the median class weights need pixels_where_present: for each class, the pixels "
                "of the images that show it"
            )
        rarity_of = pixels / torch.as_tensor(pixels_where_present, dtype=torch.float64)
    weights = torch.zeros_like(pixels)
    weights[present] = _SCHEMES[scheme](rarity_of[present])
    if cap is not None:
        weights = weights.clamp(max=cap * weights[present].min())
    return (weights * pixels.sum() / (weights * pixels).sum()).float()


def _check(pixels: Tensor, scheme: str, cap: float | None) -> None:
    if scheme not in _SCHEMES:
        raise AreosegError(
            f"there is no class weighting {scheme!r}: {did_you_mean(scheme, _SCHEMES)}"
        )
    if pixels.ndim != 1 or (pixels < 0).any() or not pixels.any():
        raise AreosegError(
            f"class weights got the pixel counts {pixels.tolist()}: give one count per class, none "
            "negative and not all 0"
        )
    if cap is not None and not cap >= 1:
        raise AreosegError(f"the cap on class weights is {cap}: give 1 or more, or none")
