"""The learning rate over the course of training: pure functions of the progress.

Each returns the factor of the peak learning rate, 0 to 1. `progress` is 0 at the first step and 1
at the end; `warmup` is the share of the training in which the rate rises linearly from zero, and
what follows is spread over the rest.
"""

import math
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from areoseg.recipes.schedules import SCHEDULE_SETTINGS
from areoseg.recipes.schedules import ScheduleSettings


def constant(progress: float, *, warmup: float = 0.0) -> float:
    """One rate throughout."""
    rise, _ = _warmed_up(progress, warmup)
    return rise


def exponential(progress: float, *, warmup: float = 0.0, end: float = 0.01) -> float:
    """The same factor in equal times: end^t."""
    rise, after = _warmed_up(progress, warmup)
    return rise * math.pow(end, after)


def polynomial(
    progress: float, *, warmup: float = 0.0, power: float = 0.9, end: float = 0.0
) -> float:
    """A power of what is left (Chen et al. 2018, DeepLab, arXiv 1606.00915).

    end + (1 - end) (1 - t)^power.
    """
    rise, after = _warmed_up(progress, warmup)
    return rise * (end + (1 - end) * math.pow(1 - after, power))


def cosine(progress: float, *, warmup: float = 0.0, end: float = 0.0) -> float:
    """Half a cosine down to `end` (Loshchilov and Hutter 2017, arXiv 1608.03983)."""
    rise, after = _warmed_up(progress, warmup)
    return rise * _half_cosine(1.0, end, after)


def one_cycle(
    progress: float, *, rise: float = 0.3, start: float = 0.04, end: float = 4e-6
) -> float:
    """Half a cosine from `start` up to 1, another down to `end`.

    Smith and Topin 2018, arXiv 1708.07120, with the cosines of fast.ai; the momentum stays as it
    is.
    """
    if progress < rise:
        return _half_cosine(start, 1.0, progress / rise)
    return _half_cosine(1.0, end, _share_of_rest(progress, rise))


def flat_cosine(
    progress: float, *, warmup: float = 0.0, flat: float = 0.75, end: float = 0.0
) -> float:
    """One rate for the share `flat`, then half a cosine down to `end` (Ranger's schedule)."""
    rise, after = _warmed_up(progress, warmup)
    return rise * (1.0 if after < flat else _half_cosine(1.0, end, _share_of_rest(after, flat)))


def plateau(
    progress: float,
    *,
    scores: Sequence[float],
    warmup: float = 0.0,
    factor: float = 0.5,
    patience: int = 3,
) -> float:
    """The rate falls whenever the validation score has stopped rising.

    The scores so far say how often it has fallen, so there is no state beside them, and a training
    that is resumed goes on as it would have.

    Args:
        progress: 0 at the first step, 1 at the end.
        scores: The score of each validation so far; NaN is never a better one.
        warmup: Share of the training in which the rate rises.
        factor: What the rate is multiplied by each time.
        patience: Validations without a better score before the rate falls.
    """
    best, stale, falls = -math.inf, 0, 0
    for score in scores:
        best, stale = (score, 0) if score > best else (best, stale + 1)
        if stale == patience:
            falls, stale = falls + 1, 0
    rise, _ = _warmed_up(progress, warmup)
    return rise * factor**falls


@dataclass(frozen=True)
class ScheduleRecord:
    """What the registry knows of a schedule.

    Attributes:
        name: What a recipe calls it.
        function: Takes the progress and keyword-only options; returns the factor of the peak rate.
        summary: One line on what it is.
        paper: Where it comes from.
        settings: The schema of its options, with their defaults.
        by_score: Whether the function also takes the validation `scores` so far.
    """

    name: str
    function: Callable[..., float]
    summary: str
    paper: str
    settings: type[ScheduleSettings]
    by_score: bool = False


_FUNCTIONS: dict[str, Callable[..., float]] = {
    "constant": constant,
    "exponential": exponential,
    "polynomial": polynomial,
    "cosine": cosine,
    "one-cycle": one_cycle,
    "flat-cosine": flat_cosine,
    "plateau": plateau,
}

SCHEDULES: dict[str, ScheduleRecord] = {
    name: ScheduleRecord(
        name,
        _FUNCTIONS[name],
        settings.summary,
        settings.paper,
        settings,
        by_score=name == "plateau",
    )
    for name, settings in SCHEDULE_SETTINGS.items()
}
"""Every schedule by name."""


def rate_factor(name: str, progress: float, scores: Sequence[float] = (), **options: Any) -> float:
    """The factor of the peak learning rate, 0 to 1.

    Args:
        name: One of `SCHEDULES`.
        progress: 0 at the first step, 1 at the end.
        scores: The score of each validation so far; most schedules do not look at them.
        options: The schedule's own.
    """
    record = SCHEDULES[name]
    if record.by_score:
        options["scores"] = scores
    return record.function(progress, **options)


def _warmed_up(progress: float, warmup: float) -> tuple[float, float]:
    """How far the warm-up has come, and how far what follows it has, each 0 to 1."""
    if progress < warmup:
        return progress / warmup, 0.0
    return 1.0, _share_of_rest(progress, warmup)


def _share_of_rest(progress: float, start: float) -> float:
    """How far the part from `start` to 1 has come, 0 to 1."""
    return (progress - start) / max(1 - start, 1e-12)


def _half_cosine(first: float, last: float, share: float) -> float:
    """From `first` to `last` by half a cosine."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))
