"""The losses by name: what a recipe calls each term, and the function that computes it."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from areoseg.losses.background import background_penalty
from areoseg.losses.boundary import boundary
from areoseg.losses.cross_entropy import cross_entropy
from areoseg.losses.dice import dice
from areoseg.losses.edge_cross_entropy import edge_cross_entropy
from areoseg.losses.focal import focal
from areoseg.losses.jaccard import jaccard
from areoseg.losses.lovasz import lovasz_softmax
from areoseg.losses.ohem import ohem_cross_entropy
from areoseg.losses.report_code import report_code
from areoseg.losses.terms import TERMS, Term
from areoseg.losses.tversky import focal_tversky, tversky

_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "ce": cross_entropy,
    "dice": dice,
    "focal": focal,
    "boundary": boundary,
    "background": background_penalty,
    "lovasz": lovasz_softmax,
    "tversky": tversky,
    "focal-tversky": focal_tversky,
    "jaccard": jaccard,
    "ohem": ohem_cross_entropy,
    "edge-ce": edge_cross_entropy,
    "report-code": report_code,
}


@dataclass(frozen=True)
class LossRecord:
    """What the registry knows of a loss.

    Attributes:
        name: What a recipe calls it.
        function: Takes logits and targets, and keyword-only options; returns a scalar.
        summary: One line on what it is.
        paper: Where it comes from.
        options: The schema of its options.
    """

    name: str
    function: Callable[..., Tensor]
    summary: str
    paper: str
    options: type[Term]

    def takes(self, argument: str) -> bool:
        """Say whether the function has an argument, such as `class_weights`."""
        return argument in inspect.signature(self.function).parameters


LOSSES: dict[str, LossRecord] = {
    name: LossRecord(name, _FUNCTIONS[name], options.summary, options.paper, options)
    for name, options in TERMS.items()
}
"""Every loss by name, in the order of `terms.LossTerms`."""
