"""Charts of the pages as SVG text: of a run, a study and a search.

matplotlib is imported when the first chart is drawn, and never through pyplot, so that nothing
of it outlives a call.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from areoseg.report.formats import decimal
from areoseg.report.history import History
from areoseg.taxonomy import Taxonomy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect

ACCENT = "#b4532a"
INK = "#2c2723"
MUTED = "#7c7269"
GRID = "#ece6df"

_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, in the reader's own fonts
    "svg.hashsalt": "areoseg",  # the same run gives the same file
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # a class name may hold a dollar sign
    "text.color": INK,
    "axes.edgecolor": "#cfc6bc",
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.handlelength": 1.4,
}

_TERM_STYLES = (
    ("#54616e", "-"),
    ("#8d9a5b", "-"),
    ("#9c8aa5", "-"),
    ("#54616e", (0, (4, 2))),
    ("#8d9a5b", (0, (4, 2))),
    ("#9c8aa5", (0, (4, 2))),
)
"""Color and dash pattern of the loss terms, in order."""

Dashes = str | tuple[int, tuple[int, ...]]


Bins = Mapping[str, Sequence[float | None]]
"""Columns of a reliability curve, one value per bin."""


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        label: In the legend.
        values: One a validation; NaN leaves a gap.
        color: Of the line.
        dashes: As matplotlib's `linestyle`.
        width: Of the line, in points.
    """

    label: str
    values: Sequence[float]
    color: str = ACCENT
    dashes: Dashes = "-"
    width: float = 1.9


def loss_chart(history: History) -> str | None:
    """Plot the mean training loss per epoch: the total and, if there are several, its terms."""
    total = history.get("loss/total")
    terms = {
        name.removeprefix("loss/"): values
        for name, values in history.items()
        if name.startswith("loss/") and name != "loss/total"
    }
    lines = []
    if total is None or len(terms) > 1:
        for index, (name, values) in enumerate(terms.items()):
            color, dashes = _TERM_STYLES[index % len(_TERM_STYLES)]
            lines.append(Series(name, values, color, dashes, 1.4))
    if total is not None:
        lines.append(Series("total", total))
    return _line_chart(history, lines)


def score_chart(history: History, best_step: int | None = None) -> str | None:
    """Plot the validation score per epoch and mark the best."""
    scores = history.get("score", [])
    steps = history.get("step", [])
    if best_step is None or best_step not in steps:
        return _line_chart(history, [Series("validation score", scores)])
    return _line_chart(history, [Series("score", scores)], mark=steps.index(best_step))


def class_chart(history: History, taxonomy: Taxonomy) -> str | None:
    """Plot the validation IoU of each class per epoch; omit classes without values."""
    lines = [
        Series(name, history.get(f"iou/{name}", []), _hex(color))
        for name, color in zip(taxonomy.names, taxonomy.colors, strict=True)
    ]
    return _line_chart(history, lines, outlined=True)


def rate_chart(history: History) -> str | None:
    """Plot the learning rate after each epoch."""
    return _line_chart(history, [Series("learning rate", history.get("lr", []), MUTED)])


def confusion_chart(
    confusion: Sequence[Sequence[int]], taxonomy: Taxonomy, *, uncounted: int | None = None
) -> str:
    """Plot a confusion matrix, each row in percent of its true class.

    Args:
        confusion: C rows of C pixel counts; rows are the true class.
        taxonomy: The C classes.
        uncounted: The row that does not enter the score, drawn in gray; None: all rows enter.
    """
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    counts = np.asarray(confusion, dtype=np.float64)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    counted = LinearSegmentedColormap.from_list("counted", ["#fdfbf8", "#e3b391", ACCENT])
    gray = LinearSegmentedColormap.from_list("uncounted", ["#fbfaf9", "#d5d0cb", "#a49d96"])

    size = len(taxonomy)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(1.5 + 0.75 * size, 0.8 + 0.5 * size), layout="constrained")
        axes = figure.add_subplot()
        cells = np.stack(
            [(gray if row == uncounted else counted)(shares[row]) for row in range(size)]
        )
        axes.pcolormesh(cells, edgecolors="white", linewidth=2)
        axes.invert_yaxis()
        axes.grid(visible=False)
        for row, column in np.ndindex(size, size):
            share = shares[row, column]
            axes.text(
                column + 0.5,
                row + 0.5,
                _cell(float(share), float(counts[row, column])) if totals[row] else "–",
                ha="center",
                va="center",
                fontweight="bold" if row == column and totals[row] else "normal",
                color="white" if share > 0.6 and row != uncounted else INK,
            )
        _label_confusion(axes, taxonomy)
        return _svg(figure)


