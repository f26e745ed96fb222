"""The optimizers by name; by default weight decay applies to weights only.

    optimizer: lion
    optimizer: {name: sgd, lr: 0.1, momentum: 0.99}

Default learning rates are chosen relative to AdamW at 2e-3, so that it is enough to change the
name.
"""

from typing import Any

from torch import Tensor, nn, optim

from areoseg.errors import AreosegError, did_you_mean
from areoseg.utils.options import Count, Decay, NonNegative, Options, Positive, Share
from areoseg.utils.registry import Registry

Groups = list[dict[str, Any]]
"""Parameter groups in the format of `torch.optim`."""

Betas = tuple[Decay, Decay]


class OptimizerOptions(Options):
    """Options of every optimizer."""

    name: str
    lr: Positive
    """The peak learning rate."""
    weight_decay: NonNegative
    """Weight decay; not applied to normalization and bias, unless `decay_all`."""
    decay_all: bool = False
    """Apply weight decay to normalization and bias too."""
    l2: NonNegative = 0.0
    """Weight of the squared norm of the convolution weights in the loss."""
    clip: Positive | None = 1.0
    """Maximum norm of the gradient; null: no clipping."""
    accumulate: Count = 1
    """Number of batches whose gradients are averaged before a step. A step then uses
    `accumulate * training.batch_size` samples, with the memory of `training.batch_size`."""

    @property
    def options(self) -> dict[str, Any]:
        """The optimizer's own options, without those that every optimizer has."""
        return self.model_dump(exclude=set(OptimizerOptions.model_fields))


OPTIMIZERS = Registry("optimizer", OptimizerOptions)
"""The optimizers by the name that recipes use."""

register_optimizer = OPTIMIZERS.register
"""Register a function that builds an optimizer.

The function takes parameter groups and, as keyword-only parameters with defaults, `lr`,
`weight_decay` (which the groups contain too) and its own options.
"""


@register_optimizer(
    "sgd",
    summary="gradient descent with Nesterov momentum",
    paper="Sutskever et al. 2013, ICML 28 (3); decay of nnU-Net, arXiv 1809.10486",
)
def sgd(
    groups: Groups,
    *,
    lr: Positive = 5e-2,
    weight_decay: NonNegative = 3e-5,
    momentum: Decay = 0.9,
    nesterov: bool = True,
) -> optim.Optimizer:
    """Stochastic gradient descent; its weight decay is added to the gradient.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        momentum: Decay of the running gradient.
        nesterov: Use Nesterov momentum; ignored without momentum.
    """
    return optim.SGD(
        groups,
        lr=lr,
        weight_decay=weight_decay,
        momentum=momentum,
        nesterov=nesterov and momentum > 0,  # PyTorch raises an error without momentum
    )


@register_optimizer(
    "adam",
    summary="steps scaled by running moments of the gradient",
    paper="Kingma and Ba 2015, arXiv 1412.6980",
)
def adam(
    groups: Groups,
    *,
    lr: Positive = 2e-3,
    weight_decay: NonNegative = 0.0,
    betas: Betas = (0.9, 0.999),
    eps: Positive = 1e-8,
) -> optim.Optimizer:
    """Adam; its weight decay is added to the gradient.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        betas: Decay of the first and the second moment.
        eps: Added to the denominator.
    """
    return optim.Adam(groups, lr=lr, weight_decay=weight_decay, betas=betas, eps=eps)


@register_optimizer(
    "adamw",
    summary="Adam with decoupled weight decay",
    paper="Loshchilov and Hutter 2019, arXiv 1711.05101",
)
def adamw(
    groups: Groups,
    *,
    lr: Positive = 2e-3,
    weight_decay: NonNegative = 1e-2,
    betas: Betas = (0.9, 0.999),
    eps: Positive = 1e-8,
) -> optim.Optimizer:
    """AdamW; its weight decay is decoupled from the gradient.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        betas: Decay of the first and the second moment.
        eps: Added to the denominator.
    """
    return optim.AdamW(groups, lr=lr, weight_decay=weight_decay, betas=betas, eps=eps)


@register_optimizer(
    "lion",
    summary="the sign of the momentum",
    paper="Chen et al. 2023, arXiv 2302.06675",
)
def lion(
    groups: Groups,
    *,
    lr: Positive = 4e-4,
    weight_decay: NonNegative = 5e-2,
    betas: Betas = (0.9, 0.99),
) -> optim.Optimizer:
    """Lion; its weight decay is decoupled from the gradient.

    Every weight moves by the learning rate in each step. Therefore, as the paper recommends
    (section 5), the rate is a fifth of AdamW's and the decay is five times as large; their product
    is the same.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        betas: Decay of the momentum in the step, and of the momentum itself.
    """
    from pytorch_optimizer import Lion  # imported here as it takes half a second

    return Lion(groups, lr=lr, weight_decay=weight_decay, betas=betas)


