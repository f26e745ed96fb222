"""The training loss: a weighted sum of terms, each reported separately.

In a recipe:

    loss:
      ce: 1.0
      focal: {weight: 1.0, gamma: 0.5}
      boundary: {weight: 0.01, kind: distance, ramp: [0, 1]}

A bare number is the weight of a term, and a bare name stands for a whole table: `loss: dice` for
`{dice: 1.0}`, and `loss: backpropagators` for a preset of `LOSS_PRESETS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import torch
from pydantic import ConfigDict, RootModel, SerializeAsAny, ValidationError, model_validator
from torch import Tensor, nn

from areoseg.errors import AreosegError, did_you_mean
from areoseg.losses.backpropagators import BACKPROPAGATORS
from areoseg.losses.base import LOSSES, LossOptions
from areoseg.utils.options import error_message, validate_items

TermTable = Mapping[str, float | Mapping[str, Any]]
"""Maps the names of terms to weights or tables of options."""

LOSS_PRESETS: Mapping[str, TermTable] = {"backpropagators": BACKPROPAGATORS}
"""Presets: complete losses by name."""


class LossTerms(RootModel[dict[str, SerializeAsAny[LossOptions]]]):
    """The terms of a loss by name, each with its options; at least one has a weight."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, str):
            if value not in LOSS_PRESETS and value not in LOSSES:
                hint = did_you_mean(value, [*LOSS_PRESETS, *LOSSES])
                raise ValueError(f"there is no loss {value!r}: {hint}")
            value = LOSS_PRESETS.get(value, {value: 1.0})
        if isinstance(value, LossTerms):
            return value
        if not isinstance(value, Mapping):
            raise ValueError("write a table of terms, such as {ce: 1.0, dice: 0.5}, or a name")
        return validate_items(value, _read_term)

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if not any(term.weight * max(term.ramp) > 0 for term in self.root.values()):
            raise ValueError("no term has a weight above 0: give one, such as {ce: 1.0}")
        return self

    def __hash__(self) -> int:
        return hash(frozenset(self.root.items()))

    @property
    def terms(self) -> dict[str, LossOptions]:
        """The terms by name."""
        return self.root


def _read_term(name: str, value: object) -> LossOptions:
    """Validate the options of one term."""
    if name not in LOSSES:
        raise ValueError(f"there is no loss {name!r}: {did_you_mean(str(name), LOSSES)}")
    options = LOSSES[name].options.model_validate(value)
    assert isinstance(options, LossOptions)
    return options


def parse_loss(terms: LossTerms | TermTable | str) -> LossTerms:
    """Validate the terms of a loss.

    Args:
        terms: Maps names to weights or tables of options, as in a recipe; or the name of a loss or
            preset.

    Raises:
        AreosegError: All errors on one line: unknown terms or options, values out of range, or no
            weight above 0.
    """
    try:
        return LossTerms.model_validate(terms)
    except ValidationError as error:
        errors = (
            ": ".join(filter(None, [".".join(map(str, detail["loc"])), error_message(detail)]))
            for detail in error.errors()
        )
        raise AreosegError(f"loss: {'; '.join(errors)}") from None


@dataclass(frozen=True)
class LossTerm:
    """One term, ready to compute.

    Attributes:
        name: The name that recipes use.
        function: Takes logits (N, C, H, W) and targets (N, H, W); returns a scalar.
        weight: Factor of the term.
        ramp: Factors of the weight at the start and at the end of training.
    """

    name: str
    function: Callable[[Tensor, Tensor], Tensor]
    weight: float
    ramp: tuple[float, float]

    def weight_at(self, progress: float) -> float:
        """Return the weight at a progress of training from 0 to 1."""
        start, end = self.ramp
        return self.weight * (start + (end - start) * progress)


