"""The set at a glance: sizes, brightness, classes, and what the rare ones mean for a score."""

import math
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.context import AuditContext
from areoseg.audit.drift import drifts_of
from areoseg.audit.image_statistics import ImageStatistics
from areoseg.data.dispersion import dispersion
from areoseg.data.dispersion import max_dispersion
from areoseg.data.split import class_pixels

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""How distributions are told."""

MOST_SIZES = 10
"""Sizes that are listed, the most frequent ones."""


def summarize(context: AuditContext) -> dict[str, Any]:
    """What `audit.json` holds under `summary`, as JSON values; there must be a sample.

    `docs/audit.md` describes it.
    """
    samples = context.samples
    summary: dict[str, Any] = {
        "images": len(samples),
        "groups": None if samples.groups is None else len(set(samples.groups)),
        "sizes": _sizes(context),
        "intensity": _intensity(context.statistics),
    }
    if samples.masks is not None:
        pixels = class_pixels(samples, context.taxonomy)
        summary["classes"] = _classes(pixels, context)
        summary["dispersion"] = _quantiles(dispersion(pixels)) | {
            "largest": max_dispersion(len(context.taxonomy))
        }
        if context.split is not None:
            summary["split"] = {
                part: {"images": len(indices), "classes": _classes(pixels[list(indices)], context)}
                for part, indices in context.split.items()
            }
    if context.unlabeled is not None and len(context.unlabeled):
        numbers = context.unlabeled_statistics
        summary["unlabeled"] = {
            "images": len(context.unlabeled),
            "intensity": _intensity(numbers),
            "drift": [asdict(drift) for drift in drifts_of(context)],
        }
    return summary


def effective_images(pixels: NDArray[np.int64]) -> float:
    """How many images of equal weight would tell as much about a class as these do.

    sum(p)^2 / sum(p^2), where p (N,) are the pixels of the class in each image (Kish 1965): one
    image that has nearly all pixels of a class decides its score alone.
    """
    total = float(pixels.sum())
    return total**2 / float((pixels.astype(np.float64) ** 2).sum()) if total else 0.0


def iou_margin(images: float) -> float:
    """Half the width of the 95 % interval of an IoU that so many effective images can give.

    What bootstrapping images would give for a segmenter that finds half of the class, where it
    finds what an image has of the class either all or not at all: 1.96 sqrt(0.25 / n). Finding
    parts of it in every image makes the interval narrower, so this is nearly the worst case.

    Args:
        images: From `effective_images`.

    Returns:
        In 0..0.5.
    """
    return min(0.5, 0.98 / math.sqrt(images)) if images else 0.5


def _classes(pixels: NDArray[np.int64], context: AuditContext) -> list[dict[str, Any]]:
    """One entry a class for pixels (N, C) of N images."""
    totals = pixels.sum(axis=0)
    every = max(int(totals.sum()), 1)
    entries = []
    for value, name in enumerate(context.taxonomy.names):
        effective = effective_images(pixels[:, value])
        entries.append(
            {
                "name": name,
                "pixels": int(totals[value]),
                "share": float(totals[value] / every),
                "images": int((pixels[:, value] > 0).sum()),
                "effective_images": round(effective, 1),
                "iou_margin": round(iou_margin(effective), 4),
            }
        )
    return entries


def _sizes(context: AuditContext) -> list[dict[str, int]]:
    """The most frequent sizes, with the number of images."""
    sizes = Counter(image.shape for image in context.samples.images).most_common(MOST_SIZES)
    return [{"height": size[0], "width": size[1], "images": count} for size, count in sizes]


def _intensity(numbers: ImageStatistics) -> dict[str, Any]:
    """Quantiles of mean and std of the gray levels, 0 to 255, over the images."""
    return {"mean": _quantiles(numbers.mean), "std": _quantiles(numbers.std)}


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """The quantiles by their names, such as `q05`."""
    found = np.quantile(values, QUANTILES)
    return {f"q{round(100 * q):02}": float(v) for q, v in zip(QUANTILES, found, strict=True)}
