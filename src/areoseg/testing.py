"""Contracts of registered components, to test those of plugins.

Each function raises an `AssertionError` that says what a component does not do. Example of a test:

    import my_losses  # registers "soft-error"
    from areoseg.testing import check_loss

    def test_soft_error():
        check_loss("soft-error")
"""

import inspect
import io
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load, save
from torch import Tensor, nn

from areoseg.errors import AreosegError
from areoseg.losses import LOSSES, build_loss
from areoseg.models import create_model, record
from areoseg.optim import OPTIMIZERS, SCHEDULES, build_optimizer, rate_factor
from areoseg.taxonomy import VOID
from areoseg.transforms import TRANSFORMS, build_augmentation, parse_augment, rare_object_bank

MAX_SUMMARY = 60
"""Characters of a model's summary, so that `areoseg models` fits a terminal."""


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


def check_model(name: str, **options: Any) -> None:
    """Check that a registered model keeps the contract of all models.

    It maps images of any size, channels and classes to logits of that size; in training, auxiliary
    logits follow from fine to coarse, gradients reach every parameter, and a few steps lower the
    loss; in evaluation it is deterministic, treats the images of a batch independently, and works
    in channels-last format and half precision. It can be saved, loaded and exported by
    `torch.export`, and rejects images that do not fit with an `AreosegError`.

    Args:
        name: The name of the model.
        **options: Options that differ from their defaults, for example to make it small and the
            check fast.

    Raises:
        AssertionError: The model breaks the contract.
        AreosegError: There is no such model or option.

    Examples:
        >>> check_model("unet", widths=(4, 8))
    """
    known = record(name)
    assert 0 < len(known.summary) <= MAX_SUMMARY, f"the summary of {name!r} is empty or too long"
    assert "\n" not in known.summary, f"the summary of {name!r} is not one line"
    assert known.paper, f"model {name!r} names no source"
    assert inspect.getdoc(known.build), f"model {name!r} has no docstring"
    parameters = inspect.signature(known.build).parameters
    for option in parameters.values():
        assert option.kind is option.KEYWORD_ONLY, f"{option.name} of {name!r} is not keyword-only"
        assert option.default is not option.empty, f"{option.name} of {name!r} has no default"
    for option_name, default in (("in_channels", 1), ("classes", 5)):
        assert option_name in parameters, f"model {name!r} has no parameter {option_name}"
        assert parameters[option_name].default == default, (
            f"the default of {option_name} of {name!r} is not {default}"
        )

    def build(seed: int = 0, **others: Any) -> nn.Module:
        torch.manual_seed(seed)
        model = create_model(name, **options, **others)
        channels_last: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return channels_last

    with torch.random.fork_rng(devices=[]):
        for in_channels, classes in ((1, 5), (3, 2), (1, 7)):
            model = build(in_channels=in_channels, classes=classes)
            _check_sizes(name, model.eval(), in_channels, classes)
        _check_gradients(name, build)
        _check_auxiliary_logits(name, build().train())
        _check_learning(name, build().train())
        _check_evaluation(name, build().eval())
        _check_padding(name, build().eval())
        _check_saving(name, build)
        _check_export(name, perturbed(build()).eval())
        _check_wrong_images(name, build().eval())