class CombinedLoss(nn.Module):
    """Weighted sum of terms over the main output and auxiliary outputs.

        S(z) = sum_t w_t(progress) L_t(z, y),   L = S(z) + sum_j a_j S(z_j)

    with z_j the auxiliary logits of deep supervision (Lee et al. 2015, arXiv 1409.5185), compared
    with the targets resized to their size (nearest neighbor).

    Args:
        terms: The terms t.
        auxiliary_weights: a, one for each auxiliary output of the model.
    """

    def __init__(
        self, terms: Sequence[LossTerm], *, auxiliary_weights: Sequence[float] = ()
    ) -> None:
        super().__init__()
        self.terms = tuple(terms)
        self.auxiliary_weights = tuple(auxiliary_weights)

    def forward(
        self, outputs: Tensor | Sequence[Tensor], targets: Tensor, progress: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss.

        Args:
            outputs: Logits (N, C, H, W); or a sequence of these followed by the auxiliary logits
                (N, C, h, w), of any smaller size.
            targets: (N, H, W), int64; VOID is ignored.
            progress: The progress of training, from 0 to 1, for the ramps.

        Returns:
            The total, a scalar; and the terms of the main logits by name, unweighted and detached.
            With deep supervision the second sum is among them, as `auxiliary`.

        Raises:
            AreosegError: The numbers of auxiliary outputs and of auxiliary weights differ.
        """
        if isinstance(outputs, Tensor):  # always in evaluation mode
            return self._add_terms(outputs, targets, progress)
        logits, *auxiliary = outputs
        if len(auxiliary) != len(self.auxiliary_weights):
            raise AreosegError(
                f"the model gave {len(auxiliary)} auxiliary outputs and the loss has "
                f"{len(self.auxiliary_weights)} auxiliary weights: give one weight for each output"
            )
        total, values = self._add_terms(logits, targets, progress)
        if not auxiliary:
            return total, values
        shares = []
        for weight, smaller in zip(self.auxiliary_weights, auxiliary, strict=True):
            fitted = resize_targets(targets, smaller.shape[2], smaller.shape[3])
            shares.append(weight * self._add_terms(smaller, fitted, progress)[0])
        supervision = torch.stack(shares).sum()
        return total + supervision, {**values, "auxiliary": supervision.detach()}

    def _add_terms(
        self, logits: Tensor, targets: Tensor, progress: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        logits = logits.contiguous()  # softmax over channels_last logits takes twice as long
        values = {term.name: term.function(logits, targets) for term in self.terms}
        weighted = [term.weight_at(progress) * values[term.name] for term in self.terms]
        return torch.stack(weighted).sum(), {name: v.detach() for name, v in values.items()}


def resize_targets(targets: Tensor, height: int, width: int) -> Tensor:
    """Resize targets (N, H, W) to (N, height, width) by nearest neighbor."""
    rows, columns = (
        ((torch.arange(new, device=targets.device) + 0.5) * (old / new)).long()
        for new, old in zip((height, width), targets.shape[1:], strict=True)
    )
    return targets[:, rows.unsqueeze(1), columns]


def build_loss(
    terms: LossTerms | TermTable | str,
    *,
    class_weights: Tensor | None,
    classes: int,
    background: int,
    auxiliary_weights: tuple[float, ...] = (),
) -> CombinedLoss:
    """Build the loss of a recipe.

    Args:
        terms: Maps names to weights or tables of options, or a name; see `parse_loss`.
        class_weights: (C,), not negative, for the terms that are `class_weighted`; None: 1 each.
        classes: C.
        background: The class index of background.
        auxiliary_weights: One for each auxiliary output of the model, not negative.

    Raises:
        AreosegError: The terms are invalid, or options or weights do not match the classes.
    """
    options = parse_loss(terms).terms
    if class_weights is not None and (
        class_weights.shape != (classes,) or not (class_weights >= 0).all()
    ):
        raise AreosegError(
            f"the loss got class weights {class_weights.tolist()} for {classes} classes: give one "
            "weight per class, none negative"
        )
    if not all(weight >= 0 for weight in auxiliary_weights):
        raise AreosegError(
            f"the loss got auxiliary weights {list(auxiliary_weights)}: give none below 0"
        )
    built = [_build_term(name, term, class_weights, background) for name, term in options.items()]
    _try_terms(built, classes)
    return CombinedLoss(built, auxiliary_weights=auxiliary_weights)


def _try_terms(terms: Sequence[LossTerm], classes: int) -> None:
    """Compute each term once, so that options that do not match the classes fail early."""
    logits = torch.zeros(1, classes, 2, 2)
    targets = torch.zeros(1, 2, 2, dtype=torch.int64)
    errors = []
    for term in terms:
        try:
            term.function(logits, targets)
        except AreosegError as error:
            errors.append(f"loss.{term.name}: {error}")
    if errors:
        raise AreosegError("\n".join(errors))


def _build_term(
    name: str, options: LossOptions, class_weights: Tensor | None, background: int
) -> LossTerm:
    loss = LOSSES[name]
    arguments = options.options
    if arguments.pop("class_weighted", False):
        arguments["class_weights"] = class_weights
    if "background" in loss.parameters:
        arguments["background"] = background
    return LossTerm(name, partial(loss.function, **arguments), options.weight, options.ramp)
