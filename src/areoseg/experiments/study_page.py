"""The table of a study as one HTML file, with a bar and an interval for each row."""

import math
from dataclasses import dataclass
from typing import Any

import yaml

from areoseg import __version__
from areoseg.data.split import SPLITS
from areoseg.experiments.statistics import SIGNIFICANCE
from areoseg.experiments.study import Study
from areoseg.experiments.table import Table, TableRow, TableSection
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.report.environment import page_environment

WIDTH = 200
"""Width of a chart, in SVG units."""


@dataclass(frozen=True)
class Axis:
    """The range of scores in the charts of a section.

    Attributes:
        low: Score at the left edge.
        high: Score at the right edge.
    """

    low: float
    high: float

    def position(self, score: float) -> float:
        """Return the position of a score, clipped to 0 to `WIDTH`."""
        share = (score - self.low) / (self.high - self.low)
        return round(WIDTH * min(1.0, max(0.0, share)), 2)


@dataclass(frozen=True)
class Bar:
    """The chart of one row: a bar from the mean of the baseline to the mean of the row.

    Attributes:
        baseline: Position of the mean of the section's first row, or None.
        mean: Position of the row's mean.
        interval: Positions of the ends of its 95 % interval, or None.
        seeds: Position of each seed's score.
    """

    baseline: float | None
    mean: float
    interval: tuple[float, float] | None
    seeds: tuple[float, ...]


def study_page(table: Table, study: Study) -> str:
    """Return the page as a self-contained HTML file."""
    page = page_environment().get_template("study.html.j2")
    return page.render(
        table=table,
        sections=[_section(section) for section in table.sections],
        splits=SPLITS,
        protocols=list(PROTOCOLS),
        significance=SIGNIFICANCE,
        study_text=_study_text(study),
        version=__version__,
        width=WIDTH,
    )


def section_axis(section: TableSection) -> Axis:
    """Return an axis that covers the scores of all seeds of a section, with rounded ends.

    Intervals are ignored, since the interval of two seeds can be wider than the range of scores.
    """
    values = [value for row in section.rows for value in row.score.values]
    if not values:
        return Axis(0.0, 1.0)
    margin = max(0.01, 0.15 * (max(values) - min(values)))
    low, high = min(values) - margin, max(values) + margin
    return Axis(max(0.0, math.floor(100 * low) / 100), min(1.0, math.ceil(100 * high) / 100))


def row_bar(row: TableRow, baseline: TableRow, axis: Axis) -> Bar | None:
    """Return the chart of a row, or None if the row has no score."""
    score = row.score
    if score.mean is None:
        return None
    ends = score.interval
    middle = baseline.score.mean
    return Bar(
        baseline=None if middle is None else axis.position(middle),
        mean=axis.position(score.mean),
        interval=None if ends is None else (axis.position(ends[0]), axis.position(ends[1])),
        seeds=tuple(axis.position(value) for value in score.values),
    )


def _section(section: TableSection) -> dict[str, Any]:
    axis = section_axis(section)
    return {
        "name": section.name,
        "summary": section.summary,
        "findings": section.findings(),
        "axis": axis,
        "rows": [(row, row_bar(row, section.rows[0], axis)) for row in section.rows],
        "classes": next((list(row.iou) for row in section.rows if row.iou), []),
    }


def _study_text(study: Study) -> str:
    content = study.content.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
