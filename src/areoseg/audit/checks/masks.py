"""Checks of masks without their images: repeated masks, few labels, and tiny regions.

Annotators never reproduce an outline exactly. A mask that repeats on different images was copied,
so it is wrong on all of them except perhaps one. Masks of a single class are the exception, as they
are common on plains.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from scipy import ndimage

from areoseg.audit.cache import Arrays
from areoseg.audit.checks.duplicates import identical_groups
from areoseg.audit.context import AuditContext, shared
from areoseg.audit.features import thumbnail
from areoseg.audit.findings import Finding, Region
from areoseg.taxonomy import VOID
from areoseg.utils.images import ImageArray, Mask

TRIVIAL_SHARE = 0.99
"""A mask is trivial if one class covers more than this fraction of its pixels."""

BORDER = 0.05
"""Fraction of each side ignored at each border, where unlabeled strips are common."""

MIN_SAME_PICTURE = 0.5
"""Correlation of detail above which two images are copies; other images have about 0."""

MIN_LABELED = 0.02
"""Fraction of labeled pixels below which a mask has too few labels."""

MAX_ISLAND_SHARE = 0.0005
"""Fraction of the mask's pixels below which a region is an island; the limit is at least 4 pixels.
"""

MIN_SLIVER_SIZE = 9
"""Number of pixels from which a region at most 2 pixels wide is a sliver."""

MIN_TINY_REGIONS = 2
"""Minimum number of islands or slivers; careful annotators also leave a single one."""


def find_repeated_masks(context: AuditContext) -> Iterator[Finding]:
    """Reject samples whose mask is not trivial and occurs on several different images.

    Copies of one picture legitimately share a mask and do not count as different images.
    """
    samples, masks = context.samples, context.masks
    for group in identical_groups(masks):
        images = [samples.images[index] for index in group]
        if not is_trivial(masks[group[0]]) and not _show_one_picture(images):
            first = samples.names[group[0]]
            reason = f"the same mask on {len(group)} different images, first on {first}"
            for index in group:
                yield context.flag("repeated-mask", index, len(group), reason, action="reject")


def find_few_labels(context: AuditContext) -> Iterator[Finding]:
    """Flag masks in which less than 2 % of the pixels are labeled."""
    background = context.taxonomy.background
    for index, mask in enumerate(context.masks):
        labeled = float(((mask != background) & (mask != VOID)).mean())
        if labeled < MIN_LABELED:
            reason = f"only {labeled:.1%} of the pixels are labeled" if labeled else "no labels"
            yield context.flag("few-labels", index, 1 - labeled, reason)


def find_tiny_regions(context: AuditContext, issue: str) -> Iterator[Finding]:
    """Flag masks with two or more `islands` of a few pixels, or `slivers` at most 2 pixels wide."""
    what = {"islands": "islands of a few pixels", "slivers": "strips at most 2 pixels wide"}[issue]
    regions = _tiny_region_counts(context)
    counts, boxes = regions[issue], regions[f"{issue} box"]
    for index in np.flatnonzero(counts >= MIN_TINY_REGIONS).tolist():
        box = tuple(boxes[index].tolist())
        yield context.flag(issue, index, counts[index], f"{counts[index]} {what}", region=box)


def is_trivial(mask: Mask) -> bool:
    """Return whether one value, which may be void, fills over 99 % of a mask or of its inside."""
    down, right = (int(BORDER * side) for side in mask.shape)
    inside = mask[down : mask.shape[0] - down, right : mask.shape[1] - right]
    shares = (np.bincount(each.ravel()).max() / each.size for each in (mask, inside))
    return any(share > TRIVIAL_SHARE for share in shares)


def tiny_regions(mask: Mask, background: int) -> tuple[list[Region], list[Region]]:
    """Find regions that are too small to be drawn on purpose.

    Background and void do not form regions: they remain between those that were drawn.

    Args:
        mask: (H, W).
        background: The class of unlabeled pixels.

    Returns:
        The boxes of the islands and those of the slivers, the largest region first.
    """
    min_size = max(4, MAX_ISLAND_SHARE * mask.size)
    islands: list[tuple[int, Region]] = []
    slivers: list[tuple[int, Region]] = []
    for value in np.flatnonzero(np.bincount(mask.ravel())).tolist():
        if value in (background, VOID):
            continue
        inside = mask == value
        labels, count = ndimage.label(inside, np.ones((3, 3)))
        # A region without a pixel whose 3x3 neighborhood is inside is at most 2 pixels wide.
        core = ndimage.binary_erosion(inside, np.ones((3, 3), dtype=bool), border_value=1)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        core_sizes = np.bincount(labels[core], minlength=count + 1)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
            size = int(sizes[number])
            region = (size, (rows.start, columns.start, rows.stop, columns.stop))
            if size < min_size:
                islands.append(region)
            elif not core_sizes[number] and size >= MIN_SLIVER_SIZE:
                slivers.append(region)
    return _largest_first(islands), _largest_first(slivers)


def _show_one_picture(images: Sequence[ImageArray]) -> bool:
    """Return whether all images are copies of the first."""
    thumbnails = np.stack([thumbnail(image, 32) for image in images])
    # Detail between 1 and 4 pixels, without shading and noise.
    fine = ndimage.gaussian_filter(thumbnails, (0, 1, 1))
    coarse = ndimage.gaussian_filter(thumbnails, (0, 4, 4))
    details = (fine - coarse).reshape(len(images), -1)
    lengths = np.linalg.norm(details, axis=1)
    correlations = details @ details[0] / np.maximum(lengths * lengths[0], 1e-6)
    constant = (lengths < 1e-3) & (lengths[0] < 1e-3)
    return bool(((correlations > MIN_SAME_PICTURE) | constant).all())


@shared
def _tiny_region_counts(context: AuditContext) -> Arrays:
    """Count the islands and slivers of each mask (N,), with the largest box of each (N, 4)."""
    background = context.taxonomy.background
    return context.cache.compute(
        f"regions except {background}", partial(_count, background=background), context.masks
    )


def _count(masks: Sequence[Mask], background: int) -> Arrays:
    counts: dict[str, list[int]] = {"islands": [], "slivers": []}
    largest: dict[str, list[Region]] = {"islands box": [], "slivers box": []}
    for mask in masks:
        for kind, boxes in zip(counts, tiny_regions(mask, background), strict=True):
            counts[kind].append(len(boxes))
            largest[f"{kind} box"].append(boxes[0] if boxes else (0, 0, 0, 0))
    return {key: np.array(values) for key, values in {**counts, **largest}.items()}


def _largest_first(regions: list[tuple[int, Region]]) -> list[Region]:
    return [box for _, box in sorted(regions, key=lambda region: -region[0])]
