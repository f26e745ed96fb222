"""All scores of a set of predicted masks, with confidence intervals."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.metrics import protocols, rates
from areoseg.metrics.background import found_background, lost_ground
from areoseg.metrics.bootstrap import percentile_interval, resampled_sums, sum_by_group
from areoseg.metrics.boundary import boundary_counts, boundary_iou, mean_boundary_iou
from areoseg.metrics.confusion import ClassCounts, Counts, confusion_per_image
from areoseg.metrics.stacks import Labels
from areoseg.taxonomy import MARS, Taxonomy

Interval = tuple[float, float]
"""Lower and upper bound of a 95 % bootstrap interval; NaN if there is none."""


@dataclass(frozen=True)
class ProtocolScores:
    """Scores under one protocol; NaN for classes that do not enter the mean.

    Attributes:
        score: Mean IoU.
        interval: Interval of the score.
        iou: IoU by class name.
        iou_interval: Interval of the IoU by class name.
    """

    score: float
    interval: Interval
    iou: dict[str, float]
    iou_interval: dict[str, Interval]


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class under the headline protocol; NaN if undefined.

    Attributes:
        iou: Intersection over union.
        interval: Interval of the IoU.
        precision: Hits / predicted pixels.
        recall: Hits / true pixels.
        boundary_iou: Boundary IoU.
        pixels: True pixels, whether or not the protocol counts them.
    """

    iou: float
    interval: Interval
    precision: float
    recall: float
    boundary_iou: float
    pixels: int


@dataclass(frozen=True)
class Scores:
    """The scores of a set of predicted masks.

    Attributes:
        protocol: The headline protocol; it applies to all attributes except `protocols`.
        score: Mean IoU.
        interval: Interval of the score.
        protocols: Scores under every protocol, by its name.
        classes: Scores of each class, by its name.
        boundary_iou: Mean over the terrain classes that have a boundary in the truth.
        boundary_interval: Interval of the boundary IoU.
        pixel_accuracy: Fraction of correctly classified pixels.
        lost_ground: Share of the labeled terrain that is predicted as background.
        found_background: Share of the pixels that are certainly not ground, such as sky and rover,
            that are predicted as background; NaN without such pixels.
        confusion: C rows of C pixel counts over the whole set; rows are true classes.
        images: Number of scored images.
        groups: Number of resampled groups, or None if images were resampled.
        resamples: Number of bootstrap resamples that were requested.
        sets: The scores of each dataset by its name, if several were joined.
    """

    protocol: str
    score: float
    interval: Interval
    protocols: dict[str, ProtocolScores]
    classes: dict[str, ClassScores]
    boundary_iou: float
    boundary_interval: Interval
    pixel_accuracy: float
    lost_ground: float
    found_background: float
    confusion: tuple[tuple[int, ...], ...]
    images: int
    groups: int | None
    resamples: int
    sets: dict[str, "Scores"] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers for a JSON file; NaN becomes None."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(dataclasses.replace(self, sets={})))
        del plain["sets"]
        if self.sets:
            plain["sets"] = {name: scores.to_json() for name, scores in self.sets.items()}
        return plain


