"""The registry of losses, and their common steps: checks, void masks, weighted means."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from pydantic import model_validator
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID
from areoseg.utils.options import NonNegative, Options
from areoseg.utils.registry import Registry

LossFunction = TypeVar("LossFunction", bound=Callable[..., Tensor])


class LossOptions(Options):
    """Options of every term of a loss."""

    weight: NonNegative = 1.0
    """Factor of the term."""
    ramp: tuple[NonNegative, NonNegative] = (1.0, 1.0)
    """Factors of the weight at the start and at the end of training, linear in between."""

    @model_validator(mode="before")
    @classmethod
    def _read_bare_weight(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"weight": value}
        if isinstance(value, Mapping | LossOptions):
            return value
        raise ValueError(f"give a weight, such as 1.0, or a table of options, not {value!r}")

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of the loss itself, without the weight and the ramp."""
        return self.model_dump(exclude={"weight", "ramp"})


class ClassWeightedLossOptions(LossOptions):
    """Options of a loss that supports class weights."""

    class_weighted: bool = False
    """Whether the class weights of the recipe apply."""


LOSSES = Registry("loss", LossOptions, injected=("class_weights", "background"))
"""The losses by the name that recipes use."""


def register_loss(
    name: str, *, summary: str = "", paper: str = "", class_weighted: bool = False
) -> Callable[[LossFunction], LossFunction]:
    """Register a loss under the name that recipes use.

    The function takes logits (N, C, H, W) and targets (N, H, W), and returns a scalar tensor. Its
    keyword-only parameters are its options, except for `class_weights`, a tensor (C,) or None, and
    `background`, the index of the background class, which are filled in.

    Args:
        name: The name that recipes use.
        summary: One line that describes it; by default the first line of its docstring.
        paper: The source of the loss.
        class_weighted: Whether the class weights of the recipe apply by default.

    Examples:
        >>> from areoseg.losses import register_loss
        >>> @register_loss("soft-error")
        ... def soft_error(logits, targets, *, power: float = 1.0):
        ...     "One minus the probability of the true class, to a power."
        ...     logits, labels, known = prepare(logits, targets)
        ...     error = 1 - at_label(logits.softmax(dim=1), labels)
        ...     return weighted_mean(error.pow(power), known.float())
    """

    def enter(function: LossFunction) -> LossFunction:
        if "class_weights" not in inspect.signature(function).parameters:
            return LOSSES.register(name, summary=summary, paper=paper)(function)
        return LOSSES.register(
            name,
            summary=summary,
            paper=paper,
            base=ClassWeightedLossOptions,
            class_weighted=class_weighted,
        )(function)

    return enter


def prepare(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Check a batch, and split its targets into labels and a mask of known pixels.

    Args:
        logits: (N, C, H, W), float; half and bfloat16 become float32, wider types stay.
        targets: (N, H, W), int64, in 0 to C - 1 or VOID.

    Returns:
        The logits; the labels (N, H, W), int64, with 0 in place of VOID; and the mask (N, H, W),
        bool, true where a pixel is not void.

    Raises:
        AreosegError: Shapes or dtypes do not match, or a label is not a class.
    """
    if logits.ndim != 4 or targets.shape != (logits.shape[0], *logits.shape[2:]):
        raise AreosegError(
            f"a loss got logits {tuple(logits.shape)} and targets {tuple(targets.shape)}: "
            "give logits (N, C, H, W) and targets (N, H, W)"
        )
    if targets.dtype != torch.int64 or not logits.is_floating_point():
        raise AreosegError(
            f"a loss got logits of {logits.dtype} and targets of {targets.dtype}: "
            "give float logits and int64 targets"
        )
    known = targets != VOID
    labels = targets.where(known, 0)
    classes = logits.shape[1]
    # A GPU is not waited for: its kernels check the labels themselves.
    if targets.device.type != "cuda" and ((labels < 0) | (labels >= classes)).any():
        raise AreosegError(
            f"a loss for {classes} classes got targets from {labels.min()} to {labels.max()}: "
            f"map other labels to 0 to {classes - 1}, or to {VOID} for void"
        )
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    return logits, labels, known


def at_label(maps: Tensor, labels: Tensor) -> Tensor:
    """Select the map of each pixel's class: (N, C, H, W) and labels (N, H, W) give (N, H, W)."""
    return maps.gather(1, labels.unsqueeze(1)).squeeze(1)


def one_hot(logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
    """Encode labels as (N, C, H, W) zeros and ones like `logits`; void pixels are all zero."""
    return torch.zeros_like(logits).scatter_(1, labels.unsqueeze(1), known.unsqueeze(1).to(logits))


def pixel_weights(labels: Tensor, known: Tensor, class_weights: Tensor | None) -> Tensor:
    """Return the class weight of each pixel, or 1 without class weights; void pixels get 0.

    Returns:
        (N, H, W), float.
    """
    if class_weights is None:
        return known.float()
    return class_weights.to(labels.device)[labels] * known


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """Compute sum(weights * values) / sum(weights), or 0 if the weights sum to 0."""
    total = weights.sum()
    return (values * weights).sum() / total.where(total > 0, 1)
