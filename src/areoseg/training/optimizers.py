"""The optimizers by name, with weight decay where it belongs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch import nn
from torch import optim

from areoseg.errors import AreosegError
from areoseg.recipes.optimizers import OPTIMIZER_SETTINGS
from areoseg.recipes.optimizers import OptimizerSettings

Groups = list[dict[str, Any]]


def _sgd(groups: Groups, *, momentum: float, nesterov: bool, **options: Any) -> optim.Optimizer:
    # Without momentum there is nowhere to look ahead to, and PyTorch refuses the pair.
    return optim.SGD(groups, momentum=momentum, nesterov=nesterov and momentum > 0, **options)


def _lion(groups: Groups, **options: Any) -> optim.Optimizer:
    from pytorch_optimizer import Lion  # half a second that other optimizers need not wait for

    return Lion(groups, **options)


def _ranger(groups: Groups, **options: Any) -> optim.Optimizer:
    from pytorch_optimizer import Ranger

    # Where the variance of the first steps is not known yet, RAdam steps along the plain
    # momentum. Without this flag the library steps the other way, up the gradient.
    return Ranger(groups, degenerated_to_sgd=True, **options)


@dataclass(frozen=True)
class OptimizerRecord:
    """What the registry knows of an optimizer.

    Attributes:
        name: What a recipe calls it.
        build: Takes parameter groups, `lr` and the optimizer's own options.
        summary: One line on what it is.
        paper: Where it comes from.
        settings: The schema of its options, with their defaults.
    """

    name: str
    build: Callable[..., optim.Optimizer]
    summary: str
    paper: str
    settings: type[OptimizerSettings]

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of `lr`, `weight_decay` and each of its own options."""
        settings = self.settings.model_validate({"name": self.name})
        return {
            "lr": settings.lr,
            "weight_decay": settings.weight_decay,
            **settings.options,
        }


_BUILD: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "lion": _lion,
    "ranger": _ranger,
}

OPTIMIZERS: dict[str, OptimizerRecord] = {
    name: OptimizerRecord(name, _BUILD[name], settings.summary, settings.paper, settings)
    for name, settings in OPTIMIZER_SETTINGS.items()
}
"""Every optimizer by name."""


def build_optimizer(
    name: str, model: nn.Module, *, decay_all: bool = False, **options: Any
) -> optim.Optimizer:
    """An optimizer over the parameters of `model` that are trained.

    Args:
        name: One of `OPTIMIZERS`.
        model: What is trained.
        decay_all: Apply weight decay to normalization and bias too.
        options: `lr`, `weight_decay` and the optimizer's own; what is not given has the default of
            `OPTIMIZERS[name].defaults`.

    Raises:
        AreosegError: There is no such optimizer, or it has no such option.
    """
    if name not in OPTIMIZERS:
        raise AreosegError(f"optimizer {name!r}: no such optimizer: use {', '.join(OPTIMIZERS)}")
    record = OPTIMIZERS[name]
    unknown = sorted(set(options) - set(record.defaults))
    if unknown:
        raise AreosegError(
            f"optimizer {name!r}: no option {unknown[0]!r}: use {', '.join(record.defaults)}"
        )
    chosen = {**record.defaults, **options}
    groups = decay_groups(model, chosen.pop("weight_decay"), decay_all=decay_all)
    return record.build(groups, **chosen)


def decay_groups(model: nn.Module, weight_decay: float, *, decay_all: bool = False) -> Groups:
    """Two parameter groups: weights decay; normalization and bias, which are vectors, do not.

    Args:
        model: What is trained.
        weight_decay: The decay of those that do.
        decay_all: Let normalization and bias decay too.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    vector_decay = weight_decay if decay_all else 0.0
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": vector_decay},
    ]


def squared_norm(model: nn.Module) -> Tensor:
    """Sum of the squares of all weights that decay, for L2 regularization in the loss."""
    squares = [parameter.square().sum() for parameter in model.parameters() if parameter.ndim > 1]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return total