def evaluate_predictions(
    predictions: Sequence[Labels] | Labels,
    targets: Sequence[Labels] | Labels,
    *,
    groups: Sequence[str] | None = None,
    not_ground: Sequence[NDArray[np.bool_] | None] | None = None,
    taxonomy: Taxonomy = MARS,
    protocol: str = "terrain",
    resamples: int = 1000,
    seed: int = 0,
) -> Scores:
    """Score predicted masks under every protocol, with 95 % bootstrap intervals.

    Args:
        predictions: N masks (H, W) of class indices, possibly of different sizes, or one array
            (N, H, W).
        targets: N masks, each the size of its prediction. `VOID` pixels are ignored.
        groups: N group names; if given, groups are resampled instead of images.
        not_ground: N arrays (H, W) bool for `found_background`, or None where unknown.
        taxonomy: The C classes.
        protocol: The headline protocol, a name in `PROTOCOLS`.
        resamples: Number of bootstrap resamples; 0 for no intervals.
        seed: Seed of the bootstrap.

    Raises:
        AreosegError: The protocol is unknown, there are no images, or the masks or groups do not
            match.
    """
    protocols.protocol(protocol)  # a wrong name fails before the long computation
    if len(targets) == 0:
        raise AreosegError("there are no images to score: give at least one prediction and target")
    per_image = confusion_per_image(predictions, targets, len(taxonomy))
    units = sum_by_group(per_image, groups)
    resampled = resampled_sums(units, resamples, seed)
    confusion = per_image.sum(axis=0)

    # (N, 3, C): images first, as the bootstrap requires; then hits, truth and predicted.
    outlines = np.stack(boundary_counts(predictions, targets, protocol, taxonomy), axis=1)
    outline = ClassCounts(*outlines.sum(axis=0))
    outline_sums = resampled_sums(sum_by_group(outlines, groups), resamples, seed)
    resampled_outline = ClassCounts(*np.moveaxis(outline_sums, 1, 0))

    by_protocol = {
        name: _protocol_scores(confusion, resampled, name, taxonomy) for name in protocols.PROTOCOLS
    }
    headline = by_protocol[protocol]
    return Scores(
        protocol=protocol,
        score=headline.score,
        interval=headline.interval,
        protocols=by_protocol,
        classes=_class_scores(confusion, headline, outline, protocol, taxonomy),
        boundary_iou=float(mean_boundary_iou(outline, taxonomy)),
        boundary_interval=_interval(mean_boundary_iou(resampled_outline, taxonomy)),
        pixel_accuracy=float(rates.pixel_accuracy(confusion, protocol, taxonomy)),
        lost_ground=lost_ground(confusion, taxonomy),
        found_background=found_background(predictions, targets, taxonomy, not_ground),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        images=len(targets),
        groups=None if groups is None else len(units),
        resamples=resamples,
    )


def score_rows(scores: Scores) -> list[dict[str, str | float | int | None]]:
    """Return the headline protocol's scores as table rows: one per class, the mean last.

    Returns:
        Rows with the keys class, iou, low, high, precision, recall, boundary_iou and pixels;
        undefined values are None.
    """
    rows: list[dict[str, str | float | int | None]] = [
        {
            "class": name,
            "iou": entry.iou,
            "low": entry.interval[0],
            "high": entry.interval[1],
            "precision": entry.precision,
            "recall": entry.recall,
            "boundary_iou": entry.boundary_iou,
            "pixels": entry.pixels,
        }
        for name, entry in scores.classes.items()
    ]
    rows.append(
        {
            "class": "mean",
            "iou": scores.score,
            "low": scores.interval[0],
            "high": scores.interval[1],
            "precision": None,
            "recall": None,
            "boundary_iou": scores.boundary_iou,
            "pixels": sum(entry.pixels for entry in scores.classes.values()),
        }
    )
    return [{key: _plain(value) for key, value in row.items()} for row in rows]


def _protocol_scores(
    confusion: Counts, resampled: NDArray[np.float64], protocol: str, taxonomy: Taxonomy
) -> ProtocolScores:
    iou = rates.class_iou(confusion, protocol, taxonomy)
    resampled_iou = rates.class_iou(resampled, protocol, taxonomy)
    return ProtocolScores(
        score=float(rates.mean_of_entering(iou)),
        interval=_interval(rates.mean_of_entering(resampled_iou)),
        iou=dict(zip(taxonomy.names, iou.tolist(), strict=True)),
        iou_interval={
            name: _interval(resampled_iou[:, index]) for index, name in enumerate(taxonomy.names)
        },
    )


def _class_scores(
    confusion: Counts,
    headline: ProtocolScores,
    outline: ClassCounts,
    protocol: str,
    taxonomy: Taxonomy,
) -> dict[str, ClassScores]:
    precision = rates.precision(confusion, protocol, taxonomy)
    recall = rates.recall(confusion, protocol, taxonomy)
    boundary = boundary_iou(outline)
    return {
        name: ClassScores(
            iou=headline.iou[name],
            interval=headline.iou_interval[name],
            precision=float(precision[index]),
            recall=float(recall[index]),
            boundary_iou=float(boundary[index]),
            pixels=int(confusion[index].sum()),
        )
        for index, name in enumerate(taxonomy.names)
    }


def _interval(samples: NDArray[np.float64]) -> Interval:
    low, high = percentile_interval(samples)
    return float(low), float(high)


def _plain(value: Any) -> Any:
    """Convert tuples to lists and NaN to None, recursively."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and math.isnan(value):
        return None
    return value
