"""Contracts of registered components, to test those of plugins.

Each function raises an `AssertionError` that says what a component does not do. Example of a test:

    import my_losses  # registers "soft-error"
    from areoseg.testing import check_loss

    def test_soft_error():
        check_loss("soft-error")
"""

import io
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch import nn

from areoseg.errors import AreosegError
from areoseg.losses import LOSSES
from areoseg.losses import build_loss
from areoseg.optim import OPTIMIZERS
from areoseg.optim import SCHEDULES
from areoseg.optim import build_optimizer
from areoseg.optim import rate_factor
from areoseg.taxonomy import VOID


def check_loss(name: str, *, classes: int = 5, **options: Any) -> None:
    """Check that a registered loss keeps the contract of all losses.

    It is a finite float32 scalar with the right gradient, void pixels do not count, the order of
    images does not matter, the true classes cost less than others, and saturated logits, half
    precision, absent classes and all-void batches are handled.

    Args:
        name: The name of the loss.
        classes: The number of classes to test with.
        **options: Options of the loss that differ from their defaults.

    Raises:
        AssertionError: The loss breaks the contract.
        AreosegError: There is no such loss or option.
    """
    _check_record(LOSSES.find(name))
    weights = torch.linspace(0.5, 2.0, classes)
    loss = build_loss({name: options}, class_weights=weights, classes=classes, background=0)

    def compute(logits: Tensor, targets: Tensor) -> Tensor:
        total: Tensor = loss(logits, targets)[0]
        return total

    logits, targets = _batch(classes)
    value = compute(logits, targets)
    assert value.shape == (), f"loss {name!r} is not a scalar, but of the shape {value.shape}"
    assert value.isfinite(), f"loss {name!r} is {value}"
    assert torch.autograd.gradcheck(
        lambda z: compute(z, targets),
        logits.double().requires_grad_(),
        atol=1e-5,
        raise_exception=False,
    ), f"loss {name!r} has a wrong gradient"
    _check_void(name, compute, logits, targets)
    order = torch.arange(len(logits)).flip(0)
    assert torch.isclose(compute(logits[order], targets[order]), value, rtol=1e-4, atol=1e-6), (
        f"loss {name!r} depends on the order of the images"
    )
    for dtype in (torch.float16, torch.bfloat16):
        assert compute(logits.to(dtype), targets).dtype == torch.float32, (
            f"loss {name!r} of {dtype} logits is not computed in float32: use `prepare`"
        )
    labels = targets.where(targets != VOID, 0)
    right = F.one_hot(labels, classes).movedim(-1, 1).float()
    assert compute(20 * right, labels) < compute(20 * right.roll(1, dims=1), labels), (
        f"loss {name!r} of the true classes is not below that of wrong ones"
    )
    for case, extreme in (("right", 1e4 * right), ("wrong", 1e4 * right.roll(1, dims=1))):
        _check_finite(f"loss {name!r} of saturated {case} logits", compute, extreme, targets)
    for label in range(classes):
        single = torch.full_like(targets, label)
        _check_finite(f"loss {name!r} of a batch of class {label} alone", compute, logits, single)
    for case, wrong in (
        ("targets of another size", (logits, targets[:, 1:])),
        ("int32 targets", (logits, targets.int())),
        ("labels beyond the classes", (logits, torch.full_like(targets, classes))),
    ):
        try:
            compute(*wrong)
        except AreosegError:
            continue
        raise AssertionError(f"loss {name!r} accepts {case}: use `prepare`, which checks a batch")


