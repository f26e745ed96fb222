import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from areoseg.optim.schedules import (
    SCHEDULES,
    cosine,
    exponential,
    flat_cosine,
    one_cycle,
    plateau,
    polynomial,
    rate_factor,
)

STEPS = 50


def torch_rates(make, *, steps=STEPS):
    """The rates that a scheduler of PyTorch goes through, from a peak of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda t: polynomial(t, power=0.9),
            lambda o: lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=0.9),
        ),
        (
            lambda t: exponential(t, end=0.01),
            lambda o: lr_scheduler.ExponentialLR(o, gamma=0.01 ** (1 / STEPS)),
        ),
        (
            lambda t: cosine(t, warmup=0.0, end=0.1),
            lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.1),
        ),
    ],
    ids=["polynomial", "exponential", "cosine"],
)
def test_a_schedule_is_that_of_torch(ours, theirs):
    assert [ours(step / STEPS) for step in range(STEPS)] == pytest.approx(torch_rates(theirs))


def test_one_cycle_is_that_of_torch():
    # PyTorch counts the steps between the first and the last, and rises for one step less.
    rise = (0.3 * STEPS - 1) / (STEPS - 1)
    ours = [one_cycle(step / (STEPS - 1), rise=rise) for step in range(STEPS)]
    theirs = torch_rates(
        lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0, total_steps=STEPS, pct_start=0.3),
        steps=STEPS - 1,
    )
    assert ours[:-1] == pytest.approx(theirs)
    assert ours[-1] == pytest.approx(4e-6)


def test_flat_cosine_falls_in_the_last_quarter():
    assert [flat_cosine(t) for t in (0.0, 0.5, 0.74)] == [1.0, 1.0, 1.0]
    assert flat_cosine(0.875) == pytest.approx(0.5)
    assert flat_cosine(1.0, end=0.1) == pytest.approx(0.1)


@given(
    st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.3, math.nan]), max_size=30),
    st.integers(1, 4),
)
def test_plateau_is_that_of_torch(scores, patience):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    # PyTorch's patience is the number of bad epochs that are forgiven.
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.5, patience=patience - 1, threshold=0.0, eps=0.0
    )
    for score in scores:
        scheduler.step(score)
    ours = plateau(0.5, scores=scores, factor=0.5, patience=patience)
    assert ours == optimizer.param_groups[0]["lr"]


@given(st.sampled_from(sorted(SCHEDULES)), st.floats(0, 1), st.lists(st.floats(0, 1), max_size=9))
def test_every_schedule_stays_between_nothing_and_the_peak(name, progress, scores):
    options = SCHEDULES[name].options().options
    assert 0 <= rate_factor(name, progress, scores, **options) <= 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_any_share_of_warm_up_is_possible(progress, warmup):
    for name in set(SCHEDULES) - {"one-cycle"}:
        factor = rate_factor(name, progress, warmup=warmup)
        assert 0 <= factor <= 1
        if progress < warmup:
            assert factor == pytest.approx(progress / warmup)


@pytest.mark.parametrize("record", SCHEDULES.values(), ids=lambda record: record.name)
def test_options_are_those_of_the_function(record):
    progress = 0.9
    scores = {"scores": [0.3, 0.2, 0.2, 0.2]} if "scores" in record.parameters else {}
    options = record.options().options
    assert record.function(progress, **scores) == record.function(progress, **scores, **options)
    assert record.summary
    assert record.paper
