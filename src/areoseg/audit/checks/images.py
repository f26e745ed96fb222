"""Statistics of single images, and checks based on them: contrast, bit depth, size."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from areoseg.audit.cache import Arrays, Cache
from areoseg.audit.context import AuditContext, shared
from areoseg.audit.features import gray_levels
from areoseg.audit.findings import Finding
from areoseg.utils.images import ImageArray

SATURATED_ABOVE = 0.25
"""Share of black and white pixels above which an image has lost its contrast."""

MAX_FEW_LEVELS = 16
"""Maximum number of gray levels of an image that was stored with too few bits."""

MIN_LEVEL_RANGE = 32
"""Minimum range of the few gray levels; a smaller range is normal, as in a hazy sky."""

MIN_COMMON_SHARE = 0.9
"""Fraction of the images that must have the same size for another size to be odd."""


def image_statistics(images: Sequence[ImageArray] | ImageArray, cache: Cache) -> Arrays:
    """Compute statistics of one or more images, in gray levels 0 to 255.

    Returns:
        Arrays (N,): `darkest`, `brightest`, `mean` and `std` of the gray levels; `levels`, the
        number of different values; `black` and `white`, the shares of pixels at 0 and at 255;
        `roughness`, the mean difference of horizontally adjacent pixels.
    """
    return cache.compute("statistics", _statistics, images)


@shared
def sample_statistics(context: AuditContext) -> Arrays:
    """Return the `image_statistics` of the samples."""
    return image_statistics(context.samples.images, context.cache)


@shared
def unlabeled_statistics(context: AuditContext) -> Arrays:
    """Return the `image_statistics` of the unlabeled images."""
    assert context.unlabeled is not None
    return image_statistics(context.unlabeled.images, context.cache)


def find_constant_images(context: AuditContext) -> Iterator[Finding]:
    """Flag images with a single gray level."""
    for index, image in enumerate(context.samples.images):
        if image.min() == image.max():
            reason = f"every pixel has the gray level {image.flat[0]:g}"
            yield context.flag("constant-image", index, 1, reason)


def find_saturated_images(context: AuditContext) -> Iterator[Finding]:
    """Flag images with too many black and white pixels, except constant ones."""
    numbers = sample_statistics(context)
    share = numbers["black"] + numbers["white"]
    saturated = (share > SATURATED_ABOVE) & (numbers["darkest"] < numbers["brightest"])
    for index in np.flatnonzero(saturated).tolist():
        black, white = numbers["black"][index], numbers["white"][index]
        reason = f"{black:.0%} of the pixels are black and {white:.0%} white"
        yield context.flag("saturated-image", index, share[index], reason)


def find_lost_bits(context: AuditContext) -> Iterator[Finding]:
    """Flag images with few gray levels that are far apart, or all in the lowest sixteenth.

    The former were stored with too few bits; the latter hold values in 0..1, or of fewer than 8
    bits, in 8 bits.
    """
    numbers = sample_statistics(context)
    level_range = numbers["brightest"] - numbers["darkest"]
    varied = numbers["levels"] > 1
    few = varied & (numbers["levels"] <= MAX_FEW_LEVELS) & (level_range >= MIN_LEVEL_RANGE)
    dark = varied & (numbers["brightest"] < MAX_FEW_LEVELS)
    used = np.where(dark, numbers["brightest"] + 1, numbers["levels"])
    lost = 8 - np.log2(np.maximum(used, 1))
    for index in np.flatnonzero(few | dark).tolist():
        darkest, brightest = numbers["darkest"][index], numbers["brightest"][index]
        levels = f"only {numbers['levels'][index]} gray levels between {darkest:.0f} and"
        reason = (
            f"no pixel is above gray level {brightest:.3g} of 255"
            if dark[index]
            else f"{levels} {brightest:.0f}"
        )
        yield context.flag("lost-bits", index, lost[index], reason)


def find_odd_sizes(context: AuditContext) -> Iterator[Finding]:
    """Flag images whose size differs from that of at least 90 % of the images."""
    sizes = [image.shape for image in context.samples.images]
    (common, count), *_ = Counter(sizes).most_common(1)
    if count < MIN_COMMON_SHARE * len(sizes):
        return
    for index, (height, width) in enumerate(sizes):
        if (height, width) != common:
            ratio = height * width / (common[0] * common[1])
            reason = (
                f"{height}x{width} pixels, where {count} of {len(sizes)} images have"
                f" {common[0]}x{common[1]}"
            )
            yield context.flag("odd-size", index, max(ratio, 1 / ratio), reason)


def _statistics(images: Sequence[ImageArray]) -> Arrays:
    rows = []
    for image in images:
        levels = gray_levels(image)
        is_uint8 = image.dtype == np.uint8
        rows.append(
            {
                "darkest": levels.min(),
                "brightest": levels.max(),
                "levels": np.count_nonzero(np.bincount(image.ravel()))
                if is_uint8
                else len(np.unique(image)),
                "black": (levels == 0).mean(),
                "white": (levels >= 255).mean(),
                "mean": levels.mean(),
                "std": levels.std(),
                "roughness": np.abs(np.diff(levels, axis=1)).mean() if image.shape[1] > 1 else 0.0,
            }
        )
    return {
        name: np.array([row[name] for row in rows], np.int64 if name == "levels" else np.float64)
        for name in rows[0]
    }
