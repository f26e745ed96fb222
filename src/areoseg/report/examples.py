"""Select the predictions of the report: best, typical and worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.images import ImageArray

KINDS = ("best", "typical", "worst")

_MIN_LABELED = 0.1
"""Samples with a smaller fraction of labeled pixels are shown only if there are no others."""

Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Example:
    """One prediction with its ground truth.

    Attributes:
        image: (H, W), uint8 or float32 in 0..1.
        truth: (H, W) class indices, `VOID` for ignored pixels.
        prediction: (H, W) class indices.
        name: Of the sample.
        score: Share of the labeled pixels that are right, 0 to 1.
    """

    image: ImageArray
    truth: Labels
    prediction: Labels
    name: str
    score: float


def labeled_pixels(truth: Labels, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Return the mask (H, W) of terrain pixels: neither background nor `VOID`."""
    labeled: NDArray[np.bool_] = (truth != taxonomy.background) & (truth != VOID)
    return labeled


def choose_examples(
    images: Sequence[ImageArray] | ImageArray,
    truths: Sequence[Labels] | Labels,
    predictions: Sequence[Labels] | Labels,
    names: Sequence[str],
    *,
    taxonomy: Taxonomy,
    per_kind: int = 4,
) -> dict[str, list[Example]]:
    """Return the best, typical and worst predictions by pixel accuracy.

    Among samples of about the same score those with more classes come first, since they show more.
    Typical are the samples in the middle of the ranking. No sample is chosen twice: where there are
    fewer than `3 * per_kind` of them, each list is shorter. Samples without labeled pixels are left
    out.

    Args:
        images: N images (H, W).
        truths: N masks, each the size of its image.
        predictions: N masks of class indices, each the size of its image.
        names: N names.
        taxonomy: The classes.
        per_kind: Number of examples of each kind.

    Returns:
        Lists under `best` (best first), `typical` and `worst` (worst first).

    Raises:
        AreosegError: The four differ in number, or a mask is not the size of its image.
    """
    _check_shapes(images, truths, predictions, names)
    entries: list[tuple[float, int, int]] = []  # score, classes, index
    sparse: list[tuple[float, int, int]] = []
    for index, (truth, prediction) in enumerate(zip(truths, predictions, strict=True)):
        labeled = labeled_pixels(truth, taxonomy)
        if not labeled.any():
            continue
        score = float((prediction == truth)[labeled].mean())
        entry = (score, len(np.unique(truth[labeled])), index)
        (entries if labeled.mean() >= _MIN_LABELED else sparse).append(entry)

    entries = entries or sparse
    ranked = sorted(entries, key=lambda entry: (round(entry[0], 2), *entry[1:]), reverse=True)
    per_kind = min(per_kind, max(1, len(ranked) // len(KINDS)))
    best, rest = ranked[:per_kind], ranked[per_kind:]
    worst = rest[-per_kind:]
    between = rest[: len(rest) - len(worst)]
    first = max(0, (len(between) - per_kind) // 2)
    chosen = {
        "best": sorted(best, reverse=True),
        "typical": sorted(between[first : first + per_kind], reverse=True),
        "worst": sorted(worst),
    }
    return {
        kind: [
            Example(images[index], truths[index], predictions[index], names[index], score)
            for score, _, index in chosen[kind]
        ]
        for kind in KINDS
    }


def _check_shapes(
    images: Sequence[ImageArray] | ImageArray,
    truths: Sequence[Labels] | Labels,
    predictions: Sequence[Labels] | Labels,
    names: Sequence[str],
) -> None:
    counts = [len(images), len(truths), len(predictions), len(names)]
    if len(set(counts)) > 1:
        raise AreosegError(
            "{} images, {} truths, {} predictions and {} names: give one of each per sample".format(
                *counts
            )
        )
    for index, name in enumerate(names):
        shapes = [values[index].shape for values in (images, truths, predictions)]
        if len(set(shapes)) > 1:
            raise AreosegError(
                f"{name}: image, truth and prediction are of shapes {shapes[0]}, {shapes[1]} and"
                f" {shapes[2]}: all three must be of one size (H, W)"
            )
