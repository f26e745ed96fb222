import pytest
from hypothesis import given
from hypothesis import strategies as st

from areoseg.optim.schedules import cosine
from areoseg.training.plan import Plan


def test_progress_runs_from_zero_to_one():
    plan = Plan.of(total=10, epoch_steps=3)
    assert [plan.progress(step) for step in (0, 5, 10)] == [0.0, 0.5, 1.0]
    assert [plan.epoch_end(step) for step in (0, 3, 9)] == [3, 6, 10]
    corrected = plan.corrected(6, 20, epoch_steps=5)
    assert [corrected.epoch_end(step) for step in (0, 6, 16)] == [3, 11, 20]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6))
def test_corrections_never_make_progress_jump_or_fall(totals):
    plan = Plan.of(total=totals[0], epoch_steps=7)
    step = 0
    for total in totals[1:]:
        step += 3
        before = plan.progress(step)
        plan = plan.corrected(step, total, epoch_steps=7)
        assert plan.progress(step) == pytest.approx(before)
    values = [plan.progress(s) for s in range(max(plan.total, step) + 2)]
    assert values == sorted(values)
    assert values[-1] == pytest.approx(1.0) or plan.total == step


def test_a_plan_survives_json():
    plan = Plan.of(total=90, epoch_steps=10).corrected(30, 70, epoch_steps=5)
    assert Plan.from_json(plan.to_json()) == plan


def test_the_cosine_warms_up_and_ends_at_zero():
    assert cosine(0.05, warmup=0.1) == pytest.approx(0.5)
    assert cosine(0.1, warmup=0.1) == pytest.approx(1.0)
    assert cosine(0.55, warmup=0.1) == pytest.approx(0.5)
    assert cosine(1.0, warmup=0.1) == pytest.approx(0.0)
    assert cosine(0.0, warmup=0.0) == 1.0
