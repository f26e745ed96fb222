"""Convert `scores.json` to the tables of the page; missing values stay empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from areoseg.metrics.protocols import PROTOCOLS
from areoseg.report.charts import confusion_chart
from areoseg.report.formats import is_number
from areoseg.report.pictures import svg_uri
from areoseg.taxonomy import Taxonomy

Record = Mapping[str, Any]
"""The scores of one split, as written by `Scores.to_json`."""

SPLITS = {
    "test": ("Test", "Held out: it had no influence on the weights or on the choice of weights."),
    "val": (
        "Validation",
        "Not used for training but for model selection, so its scores may be slightly too high.",
    ),
}
"""Title and meaning of the scored splits; the first available one is the headline."""


@dataclass(frozen=True)
class Interval:
    """A value with its 95 % interval; None if undefined.

    Attributes:
        value: 0 to 1.
        low: Lower end.
        high: Upper end.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class DatasetScore:
    """The scores of one of several joined datasets.

    Attributes:
        name: The dataset.
        images: Number of scored images.
        score: Mean IoU.
        iou: IoU by class name; None if undefined.
    """

    name: str
    images: int | None
    score: Interval
    iou: dict[str, float | None]


@dataclass(frozen=True)
class ScoreTables:
    """The scores of one split as shown on the page.

    Attributes:
        name: `val` or `test`.
        title: Its heading.
        meaning: One sentence that describes the split.
        protocol: The name of the headline protocol.
        score: Mean IoU by that protocol.
        boundary: Mean boundary IoU.
        accuracy: Pixel accuracy.
        lost_ground: Share of labeled terrain predicted as background.
        found_background: Share of sky and rover predicted as background.
        images: Number of scored images.
        groups: Number of groups resampled for the intervals; None: images were resampled.
        resamples: Number of bootstrap resamples.
        classes: Class name to its score and the record of the class.
        protocols: Protocol name to its score.
        confusion: The matrix as a data URI, or None.
        uncounted: Name of the class that is not counted in the score, or None.
        sets: The scores of each dataset, if several were joined.
    """

    name: str
    title: str
    meaning: str
    protocol: str
    score: Interval
    boundary: Interval
    accuracy: float | None
    lost_ground: float | None
    found_background: float | None
    images: int | None
    groups: int | None
    resamples: int | None
    classes: dict[str, tuple[Interval, Record]]
    protocols: dict[str, Interval]
    confusion: str | None
    uncounted: str | None
    sets: list[DatasetScore]


def score_tables(
    scores: Mapping[str, Record | None], taxonomy: Taxonomy, protocol: str
) -> list[ScoreTables]:
    """Return the tables of each scored split, the headline split first.

    Args:
        scores: The content of `scores.json`; parts may be missing or None.
        taxonomy: The classes.
        protocol: The headline protocol, if the scores do not name one.
    """
    return [
        _tables(name, record, taxonomy, protocol) for name in SPLITS if (record := scores.get(name))
    ]


def _tables(name: str, record: Record, taxonomy: Taxonomy, protocol: str) -> ScoreTables:
    title, meaning = SPLITS[name]
    protocol = record.get("protocol", protocol)
    by_class: Record = record.get("classes") or {}
    by_protocol: Record = record.get("protocols") or {}
    uncounted = taxonomy.background if _drops_background(protocol) else None
    return ScoreTables(
        name=name,
        title=title,
        meaning=meaning,
        protocol=protocol,
        score=_interval(record.get("score"), record.get("interval")),
        boundary=_interval(record.get("boundary_iou"), record.get("boundary_interval")),
        accuracy=_value(record.get("pixel_accuracy")),
        lost_ground=_value(record.get("lost_ground")),
        found_background=_value(record.get("found_background")),
        images=record.get("images"),
        groups=record.get("groups"),
        resamples=record.get("resamples"),
        classes={
            name: (_interval(entry.get("iou"), entry.get("interval")), entry)
            for name in taxonomy.names
            for entry in [by_class.get(name) or {}]
        },
        protocols={
            name: _interval(entry.get("score"), entry.get("interval"))
            for name in PROTOCOLS
            for entry in [by_protocol.get(name) or {}]
        },
        confusion=_confusion(record.get("confusion"), taxonomy, uncounted),
        uncounted=None if uncounted is None else taxonomy.names[uncounted],
        sets=[_of_set(each, own, taxonomy) for each, own in (record.get("sets") or {}).items()],
    )


def _of_set(name: str, record: Record, taxonomy: Taxonomy) -> DatasetScore:
    by_class: Record = record.get("classes") or {}
    return DatasetScore(
        name=name,
        images=record.get("images"),
        score=_interval(record.get("score"), record.get("interval")),
        iou={each: _value((by_class.get(each) or {}).get("iou")) for each in taxonomy.names},
    )


def _drops_background(protocol: str) -> bool:
    return protocol in PROTOCOLS and PROTOCOLS[protocol].drops_background


def _confusion(
    confusion: Sequence[Sequence[int]] | None, taxonomy: Taxonomy, uncounted: int | None
) -> str | None:
    if not confusion:
        return None
    return svg_uri(confusion_chart(confusion, taxonomy, uncounted=uncounted))


def _interval(value: object, ends: Sequence[object] | None) -> Interval:
    low, high = ends or (None, None)
    return Interval(_value(value), _value(low), _value(high))


def _value(value: object) -> float | None:
    return float(value) if is_number(value) else None
