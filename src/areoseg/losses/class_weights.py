"""Class weights from the class distribution: rare classes count for more."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.terms import WeightScheme

EFFECTIVE_BETA = 1 - 1e-6
"""Of the effective number: more of a class stops counting at about a million pixels. Cui's 0.9999
is for thousands of images; with millions of pixels it would make all weights equal."""

_SCHEMES: dict[WeightScheme, Callable[[Tensor], Tensor]] = {
    "none": torch.ones_like,
    "inverse": torch.reciprocal,
    "sqrt": torch.rsqrt,
    "effective": lambda pixels: (1 - EFFECTIVE_BETA) / (1 - EFFECTIVE_BETA**pixels),
    "median": torch.reciprocal,  # of the frequency where present; see below
}


def class_weights(
    pixels_per_class: Sequence[int] | NDArray[Any] | Tensor,
    scheme: WeightScheme,
    *,
    pixels_where_present: Sequence[int] | NDArray[Any] | Tensor | None = None,
    cap: float | None = None,
) -> Tensor:
    """Weigh each class by how rare it is.

    With n_k the pixels of class k, the schemes are, up to a common factor:

    - none: 1
    - inverse: 1 / n_k, the balanced weights N / (K n_k)
    - sqrt: 1 / sqrt(n_k)
    - effective: (1 - b) / (1 - b^n_k), the effective number of samples (Cui et al. 2019,
      arXiv 1901.05555), with b = EFFECTIVE_BETA
    - median: 1 / (n_k / m_k), with m_k the pixels of the images in which k is present: median
      frequency balancing (Eigen and Fergus 2015, arXiv 1411.4734)

    Then the cap holds the largest weight to `cap` times the smallest, and the common factor is set
    so that the mean weight of a pixel is one: sum_k n_k w_k = sum_k n_k.

    Args:
        pixels_per_class: n, (C,); void pixels are in none of them.
        scheme: One of the above.
        pixels_where_present: m, (C,), not void; for the median scheme only.
        cap: Largest weight over smallest, at least 1; None for no limit.

    Returns:
        (C,), float32. A class without pixels has weight 0.

    Raises:
        AreosegError: An unknown scheme, counts that are negative or all 0, a cap below 1, or the
            median scheme without `pixels_where_present`.
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
        raise AreosegError(f"there is no class weighting {scheme!r}: take {', '.join(_SCHEMES)}")
    if pixels.ndim != 1 or (pixels < 0).any() or not pixels.any():
        raise AreosegError(
            f"class weights got the pixel counts {pixels.tolist()}: give one count a class, none "
            "negative and not all 0"
        )
    if cap is not None and not cap >= 1:
        raise AreosegError(f"the cap on class weights is {cap}: give 1 or more, or none")
