"""Whether unlabeled images, such as a test set, look as the labeled ones do."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special
from scipy import stats

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import SetFinding
from areoseg.audit.image_statistics import ImageStatistics

FEATURES = {
    "mean": "brightness",
    "std": "contrast",
    "roughness": "roughness",
    "darkest": "darkest gray level",
    "brightest": "brightest gray level",
}
"""What is compared: fields of `ImageStatistics`, and what a person calls them."""

SURE_BELOW = 0.01
"""Largest probability of a chance difference, corrected for the number of features."""

FAR_ABOVE = 0.1
"""Least distance of two distributions that matters; among thousands a trifle is significant."""


@dataclass(frozen=True)
class Drift:
    """How far one number is distributed otherwise in two sets.

    Attributes:
        feature: What a person calls the number.
        distance: Largest difference of the two cumulative distributions, 0 to 1
            (Kolmogorov-Smirnov).
        chance: Probability of such a distance by chance, times the number of features (Bonferroni),
            at most 1.
        first: Median in the first set.
        second: Median in the second set.
    """

    feature: str
    distance: float
    chance: float
    first: float
    second: float


def drifts(
    first: ImageStatistics, second: ImageStatistics, *, per_group: float = 1.0
) -> list[Drift]:
    """Compare two sets of images, each number by itself, by a two-sample Kolmogorov-Smirnov test.

    Args:
        first: Numbers of the images of one set.
        second: Numbers of those of the other set.
        per_group: Images in a group, which tell no more than one: both sets count as so many times
            smaller.

    Returns:
        One entry for each of `FEATURES`, farthest first.
    """
    found = []
    for field, feature in FEATURES.items():
        one, other = getattr(first, field), getattr(second, field)
        distance = float(stats.ks_2samp(one, other, method="asymp").statistic)
        independent = len(one) * len(other) / (len(one) + len(other)) / per_group
        chance = float(special.kolmogorov(math.sqrt(independent) * distance))
        found.append(
            Drift(
                feature=feature,
                distance=distance,
                chance=min(1.0, chance * len(FEATURES)),
                first=float(np.median(one)),
                second=float(np.median(other)),
            )
        )
    return sorted(found, key=lambda drift: -drift.distance)


def find_drift(context: AuditContext) -> list[SetFinding]:
    """Name what is distributed otherwise in the unlabeled images than in the labeled ones.

    The score is the distance of the two distributions.
    """
    return [
        SetFinding(
            issue="drift",
            score=drift.distance,
            reason=f"the {drift.feature} of the unlabeled images is distributed otherwise: median"
            f" {drift.second:.3g}, not {drift.first:.3g}; distance {drift.distance:.2f}",
        )
        for drift in drifts_of(context)
        if drift.distance > FAR_ABOVE and drift.chance < SURE_BELOW
    ]


def drifts_of(context: AuditContext) -> list[Drift]:
    """Compare the unlabeled images with the samples; groups of the samples tell what is near."""
    groups = context.samples.groups
    per_group = 1.0 if groups is None else len(groups) / len(set(groups))
    return drifts(context.statistics, context.unlabeled_statistics, per_group=per_group)