def check_transform(name: str, **options: Any) -> None:
    """Check that a registered transform keeps the contract of all transforms.

    It changes the samples that it draws and no others, keeps labels exact, shapes, dtypes and
    finite gray values at any tile size, does not change its input, draws from the given generator
    alone, and as often whatever the pixels are.

    Args:
        name: The name of the transform.
        **options: Options of the transform that differ from their defaults.

    Raises:
        AssertionError: The transform breaks the contract.
        AreosegError: There is no such transform or option.

    Examples:
        >>> check_transform("gamma", limit=0.2)
    """
    transform = TRANSFORMS.find(name)
    _check_record(transform)
    labels = [0, 3, 6, 9, 12]  # an interpolated label would be none of them
    rock = np.zeros((1, 20, 20), np.uint8)
    rock[0, 5:12, 6:14] = labels[-1]
    bank = rare_object_bank(np.full((1, 20, 20), 200, np.uint8), rock, labels[-1])

    def batch(samples: int, height: int, width: int) -> tuple[Tensor, Tensor]:
        generator = torch.Generator().manual_seed(0)
        images = torch.rand(samples, 1, height, width, generator=generator)
        masks = torch.randint(0, len(labels), (samples, height, width), generator=generator)
        return images, torch.tensor(labels)[masks]

    def apply(
        images: Tensor, masks: Tensor, probability: float = 1.0, seed: int = 0
    ) -> tuple[Tensor, Tensor, Tensor]:
        value = {name: {**options, "probability": probability}, "rare_class": labels[-1]}
        generator = torch.Generator().manual_seed(seed)
        augment = build_augmentation(parse_augment(value), rare_bank=bank)
        return *augment(images, masks, generator), generator.get_state()

    for size in ((6, 32, 48), (1, 1, 1), (3, 7, 5), (5, 1, 9)):
        images, masks = batch(*size)
        copies = images.clone(), masks.clone()
        new_images, new_masks, _ = apply(images, masks)
        where = f"transform {name!r} of tiles {size[1:]}"
        assert torch.equal(images, copies[0]), f"{where} changes its input images in place"
        assert torch.equal(masks, copies[1]), f"{where} changes its input masks in place"
        assert new_images.shape == images.shape, f"{where} changes the shape of images"
        assert new_masks.shape == masks.shape, f"{where} changes the shape of masks"
        assert new_images.dtype == torch.float32, f"{where} returns {new_images.dtype} images"
        assert new_masks.dtype == torch.int64, f"{where} returns {new_masks.dtype} masks"
        assert new_images.isfinite().all(), f"{where} returns gray values that are not finite"
        assert -1e-6 <= new_images.min() <= new_images.max() <= 1 + 1e-6, f"{where} leaves 0 to 1"
        invented = set(new_masks.flatten().tolist()) - {*labels, VOID}
        assert not invented, f"{where} invents labels: {sorted(invented)}"

    images, masks = batch(200, 16, 20)
    state = torch.get_rng_state()
    first = apply(images, masks, probability=0.3)
    again = apply(images, masks, probability=0.3)
    assert torch.equal(torch.get_rng_state(), state), (
        f"transform {name!r} draws from the global generator"
    )
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True)), (
        f"transform {name!r} does not follow from its generator alone"
    )
    changed = (first[0] != images).flatten(1).any(1) | (first[1] != masks).flatten(1).any(1)
    assert 0 < changed.float().mean() < 0.45, (
        f"transform {name!r} of probability 0.3 changes {changed.float().mean():.0%} of the samples"
    )
    unchanged = apply(images, masks, probability=0.0)
    assert torch.equal(unchanged[0], images), f"transform {name!r} of probability 0 changes images"
    assert torch.equal(unchanged[1], masks), f"transform {name!r} of probability 0 changes masks"
    other = apply(torch.zeros_like(images), torch.full_like(masks, VOID), probability=0.3)
    assert torch.equal(first[2], other[2]), (
        f"the number of draws of transform {name!r} depends on the pixels"
    )


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


def random_images(*shape: int, seed: int = 1) -> Tensor:
    """Draw images of uniform gray values in 0..1."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def training_size(model: nn.Module) -> tuple[int, int]:
    """Return a small size that leaves more than one pixel at the coarsest level."""
    edge = max(32, 2 * _size_divisor(model))
    return edge, edge


def all_logits(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return the output of a model as a tuple: the logits, and auxiliary logits if there are."""
    return (output,) if isinstance(output, Tensor) else output


