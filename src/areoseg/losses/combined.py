"""The loss that training minimizes: a weighted sum of terms, each reported by itself."""

import inspect
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch import nn

from areoseg.errors import AreosegError
from areoseg.losses.registry import LOSSES
from areoseg.losses.terms import LossTerms
from areoseg.losses.terms import Term
from areoseg.losses.terms import TermTable
from areoseg.losses.terms import parse_terms


@dataclass(frozen=True)
class LossTerm:
    """One term, ready to compute.

    Attributes:
        name: What a recipe calls it.
        function: Takes logits (N, C, H, W) and targets (N, H, W); returns a scalar.
        settings: Its weight and its ramp.
    """

    name: str
    function: Callable[[Tensor, Tensor], Tensor]
    settings: Term


class CombinedLoss(nn.Module):
    """Add up terms, on the main output and on auxiliary ones.

        S(z) = sum_t w_t(progress) L_t(z, y),   L = S(z) + sum_j a_j S(z_j)

    with z_j the auxiliary logits of deep supervision (Lee et al. 2015, arXiv 1409.5185), scored
    against the nearest of the targets.

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
            outputs: Logits (N, C, H, W); or a sequence of them and then the auxiliary logits
                (N, C, h, w), of any smaller size.
            targets: (N, H, W), int64, VOID left out.
            progress: The share of training that is done, from 0 to 1; it drives the ramps.

        Returns:
            The total, a scalar; and the terms on the main logits by name, each as it is before its
            weight, detached. With deep supervision `auxiliary` is beside them, the second sum.

        Raises:
            AreosegError: There are more or fewer auxiliary outputs than auxiliary weights.
        """
        if isinstance(outputs, Tensor):  # a model that is not training gives nothing else
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
        values = {term.name: term.function(logits, targets) for term in self.terms}
        weighted = [term.settings.weight_at(progress) * values[term.name] for term in self.terms]
        return torch.stack(weighted).sum(), {name: v.detach() for name, v in values.items()}


def resize_targets(targets: Tensor, height: int, width: int) -> Tensor:
    """Pick the nearest target for each pixel of another size: (N, H, W) to (N, height, width)."""
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
    """Build the loss that a recipe asks for.

    Args:
        terms: Names to weights or to tables of options, or a name; see `terms.parse_terms`.
        class_weights: (C,), not negative, for the terms that are `class_weighted`; None for none.
        classes: C.
        background: The class index of background.
        auxiliary_weights: One for each auxiliary output of the model, not negative.

    Raises:
        AreosegError: Terms that `parse_terms` refuses; or options or weights that do not fit the
            classes.
    """
    chosen = parse_terms(terms).chosen
    if class_weights is not None and (
        class_weights.shape != (classes,) or not (class_weights >= 0).all()
    ):
        raise AreosegError(
            f"the loss got class weights {class_weights.tolist()} for {classes} classes: give one "
            "weight a class, none negative"
        )
    if not all(weight >= 0 for weight in auxiliary_weights):
        raise AreosegError(
            f"the loss got auxiliary weights {list(auxiliary_weights)}: give none below 0"
        )
    built = [_build_term(name, term, class_weights, background) for name, term in chosen.items()]
    _try_terms(built, classes)
    return CombinedLoss(built, auxiliary_weights=auxiliary_weights)


def _try_terms(terms: Sequence[LossTerm], classes: int) -> None:
    """Compute each term once, so that options which do not fit the classes show before training."""
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
    name: str, settings: Term, class_weights: Tensor | None, background: int
) -> LossTerm:
    function = LOSSES[name]
    arguments = settings.options
    if arguments.pop("class_weighted", False):
        arguments["class_weights"] = class_weights
    if "background" in inspect.signature(function).parameters:
        arguments["background"] = background
    return LossTerm(name, partial(function, **arguments), settings)
