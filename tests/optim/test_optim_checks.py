"""`areoseg.testing` passes every optimizer and schedule, and finds what is wrong with others."""

import pytest
import torch

from areoseg.optim import OPTIMIZERS, SCHEDULES, register_optimizer, register_schedule
from areoseg.recipes import load_recipe
from areoseg.testing import check_optimizer, check_schedule


@pytest.fixture(autouse=True)
def temporary_components(monkeypatch):
    for registry in (OPTIMIZERS, SCHEDULES):
        monkeypatch.setattr(registry, "_components", dict(registry._components))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_passes(name):
    check_optimizer(name)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_passes(name):
    check_schedule(name)


def test_a_new_schedule_and_a_new_optimizer_can_be_used_in_a_recipe():
    @register_schedule("step", summary="falls once")
    def step(progress, *, at: float = 0.5, factor: float = 0.1):
        return 1.0 if progress < at else factor

    @register_optimizer("rmsprop", summary="RMSprop")
    def rmsprop(groups, *, lr: float = 1e-3, weight_decay: float = 0.0, alpha: float = 0.99):
        return torch.optim.RMSprop(groups, lr=lr, weight_decay=weight_decay, alpha=alpha)

    check_schedule("step", at=0.2)
    check_optimizer("rmsprop")
    recipe = load_recipe("unet", ["optimizer=rmsprop", "schedule={name: step, at: 0.3}"])
    assert recipe.optimizer.options == {"alpha": 0.99}
    assert recipe.schedule.options == {"at": 0.3, "factor": 0.1}


def test_a_schedule_above_one_or_with_a_state_is_found():
    register_schedule("broken", summary="broken")(lambda progress: 1 + progress)
    with pytest.raises(AssertionError, match=r"leaves 0 to 1 at the progress 0\.02"):
        check_schedule("broken")
    calls = []
    register_schedule("broken", summary="broken")(
        lambda progress: 1 / (1 + len(calls) + (calls.append(progress) or 0))
    )
    with pytest.raises(AssertionError, match="not a pure function"):
        check_schedule("broken")


def test_an_optimizer_that_does_nothing_is_found():
    @register_optimizer("idle", summary="idle")
    def idle(groups, *, lr: float = 1.0, weight_decay: float = 0.0):
        return torch.optim.SGD(groups, lr=0.0)

    with pytest.raises(AssertionError, match="does not lower a loss"):
        check_optimizer("idle")