@register_optimizer(
    "ranger",
    summary="rectified Adam, Lookahead and centralized gradients",
    paper="Liu et al. 2020, arXiv 1908.03265 (RAdam); Zhang et al. 2019, arXiv 1907.08610"
    " (Lookahead); Yong et al. 2020, arXiv 2004.01461 (centralization)",
)
def ranger(
    groups: Groups,
    *,
    lr: Positive = 2e-3,
    weight_decay: NonNegative = 0.0,
    betas: Betas = (0.95, 0.999),
    eps: Positive = 1e-5,
    alpha: Share = 0.5,
    k: Count = 6,
) -> optim.Optimizer:
    """Ranger, to be used with the schedule `flat-cosine`; its weight decay is decoupled.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        betas: Decay of the first and the second moment.
        eps: Added to the denominator.
        alpha: Step size of the slow weights towards the fast ones, 0 to 1.
        k: Number of steps between two updates of the slow weights.
    """
    from pytorch_optimizer import Ranger

    # While the variance is unknown in the first steps, RAdam follows the plain momentum. Without
    # this flag the library steps in the wrong direction, up the gradient.
    return Ranger(
        groups,
        lr=lr,
        weight_decay=weight_decay,
        betas=betas,
        eps=eps,
        alpha=alpha,
        k=k,
        degenerated_to_sgd=True,
    )


@register_optimizer(
    "muon",
    summary="orthogonalized momentum for convolutions, AdamW for the rest",
    paper="Jordan et al. 2024, kellerjordan.github.io/posts/muon; step size of Liu et al. 2025,"
    " arXiv 2502.16982",
)
def muon(
    groups: Groups,
    *,
    lr: Positive = 2e-3,
    weight_decay: NonNegative = 1e-2,
    momentum: Decay = 0.95,
    betas: Betas = (0.9, 0.999),
    eps: Positive = 1e-8,
) -> optim.Optimizer:
    """Muon; its weight decay is decoupled from the gradient.

    The momentum of each convolution, as a matrix of its filters, is replaced by the nearest
    orthogonal matrix. Vectors, depthwise and small convolutions (heads and stems) are trained by
    AdamW. Steps are scaled to the size of AdamW's, so that one learning rate suits both.

    Args:
        groups: Parameter groups.
        lr: The peak learning rate.
        weight_decay: Weight decay.
        momentum: Decay of the running gradient of convolutions.
        betas: Decay of the first and the second moment of AdamW.
        eps: Added to the denominator of AdamW.
    """
    from pytorch_optimizer import Muon

    split: Groups = []
    for group in groups:
        for use_muon in (True, False):
            chosen = [p for p in group["params"] if _is_large_matrix(p) == use_muon]
            if chosen:
                split.append({**group, "params": chosen, "use_muon": use_muon, "lr": lr})
    return Muon(
        split,
        momentum=momentum,
        use_adjusted_lr=True,
        adamw_betas=betas,
        adamw_eps=eps,
    )


MIN_MATRIX = 16
"""Smallest number of rows and columns of a weight that Muon orthogonalizes."""


def _is_large_matrix(parameter: Tensor) -> bool:
    """Return whether a weight is a matrix of filters that each see several channels."""
    if parameter.ndim < 2 or parameter.shape[1] == 1:
        return False
    rows = parameter.shape[0]
    return min(rows, parameter.numel() // rows) >= MIN_MATRIX


def build_optimizer(
    name: str, model: nn.Module, *, decay_all: bool = False, **options: Any
) -> optim.Optimizer:
    """Build an optimizer over the trainable parameters of a model.

    Args:
        name: One of `OPTIMIZERS`.
        model: The model that is trained.
        decay_all: Apply weight decay to normalization and bias too.
        **options: `lr`, `weight_decay` and the optimizer's own options, which have defaults.

    Raises:
        AreosegError: There is no such optimizer, or it has no such option.
    """
    optimizer = OPTIMIZERS.find(name)
    own = optimizer.parameters - {"groups"}
    for option in options:
        if option not in own:
            raise AreosegError(
                f"optimizer {name!r}: no option {option!r}: {did_you_mean(option, sorted(own))}"
            )
    options = {option: optimizer.defaults[option] for option in own} | options
    groups = decay_groups(model, options["weight_decay"], decay_all=decay_all)
    built: optim.Optimizer = optimizer.function(groups, **options)
    return built


def decay_groups(model: nn.Module, weight_decay: float, *, decay_all: bool = False) -> Groups:
    """Split parameters into two groups: weights decay; normalization and bias do not.

    Args:
        model: The model that is trained.
        weight_decay: The decay of the first group.
        decay_all: Apply weight decay to normalization and bias (vectors) too.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    vector_decay = weight_decay if decay_all else 0.0
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": vector_decay},
    ]


def squared_norm(model: nn.Module) -> Tensor:
    """Compute the sum of squares of all weights that decay, for L2 regularization in the loss."""
    squares = [parameter.square().sum() for parameter in model.parameters() if parameter.ndim > 1]
    total = squares[0]
    for square in squares[1:]:
        total = total + square
    return total
