"""Halves of the groups, to test a fit on groups that it has not seen."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from areoseg.calibration.pixels import LabeledPixels


def halves(
    pixels: LabeledPixels, rare: int, *, repeats: int, seed: int = 0
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Deal the groups to two halves, several times, each half once to fit and once to test.

    Groups with about as many pixels of the rare class are dealt in pairs, one to each half, so
    that both halves have some.

    Args:
        pixels: P pixels of two groups at least.
        rare: The rare class.
        repeats: How often the groups are dealt anew.
        seed: Of the dealing.

    Yields:
        (P,) bool twice, the pixels to fit to and those to test on; 2 x `repeats` times.
    """
    generator = np.random.default_rng(seed)
    names, units = np.unique(pixels.units, return_inverse=True)
    groups = len(names)
    rare_pixels = np.bincount(units[pixels.targets == rare], minlength=groups)
    for _ in range(repeats):
        order = generator.permutation(groups)
        order = order[np.argsort(-rare_pixels[order], kind="stable")]
        in_first = np.zeros(groups, dtype=bool)
        for start in range(0, groups, 2):
            in_first[generator.permutation(order[start : start + 2])[0]] = True
        fitted = in_first[units]
        yield fitted, ~fitted
        yield ~fitted, fitted
