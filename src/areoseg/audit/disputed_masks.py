"""Masks and regions that a segmenter disputes, given its class probabilities.

The segmenter must not have been trained on the samples that it judges, or it repeats their issues.
"""

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.confident_disagreement import WrongRegion
from areoseg.audit.confident_disagreement import wrong_regions
from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.segmenter_fits import best_other_image
from areoseg.audit.segmenter_fits import label_points

FEWEST_SAMPLES = 50
"""With fewer samples there is no average image to compare with."""

SWAPPED_ABOVE = 0.7
"""How many times likelier a swapped mask is, a point, on the average image than on its own."""

BACK_BELOW = 0.6
"""The same of a mirrored mask, at most, once it is mirrored back."""

MIRRORED_ABOVE = {
    "mirrored left-right": 0.2,
    "mirrored top-bottom": 0.4,
    "turned upside down": 0.4,
}
"""Gain in mean log-probability above which a mask is taken to be moved that way.

A sample is much more often like its own mirror image than it stands on its head.
"""

SHIFTED_ABOVE = 1.0
"""The same for a shift; outlines that people draw are coarse, and gain something by many shifts."""

CLEARLY_BETTER = 0.3
"""Gain in mean log-probability with which another image is named."""

LEAST_SHARE = 0.01
"""The share of an image that a region must cover to be shown."""

MOST_REGIONS = 3
"""Regions of a sample that are told, the heaviest ones."""


def find_swapped_masks(context: AuditContext) -> list[Finding]:
    """Flag masks that fit the average image of the set about as well as their own.

    The image that such a mask fits best is named, where it fits clearly better.
    """
    if len(context.samples) < FEWEST_SAMPLES or context.probabilities is None:
        return []
    fits = context.segmenter_fits
    scores = _likelihood_elsewhere(fits.average, fits.own)
    moved = _moved(context)
    chosen = [i for i in np.flatnonzero(scores > SWAPPED_ABOVE).tolist() if i not in moved]
    masks = [context.samples[index].mask for index in chosen]
    labels = [label_points(mask, context.judged_classes) for mask in masks if mask is not None]
    others, their_fits = best_other_image(context.probabilities, labels)
    findings = []
    for index, other, their_fit in zip(chosen, others.tolist(), their_fits, strict=True):
        name = context.samples.names[other]
        named = other != index and their_fit - fits.own[index] > CLEARLY_BETTER
        reason = (
            f"the mask is {scores[index]:.2f} times as likely on the average image as on its own"
        )
        findings.append(
            Finding(
                index=index,
                name=context.samples.names[index],
                issue="swapped-mask",
                score=float(scores[index]),
                reason=f"{reason}; it fits {name} best" if named else reason,
                action="flag",
                other=OtherSample(other, name) if named else None,
            )
        )
    return findings


def find_moved_masks(context: AuditContext) -> list[Finding]:
    """Flag masks that would fit clearly better if they were mirrored, turned or shifted."""
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="moved-mask",
            score=gain,
            reason=f"the mask fits what a segmenter sees better when {way}",
            action="flag",
        )
        for index, (gain, way) in sorted(_moved(context).items())
    ]


def find_wrong_regions(context: AuditContext) -> list[Finding]:
    """Flag the regions in which a segmenter contradicts the mask with confidence.

    At most 3 of a sample; the score is their pixels times how much likelier the answer is than the
    label.
    """
    if context.probabilities is None or context.samples.masks is None:
        return []
    findings = []
    for index, (probabilities, mask) in enumerate(
        zip(context.probabilities, context.samples.masks, strict=True)
    ):
        least = max(4, round(LEAST_SHARE * mask.size))
        regions = wrong_regions(probabilities, mask, context.class_confidence, least)
        findings += [
            Finding(
                index=index,
                name=context.samples.names[index],
                issue="wrong-region",
                score=region.weight,
                reason=_describe(region, context.taxonomy.names),
                action="flag",
                region=region.box,
            )
            for region in regions[:MOST_REGIONS]
        ]
    return findings


def _moved(context: AuditContext) -> dict[int, tuple[float, str]]:
    """The masks that would fit clearly better elsewhere: what they gain, and how to move them."""
    if len(context.samples) < FEWEST_SAMPLES:
        return {}
    fits = context.segmenter_fits
    as_if_swapped = _likelihood_elsewhere(fits.average, fits.own)
    found: dict[int, tuple[float, str]] = {}
    for way, gains in fits.mirror_gain.items():
        # A mask that still hardly fits when it is mirrored is another image's.
        back = _likelihood_elsewhere(fits.average, fits.mirrored[way]) < BACK_BELOW
        fitting = (as_if_swapped <= SWAPPED_ABOVE) | back
        for index in np.flatnonzero((gains > MIRRORED_ABOVE[way]) & fitting).tolist():
            gain = float(gains[index])
            found[index] = max(found.get(index, (0.0, "")), (gain, way))
    shifted = (fits.shift_gain > SHIFTED_ABOVE) & (as_if_swapped <= SWAPPED_ABOVE)
    for index in np.flatnonzero(shifted).tolist():
        gain = float(fits.shift_gain[index])
        way = _describe_shift(context, index)
        found[index] = max(found.get(index, (0.0, "")), (gain, way))
    return found


def _likelihood_elsewhere(
    average: NDArray[np.float64], own: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How many times likelier (N,) masks are, a point, on the average image than on their own."""
    return np.asarray(np.exp(average - own))


def _describe_shift(context: AuditContext, index: int) -> str:
    """The best shift of a mask in pixels, in words."""
    down, right = context.segmenter_fits.shift[index]
    height, width = context.samples.images[index].shape
    rows, columns = round(down * height), round(right * width)
    parts = [f"{abs(rows)} pixels {'down' if rows > 0 else 'up'}"] if rows else []
    parts += [f"{abs(columns)} pixels {'right' if columns > 0 else 'left'}"] if columns else []
    return "shifted " + " and ".join(parts)


def _describe(region: WrongRegion, names: tuple[str, ...]) -> str:
    """What a region is labeled, and what it looks like."""
    return (
        f"labeled {names[region.label]}, looks like {names[region.answer]}, {region.pixels} pixels"
    )
