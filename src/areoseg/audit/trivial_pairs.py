"""Pairs from which nothing can be learned: hardly a label, no contrast, lost bits, an odd size."""

from collections import Counter

import numpy as np

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.taxonomy import VOID

FEW_LABELS = 0.02
"""Share of labeled pixels below which a mask says too little."""

SATURATED_ABOVE = 0.25
"""Share of black and white pixels above which an image has lost its contrast."""

FEW_LEVELS = 16
"""An image with at most this many gray levels was stored with too few bits."""

LEAST_RANGE = 32
"""Gray levels may be few where they lie close together, as on a hazy sky."""

LEAST_COMMON = 0.9
"""Share of the images that must be of one size before another size is odd."""


def find_few_labels(context: AuditContext) -> list[Finding]:
    """Flag masks that are background or void but for 2 % of their pixels or less.

    The score is the share of background and void.
    """
    samples = context.samples
    background = context.taxonomy.background
    findings = []
    for index, mask in enumerate(samples.masks if samples.masks is not None else ()):
        labeled = float(((mask != background) & (mask != VOID)).mean())
        if labeled < FEW_LABELS:
            reason = f"only {labeled:.1%} of the pixels are labeled" if labeled else "no labels"
            findings.append(
                Finding(index, samples.names[index], "few-labels", 1 - labeled, reason, "flag")
            )
    return findings


def find_saturated_images(context: AuditContext) -> list[Finding]:
    """Flag images of which over a quarter is black or white, but for those of one gray level.

    The score is that share.
    """
    numbers = context.statistics
    share = numbers.black + numbers.white
    found = (share > SATURATED_ABOVE) & (numbers.darkest < numbers.brightest)
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="saturated-image",
            score=float(share[index]),
            reason=f"{numbers.black[index]:.0%} of the pixels are black and"
            f" {numbers.white[index]:.0%} white",
            action="flag",
        )
        for index in np.flatnonzero(found).tolist()
    ]


def find_lost_bits(context: AuditContext) -> list[Finding]:
    """Flag images whose gray levels are few and far apart, or all in the lowest sixteenth.

    The one comes from storing with too few bits, the other from storing 0..1, or fewer bits than 8,
    as if they were 8. The score is how many of 8 bits are not used.
    """
    numbers = context.statistics
    spread = numbers.brightest - numbers.darkest
    varied = numbers.levels > 1
    few = varied & (numbers.levels <= FEW_LEVELS) & (spread >= LEAST_RANGE)
    dark = varied & (numbers.brightest < FEW_LEVELS)
    used = np.where(dark, numbers.brightest + 1, numbers.levels)
    lost = 8 - np.log2(np.maximum(used, 1))
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="lost-bits",
            score=float(lost[index]),
            reason=f"no pixel is above gray level {numbers.brightest[index]:.3g} of 255"
            if dark[index]
            else f"only {numbers.levels[index]} gray levels between"
            f" {numbers.darkest[index]:.0f} and {numbers.brightest[index]:.0f}",
            action="flag",
        )
        for index in np.flatnonzero(few | dark).tolist()
    ]


def find_odd_sizes(context: AuditContext) -> list[Finding]:
    """Flag images that differ in size from the nine in ten or more that are of one size.

    The score is how many times larger or smaller their area is, from 1.
    """
    sizes = [image.shape for image in context.samples.images]
    (common, count), *_ = Counter(sizes).most_common(1)
    if count < LEAST_COMMON * len(sizes):
        return []
    findings = []
    for index, size in enumerate(sizes):
        if size != common:
            ratio = size[0] * size[1] / (common[0] * common[1])
            findings.append(
                Finding(
                    index=index,
                    name=context.samples.names[index],
                    issue="odd-size",
                    score=max(ratio, 1 / ratio),
                    reason=f"{size[0]}x{size[1]} pixels, where {count} of {len(sizes)} images have"
                    f" {common[0]}x{common[1]}",
                    action="flag",
                )
            )
    return findings
