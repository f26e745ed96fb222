"""The set at a glance: sizes, brightness, classes, and what the rare ones mean for a score."""

import math
from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.drift import drifts_of
from areoseg.audit.image_statistics import ImageStatistics
from areoseg.audit.material import Material
from areoseg.data.dispersion import dispersion, largest_dispersion
from areoseg.data.split import class_pixels

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""How distributions are told."""

MOST_SIZES = 10
"""Sizes that are listed, the most frequent ones."""


def summarise(material: Material) -> dict[str, Any]:
    """What `audit.json` holds under `summary`, as JSON values; there must be a scene.

    `docs/audit.md` describes it.
    """
    scenes = material.scenes
    summary: dict[str, Any] = {
        "images": len(scenes),
        "groups": None if scenes.groups is None else len(set(scenes.groups)),
        "sizes": _sizes(material),
        "intensity": _intensity(material.statistics),
    }
    if scenes.masks is not None:
        pixels = class_pixels(scenes, material.taxonomy)
        summary["classes"] = _classes(pixels, material)
        summary["dispersion"] = _quantiles(dispersion(pixels)) | {
            "largest": largest_dispersion(len(material.taxonomy))
        }
        if material.split is not None:
            summary["split"] = {
                part: {"images": len(indices), "classes": _classes(pixels[list(indices)], material)}
                for part, indices in material.split.items()
            }
    if material.unlabelled is not None and len(material.unlabelled):
        numbers = material.unlabelled_statistics
        summary["unlabelled"] = {
            "images": len(material.unlabelled),
            "intensity": _intensity(numbers),
            "drift": [asdict(drift) for drift in drifts_of(material)],
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


def _classes(pixels: NDArray[np.int64], material: Material) -> list[dict[str, Any]]:
    """One entry a class for pixels (N, C) of N images."""
    totals = pixels.sum(axis=0)
    every = max(int(totals.sum()), 1)
    entries = []
    for value, name in enumerate(material.taxonomy.names):
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


def _sizes(material: Material) -> list[dict[str, int]]:
    """The most frequent sizes, with the number of images."""
    sizes = Counter(image.shape for image in material.scenes.images).most_common(MOST_SIZES)
    return [{"height": size[0], "width": size[1], "images": count} for size, count in sizes]


def _intensity(numbers: ImageStatistics) -> dict[str, Any]:
    """Quantiles of mean and deviation of the grey levels, 0 to 255, over the images."""
    return {"mean": _quantiles(numbers.mean), "deviation": _quantiles(numbers.deviation)}


def _quantiles(values: NDArray[np.float64]) -> dict[str, float]:
    """The quantiles by their names, such as `q05`."""
    found = np.quantile(values, QUANTILES)
    return {f"q{round(100 * q):02}": float(v) for q, v in zip(QUANTILES, found, strict=True)}
