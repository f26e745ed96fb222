"""Learning-rate schedules: pure functions of the progress of training.

    schedule: polynomial
    schedule: {name: flat-cosine, flat: 0.6}

Each returns the factor of the peak learning rate, 0 to 1. `progress` is 0 at the first step and 1
at the end; `warmup` is the fraction of training in which the rate rises linearly from zero, and the
schedule covers the rest of training.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from areoseg.utils.options import Count, Options, Positive, PositiveShare, Share
from areoseg.utils.registry import Registry


class ScheduleOptions(Options):
    """Options of every schedule."""

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of the schedule's function."""
        return self.model_dump(exclude={"name"})


SCHEDULES = Registry("schedule", ScheduleOptions, injected=("scores",))
"""The schedules by the name that recipes use."""

register_schedule = SCHEDULES.register
"""Register a function that maps the progress of training to the factor of the peak learning rate.

Its keyword-only parameters are its options, except `scores`, the validation scores so far, which
are filled in. It must be pure, so that a resumed training computes the same rates.
"""


@register_schedule("constant", summary="one rate throughout", paper="common practice")
def constant(progress: float, *, warmup: Share = 0.0) -> float:
    """Keep the learning rate constant.

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Fraction of training in which the rate rises from zero.
    """
    rise, _ = _warmed_up(progress, warmup)
    return rise


@register_schedule("exponential", summary="exponential decay", paper="common practice")
def exponential(progress: float, *, warmup: Share = 0.0, end: PositiveShare = 0.01) -> float:
    """Decay exponentially: end^t.

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Fraction of training in which the rate rises from zero.
        end: Ratio of the final rate to the peak.
    """
    rise, after = _warmed_up(progress, warmup)
    return rise * math.pow(end, after)


@register_schedule(
    "polynomial",
    summary="a power of the remaining share of training",
    paper="Chen et al. 2018, DeepLab, arXiv 1606.00915",
)
def polynomial(
    progress: float, *, warmup: Share = 0.0, power: Positive = 0.9, end: Share = 0.0
) -> float:
    """Decay polynomially: end + (1 - end) (1 - t)^power (Chen et al. 2018, arXiv 1606.00915).

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Fraction of training in which the rate rises from zero.
        power: The exponent.
        end: Ratio of the final rate to the peak.
    """
    rise, after = _warmed_up(progress, warmup)
    return rise * (end + (1 - end) * math.pow(1 - after, power))


@register_schedule(
    "cosine",
    summary="half a cosine after a warm-up",
    paper="Loshchilov and Hutter 2017, arXiv 1608.03983",
)
def cosine(progress: float, *, warmup: Share = 0.05, end: Share = 0.0) -> float:
    """Decay by half a cosine to `end` (Loshchilov and Hutter 2017, arXiv 1608.03983).

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Fraction of training in which the rate rises from zero.
        end: Ratio of the final rate to the peak.
    """
    rise, after = _warmed_up(progress, warmup)
    return rise * _half_cosine(1.0, end, after)


@register_schedule(
    "one-cycle",
    summary="up and down again, each by half a cosine",
    paper="Smith and Topin 2018, arXiv 1708.07120",
)
def one_cycle(
    progress: float, *, rise: Share = 0.3, start: Share = 0.04, end: Share = 4e-6
) -> float:
    """Rise from `start` to 1 by half a cosine, and fall to `end` by another.

    Smith and Topin 2018, arXiv 1708.07120, with the cosines of fast.ai; the momentum is constant.

    Args:
        progress: 0 at the first step, 1 at the end.
        rise: Fraction of training in which the rate rises.
        start: Ratio of the initial rate to the peak.
        end: Ratio of the final rate to the peak.
    """
    if progress < rise:
        return _half_cosine(start, 1.0, progress / rise)
    return _half_cosine(1.0, end, _share_of_rest(progress, rise))


@register_schedule(
    "flat-cosine",
    summary="one rate, then half a cosine",
    paper="Ranger, github.com/lessw2020/Ranger-Deep-Learning-Optimizer",
)
def flat_cosine(
    progress: float, *, warmup: Share = 0.0, flat: Share = 0.75, end: Share = 0.0
) -> float:
    """Keep the rate for the fraction `flat`, then decay by half a cosine (Ranger's schedule).

    Args:
        progress: 0 at the first step, 1 at the end.
        warmup: Fraction of training in which the rate rises from zero.
        flat: Fraction of training, after the warm-up, before the rate decays.
        end: Ratio of the final rate to the peak.
    """
    rise, after = _warmed_up(progress, warmup)
    return rise * (1.0 if after < flat else _half_cosine(1.0, end, _share_of_rest(after, flat)))


@register_schedule(
    "plateau",
    summary="decays when the validation score has stopped rising",
    paper="common practice",
)
def plateau(
    progress: float,
    *,
    scores: Sequence[float] = (),
    warmup: Share = 0.0,
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5,
    patience: Count = 3,
) -> float:
    """Multiply the rate by `factor` whenever the validation score has stopped rising.

    The number of reductions follows from the scores, so there is no other state, and a resumed
    training computes the same rates.

    Args:
        progress: 0 at the first step, 1 at the end.
        scores: The score of each validation so far; NaN never counts as an improvement.
        warmup: Fraction of training in which the rate rises from zero.
        factor: The factor of each reduction.
        patience: Number of validations without a better score before a reduction.
    """
    best, stale, reductions = -math.inf, 0, 0
    for score in scores:
        best, stale = (score, 0) if score > best else (best, stale + 1)
        if stale == patience:
            reductions, stale = reductions + 1, 0
    rise, _ = _warmed_up(progress, warmup)
    return rise * factor**reductions


def rate_factor(name: str, progress: float, scores: Sequence[float] = (), **options: Any) -> float:
    """Compute the factor of the peak learning rate, 0 to 1.

    Args:
        name: One of `SCHEDULES`.
        progress: 0 at the first step, 1 at the end.
        scores: The score of each validation so far, for schedules that depend on it.
        **options: The schedule's own options.
    """
    schedule = SCHEDULES.find(name)
    if "scores" in schedule.parameters:
        options["scores"] = scores
    return float(schedule.function(progress, **options))


def _warmed_up(progress: float, warmup: float) -> tuple[float, float]:
    """Return the factor of the warm-up, and the progress of the schedule after it."""
    if progress < warmup:
        return progress / warmup, 0.0
    return 1.0, _share_of_rest(progress, warmup)


def _share_of_rest(progress: float, start: float) -> float:
    """Return the progress from `start` (0) to 1 (1)."""
    return (progress - start) / max(1 - start, 1e-12)


def _half_cosine(first: float, last: float, share: float) -> float:
    """Interpolate from `first` to `last` by half a cosine."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))
