"""The losses by name: what a recipe calls each term, and the function that computes it."""

from collections.abc import Callable

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
from areoseg.losses.tversky import focal_tversky
from areoseg.losses.tversky import tversky

LOSSES: dict[str, Callable[..., Tensor]] = {
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
"""Each takes logits and targets, and keyword-only options, and returns a scalar.

`terms.TERMS` has the schema of the options, with what it is and where it comes from.
"""
