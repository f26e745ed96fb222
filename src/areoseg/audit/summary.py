"""Overview of a set: sizes, brightness, classes, and drift between labeled and unlabeled images."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from areoseg.audit.cache import Arrays
from areoseg.audit.checks.images import sample_statistics, unlabeled_statistics
from areoseg.audit.context import AuditContext
from areoseg.audit.findings import SetFinding
from areoseg.data.dispersion import dispersion, max_dispersion
from areoseg.data.split import class_pixels

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that describe a distribution."""

MAX_SIZES = 10
"""Number of sizes that are listed, the most frequent ones."""

FEATURES = {
    "mean": "brightness",
    "std": "contrast",
    "roughness": "roughness",
    "darkest": "darkest gray level",
    "brightest": "brightest gray level",
}
"""Image statistics whose distributions are compared, and their names."""

MAX_P_VALUE = 0.01
"""Maximum corrected p-value of a reported drift."""

MIN_DISTANCE = 0.1
"""Minimum distance of a reported drift; with thousands of images any drift is significant."""


@dataclass(frozen=True)
class Drift:
    """Difference between the distributions of a feature in two sets.

    Attributes:
        feature: Name of the feature.
        distance: Largest difference of the two cumulative distributions, 0 to 1
            (Kolmogorov-Smirnov).
        chance: The p-value, times the number of features (Bonferroni), at most 1.
        first: Median in the first set.
        second: Median in the second set.
    """

    feature: str
    distance: float
    chance: float
    first: float
    second: float


def find_drift(context: AuditContext) -> Iterator[SetFinding]:
    """Report features that are distributed differently in the unlabeled images."""
    for drift in _drifts(context):
        if drift.distance > MIN_DISTANCE and drift.chance < MAX_P_VALUE:
            medians = f"median {drift.second:.3g} instead of {drift.first:.3g}"
            reason = (
                f"the {drift.feature} of the unlabeled images is distributed differently:"
                f" {medians}, distance {drift.distance:.2f}"
            )
            yield SetFinding("drift", drift.distance, reason)


def summarize(context: AuditContext) -> dict[str, Any]:
    """Return the `summary` of `audit.json` as JSON values; `docs/audit.md` describes it."""
    samples = context.samples
    summary: dict[str, Any] = {
        "images": len(samples),
        "groups": None if samples.groups is None else len(set(samples.groups)),
        "sizes": [
            {"height": height, "width": width, "images": count}
            for (height, width), count in Counter(
                image.shape for image in samples.images
            ).most_common(MAX_SIZES)
        ],
        "intensity": _intensity(sample_statistics(context)),
    }
    if samples.masks is not None:
        pixels = class_pixels(samples, context.taxonomy)
        names = context.taxonomy.names
        summary["classes"] = _classes(pixels, names)
        summary["dispersion"] = _quantiles(dispersion(pixels)) | {
            "largest": max_dispersion(len(names))
        }
        if context.split is not None:
            summary["split"] = {
                split: {"images": len(indices), "classes": _classes(pixels[list(indices)], names)}
                for split, indices in context.split.items()
            }
    if context.unlabeled is not None and len(context.unlabeled):
        summary["unlabeled"] = {
            "images": len(context.unlabeled),
            "intensity": _intensity(unlabeled_statistics(context)),
            "drift": [asdict(drift) for drift in _drifts(context)],
        }
    return summary


def drifts(first: Arrays, second: Arrays, *, group_size: float = 1.0) -> list[Drift]:
    """Compare two sets of images, feature by feature, by a two-sample Kolmogorov-Smirnov test.

    Args:
        first: `image_statistics` of one set.
        second: `image_statistics` of the other set.
        group_size: Images per group. Images of a group are not independent, so both sets count as
            this many times smaller.

    Returns:
        One entry for each of `FEATURES`, the largest distance first.
    """
    results = []
    for field, feature in FEATURES.items():
        one, other = first[field], second[field]
        distance = float(stats.ks_2samp(one, other, method="asymp").statistic)
        independent = len(one) * len(other) / (len(one) + len(other)) / group_size
        p_value = float(special.kolmogorov(math.sqrt(independent) * distance))
        results.append(
            Drift(
                feature=feature,
                distance=distance,
                chance=min(1.0, p_value * len(FEATURES)),
                first=float(np.median(one)),
                second=float(np.median(other)),
            )
        )
    return sorted(results, key=lambda drift: -drift.distance)


def effective_images(pixels: NDArray[np.int64]) -> float:
    """Compute the effective number of images for a class (Kish 1965).

    This is sum(p)^2 / sum(p^2), where p (N,) are the pixels of the class in each image. If one
    image has nearly all pixels of the class, it determines the score alone, and the number is
    about 1.
    """
    total = float(pixels.sum())
    return total**2 / float((pixels.astype(np.float64) ** 2).sum()) if total else 0.0


def iou_margin(images: float) -> float:
    """Compute half the width of the 95 % interval of an IoU from a number of effective images.

    The value 1.96 sqrt(0.25 / n) is the bootstrap result for a model that finds half of the class,
    and in each image either all or none of it. Finding parts of it in every image makes the
    interval narrower, so this is close to the worst case.

    Args:
        images: Number of images, from `effective_images`.

    Returns:
        A value in 0..0.5.
    """
    return min(0.5, 0.98 / math.sqrt(images)) if images else 0.5


def _drifts(context: AuditContext) -> list[Drift]:
    groups = context.samples.groups
    group_size = 1.0 if groups is None else len(groups) / len(set(groups))
    return drifts(sample_statistics(context), unlabeled_statistics(context), group_size=group_size)


def _classes(pixels: NDArray[np.int64], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return one entry per class for the pixels (N, C) of N images."""
    totals = pixels.sum(axis=0)
    entries = []
    for value, name in enumerate(names):
        effective = effective_images(pixels[:, value])
        entries.append(
            {
                "name": name,
                "pixels": int(totals[value]),
                "share": float(totals[value] / max(int(totals.sum()), 1)),
                "images": int((pixels[:, value] > 0).sum()),
                "effective_images": round(effective, 1),
                "iou_margin": round(iou_margin(effective), 4),
            }
        )
    return entries


def _intensity(numbers: Arrays) -> dict[str, Any]:
    """Return quantiles over the images of mean and std of the gray levels, 0 to 255."""
    return {"mean": _quantiles(numbers["mean"]), "std": _quantiles(numbers["std"])}


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """Return the quantiles by name, for example `q05`."""
    quantiles = np.quantile(values, QUANTILES)
    return {f"q{round(100 * q):02}": float(v) for q, v in zip(QUANTILES, quantiles, strict=True)}