def perturbed(model: nn.Module) -> nn.Module:
    """Change all weights a little, so that none is still at an initial zero or one."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def _size_divisor(model: nn.Module) -> int:
    return int(getattr(model, "size_divisor", 1))


def _check_sizes(name: str, model: nn.Module, in_channels: int, classes: int) -> None:
    """Logits have the size of the images."""
    divisor = _size_divisor(model)
    for batch, height, width in ((2, 64, 128), (1, 65, 130), (1, 48, 200), (1, divisor, divisor)):
        images = random_images(batch, in_channels, height, width)
        with torch.no_grad():
            logits = model(images)
        what = f"model {name!r} of images {tuple(images.shape)}"
        assert isinstance(logits, Tensor), f"{what} does not return one tensor in evaluation"
        assert logits.shape == (batch, classes, height, width), (
            f"{what} returns logits {tuple(logits.shape)}: use `pad_to_multiple` and `crop_like`"
        )
        assert logits.isfinite().all(), f"{what} returns logits that are not finite"


def _check_gradients(name: str, build: Callable[..., nn.Module]) -> None:
    """The gradient reaches every parameter, in batches of one and more."""
    for batch in (1, 3):
        unreached = {path for path, _ in build().named_parameters()}
        for seed in range(5):  # in a small model, all ReLUs of a layer may be off by chance
            model = perturbed(build(seed)).train()
            images = random_images(batch, 1, *training_size(model), seed=seed)
            losses = [
                (logits * torch.randn_like(logits)).sum() for logits in all_logits(model(images))
            ]
            torch.autograd.backward(torch.stack(losses).sum())
            for path, parameter in model.named_parameters():
                assert parameter.grad is not None, f"model {name!r} does not use {path}"
                assert parameter.grad.isfinite().all(), f"gradient of {path} of {name!r} not finite"
                if parameter.grad.abs().max() > 0:
                    unreached.discard(path)
        assert not unreached, f"model {name!r}: no gradient reaches {sorted(unreached)}"


def _check_auxiliary_logits(name: str, model: nn.Module) -> None:
    """In training, auxiliary logits follow the logits from fine to coarse."""
    height, width = training_size(model)
    expected = len(getattr(model, "auxiliary_weights", ()))
    for images in (random_images(2, 1, height, width), random_images(2, 1, height + 1, width + 6)):
        logits, *auxiliary = all_logits(model(images))
        assert logits.shape == (2, 5, *images.shape[-2:]), f"model {name!r}: logits come first"
        assert len(auxiliary) == expected, (
            f"model {name!r} returns {len(auxiliary)} auxiliary logits, but has {expected}"
            " `auxiliary_weights`"
        )
        for finer, coarser in pairwise((logits, *auxiliary)):
            assert coarser.shape[:2] == (2, 5), f"model {name!r}: auxiliary {tuple(coarser.shape)}"
            smaller = coarser.shape[-2] < finer.shape[-2] and coarser.shape[-1] < finer.shape[-1]
            assert smaller, f"model {name!r}: auxiliary logits do not go from fine to coarse"


def _check_learning(name: str, model: nn.Module) -> None:
    """A few steps on one batch lower the loss."""
    images = F.avg_pool2d(random_images(4, 1, *training_size(model)), 5, stride=1, padding=2)
    images = (images - images.mean()) / images.std()
    targets = torch.bucketize(images[:, 0], torch.tensor([-1.0, -0.3, 0.3, 1.0]))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(25):
        loss = F.cross_entropy(all_logits(model(images))[0], targets)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-3:]) < 0.9 * losses[0], f"model {name!r} does not learn one batch"


@torch.no_grad()
def _check_evaluation(name: str, model: nn.Module) -> None:
    """Logits depend on the image alone, and hardly on memory format and precision."""
    images = random_images(3, 1, *training_size(model))
    logits = model(images)
    assert (logits[0] - logits[1]).abs().max() > 1e-3, f"model {name!r} ignores the image"
    assert torch.equal(model(images), logits), f"model {name!r} is random in evaluation"
    _check_close(
        model(images[1:2]), logits[1:2], 1e-4, 1e-3, f"model {name!r} mixes the images of a batch"
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = model(images).float()
    assert (rounded - logits).abs().mean() < 0.1 * logits.abs().mean(), (
        f"model {name!r} is inaccurate in bfloat16"
    )
    channels_last = model(images.contiguous(memory_format=torch.channels_last))
    contiguous = model.to(memory_format=torch.contiguous_format)(images)  # type: ignore[call-overload]
    _check_close(
        channels_last, contiguous, 1e-4, 1e-4, f"model {name!r} depends on the memory format"
    )


@torch.no_grad()
def _check_padding(name: str, model: nn.Module) -> None:
    """Images are padded by repeating the last row and column."""
    divisor = _size_divisor(model)
    if divisor == 1:
        return
    rows, columns = divisor - 1, divisor // 2
    whole = random_images(1, 1, *training_size(model))
    whole[..., -rows:, :] = whole[..., -rows - 1, None, :]
    whole[..., -columns:] = whole[..., -columns - 1, None]
    _check_close(
        model(whole[..., :-rows, :-columns]),
        model(whole)[..., :-rows, :-columns],
        1e-5,
        1e-4,
        f"model {name!r} does not pad by repeating the last row and column: use `pad_to_multiple`",
    )


@torch.no_grad()
def _check_saving(name: str, build: Callable[..., nn.Module]) -> None:
    """Weights survive the safetensors format."""
    model, restored = perturbed(build()).eval(), build(7).eval()
    images = random_images(1, 1, *training_size(model))
    expected = model(images)
    assert not torch.equal(restored(images), expected), f"model {name!r} ignores the seed"
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    restored.load_state_dict(load(save(weights)))
    assert torch.equal(restored(images), expected), (
        f"model {name!r} changes when its weights are saved and loaded"
    )


@torch.no_grad()
def _check_export(name: str, model: nn.Module) -> None:
    """`torch.export` follows the model, for batches of other lengths too."""
    images = random_images(2, 1, *training_size(model))
    shapes = ({0: torch.export.Dim("batch", min=1, max=64)},)
    program = torch.export.export(model, (images,), dynamic_shapes=shapes).module()
    for batch in (images, random_images(3, *images.shape[1:])):
        _check_close(
            program(batch), model(batch), 1e-5, 1e-4, f"model {name!r} differs when it is exported"
        )


def _check_wrong_images(name: str, model: nn.Module) -> None:
    """Images that do not fit are an `AreosegError` that says what would fit."""
    divisor = _size_divisor(model)
    cases = [((64, 128), "(64, 128)"), ((1, 3, 64, 128), "in_channels=3")]
    if divisor > 1:
        cases.append(((1, 1, divisor - 1, divisor + 5), f"pad them to {divisor}x{divisor + 5}"))
    for shape, hint in cases:
        try:
            model(random_images(*shape))
            message = None
        except AreosegError as error:
            message = str(error)
        except Exception as error:
            raise AssertionError(
                f"model {name!r} raises {type(error).__name__} for images {shape}:"
                " use `pad_to_multiple`, which checks them"
            ) from error
        assert message is not None, (
            f"model {name!r} accepts images {shape}: use `pad_to_multiple`, which checks them"
        )
        assert hint in message, f"model {name!r}: the error for images {shape} lacks {hint!r}"


def _check_close(
    actual: Tensor, expected: Tensor, absolute: float, relative: float, message: str
) -> None:
    torch.testing.assert_close(
        actual, expected, atol=absolute, rtol=relative, msg=lambda details: f"{message}: {details}"
    )