def _label_confusion(axes: "Axes", taxonomy: Taxonomy) -> None:
    centers = [index + 0.5 for index in range(len(taxonomy))]
    axes.set_xticks(centers, list(taxonomy.names), color=INK)
    axes.set_yticks(centers, list(taxonomy.names), color=INK)
    axes.set_xlabel("predicted", labelpad=8)
    axes.set_ylabel("true", labelpad=8)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _cell(share: float, pixels: float) -> str:
    if pixels == 0:
        return "0"
    return "<0.1" if share < 0.0005 else f"{share * 100:.1f}"


def reliability_chart(before: Bins, after: Bins) -> str:
    """Plot accuracy over confidence before and after calibration, with the ideal diagonal.

    Args:
        before: Columns `confidence`, `accuracy` and `share`, one value per bin; None if empty.
        after: The same of the calibrated network.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=GRID, linewidth=1.4)
        for label, columns, color in (("before", before, MUTED), ("after", after, ACCENT)):
            bins = zip(columns["confidence"], columns["accuracy"], columns["share"], strict=True)
            filled = [
                (confidence, accuracy, 4 + 300 * (share or 0))
                for confidence, accuracy, share in bins
                if confidence is not None and accuracy is not None
            ]
            x, y, areas = np.array(filled).reshape(-1, 3).T  # the area of a dot is its share
            axes.plot(x, y, color=color, label=label, linewidth=1.6)
            axes.scatter(x, y, s=areas, color=color, alpha=0.75, linewidths=0)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("confidence")
        axes.set_ylabel("share of right pixels")
        figure.legend(loc="outside upper left", ncols=2)
        return _svg(figure)


def trial_chart(complete: Mapping[int, float], pruned: Mapping[int, float]) -> str | None:
    """Plot the scores of the trials of a search, and the best score so far as a line.

    Args:
        complete: Score of each complete trial by its number.
        pruned: The last reported score of each pruned trial by its number.

    Returns:
        The chart, or None if there are no trials.
    """
    if not (complete or pruned):
        return None

    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 2.9), layout="constrained")
        axes = figure.add_subplot(xlabel="trial")
        if complete:
            numbers = sorted(complete)
            best = np.maximum.accumulate([complete[number] for number in numbers])
            end = max(*complete, *pruned, 0) + 0.5
            axes.step([*numbers, end], [*best, best[-1]], where="post", color=ACCENT)
        for trials, label, face, edge in (
            (complete, "complete", ACCENT, "white"),
            (pruned, "pruned", "white", MUTED),
        ):
            if trials:
                axes.scatter(
                    list(trials), list(trials.values()), s=40, c=face, edgecolors=edge, label=label,
                    zorder=3,
                )  # fmt: skip
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        figure.legend(loc="outside upper left", ncols=2)
        return _svg(figure)


@dataclass(frozen=True)
class Bar:
    """The scores of one row of a study.

    Attributes:
        label: Name of the row.
        scores: One per seed.
        interval: Ends of the interval of their mean, or None.
        verdict: The comparison with the first row; `better` and `worse` are colored.
    """

    label: str
    scores: Sequence[float]
    interval: tuple[float, float] | None
    verdict: str


_VERDICT_COLORS = {"better": "#b9c78d", "worse": "#e3b391"}


def bar_chart(bars: Sequence[Bar]) -> str | None:
    """Plot a bar from the mean of the first row to that of each row, with seeds and interval.

    The axis covers the seeds of all rows. It ignores the intervals, since the interval of two seeds
    can be wider than the range of scores.

    Returns:
        The chart, or None if no row has a score.
    """
    scores = [score for bar in bars for score in bar.scores]
    if not scores:
        return None

    import matplotlib
    from matplotlib.figure import Figure

    margin = max(0.01, 0.15 * (max(scores) - min(scores)))
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8.4, 0.7 + 0.34 * len(bars)), layout="constrained")
        axes = figure.add_subplot(xlabel="mean IoU")
        axes.set_xlim(max(0.0, min(scores) - margin), min(1.0, max(scores) + margin))
        axes.grid(axis="x")
        baseline = float(np.mean(bars[0].scores)) if bars[0].scores else None
        if baseline is not None:
            axes.axvline(baseline, color=MUTED, linewidth=1, linestyle=(0, (3, 2)))
        for row, bar in enumerate(bars):
            if not bar.scores:
                continue
            mean = float(np.mean(bar.scores))
            if baseline is not None:
                color = _VERDICT_COLORS.get(bar.verdict, "#dcd6cf")
                axes.barh(row, mean - baseline, left=baseline, height=0.6, color=color)
            if bar.interval is not None:
                axes.hlines(row, *bar.interval, color=INK, linewidth=1.2)
            axes.scatter(bar.scores, [row] * len(bar.scores), s=22, c=INK, alpha=0.45, linewidths=0)
            axes.plot([mean, mean], [row - 0.35, row + 0.35], color=ACCENT, linewidth=2.4)
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars], color=INK)
        axes.set_ylim(len(bars) - 0.5, -0.5)
        return _svg(figure)


def _line_chart(
    history: History, lines: Sequence[Series], *, mark: int | None = None, outlined: bool = False
) -> str | None:
    """Plot lines over epochs; return None if no line has a value.

    Args:
        history: Gives the epochs.
        lines: What to draw.
        mark: The validation to mark on the first line.
        outlined: Whether lines get a thin darker edge, which pale class colors need on white.
    """
    lines = [line for line in lines if any(math.isfinite(value) for value in line.values)]
    if not lines:
        return None

    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = history.get("epoch") or [index + 1.0 for index in range(len(lines[0].values))]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 2.9), layout="constrained")
        axes = figure.add_subplot()
        for line in lines:
            axes.plot(
                epochs,
                line.values,
                label=line.label,
                color=line.color,
                linestyle=line.dashes,
                linewidth=line.width,
                marker="o" if len(epochs) < 12 else None,
                markersize=3,
                path_effects=_edge(line) if outlined else None,
            )
        if mark is not None:
            _mark_best(axes, epochs[mark], lines[0].values[mark])
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(5))
        if len(lines) > 1:
            figure.legend(loc="outside upper left", ncols=5, columnspacing=1.2)
        return _svg(figure)


def _edge(line: Series) -> "list[AbstractPathEffect]":
    """Add a thin edge in a darker shade of the line color."""
    from matplotlib import patheffects
    from matplotlib.colors import to_rgb

    shade = tuple(0.72 * value for value in to_rgb(line.color))
    return [patheffects.withStroke(linewidth=line.width + 0.9, foreground=shade)]


def _mark_best(axes: "Axes", epoch: float, score: float) -> None:
    axes.plot([epoch], [score], "o", color=ACCENT, markersize=7, markeredgecolor="white")
    text = f"best: {decimal(score)} in epoch {epoch:.0f}"
    axes.text(0.98, 0.06, text, ha="right", transform=axes.transAxes)


def _svg(figure: "Figure") -> str:
    """Return the figure as SVG text without XML prologue, metadata and external URLs."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, metadata=nothing)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
