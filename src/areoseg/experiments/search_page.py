"""The page of a search as one HTML file: history, importance of each value, best trials."""

import math
from dataclasses import dataclass

import yaml

from areoseg import __version__
from areoseg.experiments.search_results import MIN_TRIALS, Search, TrialRecord
from areoseg.experiments.trial import SearchContext
from areoseg.report.environment import page_environment
from areoseg.report.formats import decimal, duration

WIDTH, HEIGHT = 900.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 40.0
"""Size and margins of the chart, in SVG units."""

SHOWN = 10
"""Number of trials in the table of best trials."""


@dataclass(frozen=True)
class Dot:
    """One trial in the chart.

    Attributes:
        x: Position.
        y: Position, downwards.
        state: Of the trial.
        title: Tooltip.
    """

    x: float
    y: float
    state: str
    title: str


@dataclass(frozen=True)
class HistoryChart:
    """Scores over the number of the trial.

    Attributes:
        dots: One per trial.
        best: Points of the line of the best score so far, in SVG notation.
        scores: Ticks of the y axis: position and label.
        numbers: Ticks of the x axis: position and label.
    """

    dots: tuple[Dot, ...]
    best: str
    scores: tuple[tuple[float, str], ...]
    numbers: tuple[tuple[float, str], ...]


def search_page(search: Search, context: SearchContext, command: str) -> str:
    """Return the page as a self-contained HTML file.

    Args:
        search: Results of the search.
        context: Recipe, space and data.
        command: The command that trains the best recipe.
    """
    space = context.recipe.space
    return (
        page_environment()
        .get_template("search.html.j2")
        .render(
            name=search.out.resolve().name,
            recipe=context.recipe,
            search=search,
            names=list(space.entries),
            space={name: str(entry) for name, entry in space.entries.items()},
            chart=history_chart(search.trials),
            size=(WIDTH, HEIGHT),
            frame=(LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM),
            shown=SHOWN,
            min_trials=MIN_TRIALS,
            seconds=context.seconds,
            source=context.runner.source,
            command=command,
            base_text=yaml.safe_dump(yaml.safe_load(context.recipe.text), sort_keys=False),
            version=__version__,
        )
    )


def history_chart(trials: tuple[TrialRecord, ...]) -> HistoryChart | None:
    """Return the chart of all trials with a score, or None if there are none."""
    scored = [(trial, trial.score) for trial in trials if trial.score is not None]
    if not scored:
        return None
    last = max(trial.number for trial, _ in scored)
    ticks = round_ticks(min(score for _, score in scored), max(score for _, score in scored))
    low, high = ticks[0], ticks[-1]

    def across(number: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (number + 0.5) / (last + 1), 1)

    def down(score: float) -> float:
        share = (score - low) / (high - low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    steps = max(1, math.ceil((last + 1) / 12))
    return HistoryChart(
        dots=tuple(
            Dot(across(trial.number), down(score), trial.state, _title(trial))
            for trial, score in scored
            if trial.state in ("complete", "pruned")
        ),
        best=" ".join(
            f"{across(number)},{down(score)}" for number, score in _best_so_far(trials, last)
        ),
        scores=tuple((down(tick), decimal(tick, 3)) for tick in ticks),
        numbers=tuple((across(number), str(number)) for number in range(0, last + 1, steps)),
    )


def round_ticks(low: float, high: float) -> list[float]:
    """Return three to seven round values that cover `low` to `high`."""
    spread = max(high - low, 0.004)
    size = 10 ** math.floor(math.log10(spread))
    step = next(size * factor for factor in (0.2, 0.5, 1, 2) if spread / (size * factor) <= 5)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _best_so_far(trials: tuple[TrialRecord, ...], last: int) -> list[tuple[float, float]]:
    """Return the corners of the step line of the best score, as (trial number, score)."""
    corners: list[tuple[float, float]] = []
    best = -math.inf
    for trial in trials:
        if trial.state == "complete" and trial.score is not None and trial.score > best:
            corners += [(trial.number, best)] if corners else []
            best = trial.score
            corners.append((trial.number, best))
    return [*corners, (last + 0.5, best)] if corners else []


def _title(trial: TrialRecord) -> str:
    values = "".join(f"\n{name}: {text}" for name, text in trial.shown.items())
    return (
        f"trial {trial.number}, {trial.state}: {decimal(trial.score, 4)},"
        f" {duration(trial.seconds)}{values}"
    )
