import time

import pytest

from areoseg.errors import AreosegError
from areoseg.training.plan import Budget, Plan, measure_seconds, parse_budget


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("1h30m", 5400), ("0.5h", 1800)]
)
def test_budgets_are_read(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["15", "15min", "", "m15", "0s", "-3m", "1h 3m"])
def test_what_is_no_budget_is_refused(text):
    with pytest.raises(AreosegError, match="15m"):
        parse_budget(text)


def test_the_first_plan_fills_the_time_validations_included():
    budget = Budget(1000.0, started=time.monotonic())
    plan = budget.first_plan(step_seconds=1.0, validation_seconds=10.0, pass_steps=50)
    validations = -(-plan.total // plan.epoch_end(0))
    assert plan.total + 10 * validations == pytest.approx(990, rel=0.05)
    assert 50 <= plan.epoch_end(0) <= 60


def test_slow_validation_is_done_less_often():
    budget = Budget(300.0, started=time.monotonic())
    plan = budget.first_plan(step_seconds=5.0, validation_seconds=18.0, pass_steps=58)
    validations = -(-plan.total // plan.epoch_end(0))
    assert 18 * validations <= 0.2 * 300
    assert 5 * plan.total + 18 * validations <= 300


def test_a_short_budget_still_gives_one_step():
    budget = Budget(1.0, started=time.monotonic() - 5)
    plan = budget.first_plan(step_seconds=1.0, validation_seconds=1.0, pass_steps=50)
    assert (plan.total, plan.epoch_end(0)) == (1, 1)


def test_the_plan_is_corrected_when_the_pace_is_off():
    budget = Budget(100.0, started=time.monotonic() - 49.0)
    plan = Plan.of(total=100, epoch_steps=10)
    assert budget.corrected(plan, 50, seconds_per_step=1.0, pass_steps=30) == plan
    slower = budget.corrected(plan, 50, seconds_per_step=2.0, pass_steps=30)
    assert slower.total in (74, 75)
    assert (slower.corrections[-1].step, slower.corrections[-1].epoch_steps) == (50, 10)


def test_measuring_leaves_out_the_first_call():
    calls = []

    def work(number):
        calls.append(number)
        time.sleep(0.2 if number == 0 else 0.001)

    assert measure_seconds(work, at_most=0.0) < 0.1
    assert calls == [0, 1]