def check_optimizer(name: str) -> None:
    """Check that a registered optimizer trains, respects frozen weights, and can be resumed.

    Args:
        name: The name of the optimizer.

    Raises:
        AssertionError: The optimizer breaks the contract.
        AreosegError: There is no such optimizer.
    """
    _check_record(OPTIMIZERS.find(name))

    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 1))

    def error(model: nn.Module, step: int) -> Tensor:
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        predicted: Tensor = model(inputs).squeeze(1)
        return (predicted - inputs.sum(dim=1)).square().mean()

    def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for step in steps:
            optimizer.zero_grad()
            torch.autograd.backward(error(model, step))
            optimizer.step()

    with torch.random.fork_rng(devices=[]):
        model = network()
        before = error(model, 100)
        train(model, build_optimizer(name, model, lr=0.01), range(60))
        assert error(model, 100) < 0.9 * before, f"optimizer {name!r} does not lower a loss"
        model = network()
        next(model.parameters()).requires_grad_(False)
        frozen = next(model.parameters()).clone()
        train(model, build_optimizer(name, model), range(3))
        assert torch.equal(frozen, next(model.parameters())), (
            f"optimizer {name!r} changes weights that are frozen"
        )
        whole, resumed = network(), network()
        train(whole, build_optimizer(name, whole), range(14))
        optimizer = build_optimizer(name, resumed)
        train(resumed, optimizer, range(8))
        file = io.BytesIO()
        torch.save(optimizer.state_dict(), file)
        file.seek(0)
        optimizer = build_optimizer(name, resumed)
        optimizer.load_state_dict(torch.load(file, weights_only=True))
        train(resumed, optimizer, range(8, 14))
    pairs = zip(whole.parameters(), resumed.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs), (
        f"optimizer {name!r}, resumed from its state, takes other steps"
    )


def check_schedule(name: str, **options: Any) -> None:
    """Check that a registered schedule is a pure function of the progress, with values in 0 to 1.

    Args:
        name: The name of the schedule.
        **options: Options of the schedule that differ from their defaults.

    Raises:
        AssertionError: The schedule breaks the contract.
        AreosegError: There is no such schedule.
    """
    schedule = SCHEDULES.find(name)
    _check_record(schedule)
    chosen = schedule.options(**options).model_dump(exclude={"name"})
    times = [step / 50 for step in range(51)]
    for scores in ((), (0.1, 0.3, 0.2, 0.2, float("nan"), 0.2)):
        rates = [rate_factor(name, time, scores, **chosen) for time in times]
        wrong = [time for time, rate in zip(times, rates, strict=True) if not 0 <= rate <= 1]
        assert not wrong, f"schedule {name!r} leaves 0 to 1 at the progress {wrong[0]}"
        again = [rate_factor(name, time, scores, **chosen) for time in reversed(times)]
        assert rates == again[::-1], f"schedule {name!r} is not a pure function of the progress"


def _check_record(component: Any) -> None:
    """A component has a summary, and options that survive being written and read."""
    assert component.summary, f"{component.name!r} has no summary"
    assert "\n" not in component.summary, f"the summary of {component.name!r} is not one line"
    defaults = component.options()
    assert component.options.model_validate(defaults.model_dump(mode="json")) == defaults, (
        f"the options of {component.name!r} change when they are written and read"
    )


def _batch(classes: int) -> tuple[Tensor, Tensor]:
    """Logits (3, C, 6, 7) and targets with all classes and some void pixels."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(3, classes, 6, 7, generator=generator)
    targets = torch.randint(0, classes, (3, 6, 7), generator=generator)
    targets[torch.rand(targets.shape, generator=generator) < 0.15] = VOID
    targets.view(-1)[:classes] = torch.arange(classes)
    return logits, targets


def _check_void(
    name: str, compute: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor
) -> None:
    """Void pixels do not count; without other pixels loss and gradient are zero."""
    inputs = logits.clone().requires_grad_()
    value = compute(inputs, torch.full_like(targets, VOID))
    torch.autograd.backward(value)
    assert value == 0, f"loss {name!r} of void pixels alone is {value.item()}, not 0"
    assert inputs.grad is not None
    assert (inputs.grad == 0).all(), f"loss {name!r} of void pixels alone has a gradient"
    other = logits.masked_fill((targets == VOID).unsqueeze(1), 7.0)
    other[:, 0] += 3 * (targets == VOID)
    assert torch.isclose(compute(other, targets), compute(logits, targets)), (
        f"loss {name!r} depends on the logits of void pixels"
    )


def _check_finite(
    what: str, compute: Callable[[Tensor, Tensor], Tensor], logits: Tensor, targets: Tensor
) -> None:
    """Value and gradient are finite."""
    inputs = logits.clone().requires_grad_()
    value = compute(inputs, targets)
    torch.autograd.backward(value)
    assert value.isfinite(), f"{what} is {value.item()}"
    assert inputs.grad is not None
    assert inputs.grad.isfinite().all(), f"{what} has a gradient that is not finite"
