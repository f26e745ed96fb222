"""The data of one audit, and the values that its checks share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.cache import Cache
from areoseg.audit.findings import Action, Finding, OtherSample, Region
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.images import Mask

Need = Literal["masks", "groups", "unlabeled", "split", "probabilities"]
"""Data that a check requires; the check is skipped if the context lacks them."""

Probabilities = Sequence[NDArray[np.floating[Any]]]
"""For each sample (C, H, W) class probabilities of a model that was not trained on it."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class AuditContext:
    """Samples to audit, with optional split and class probabilities.

    Attributes:
        samples: Samples with or without masks.
        unlabeled: Images without masks that belong to the set, such as a test set, or None.
        split: Indices of the samples in each split, such as `train` and `val`, or None.
        probabilities: Class probabilities of a model that was not trained on the samples, or None.
        taxonomy: The classes.
        cache: Computes arrays for many samples.
        values: Results of `shared` functions.
    """

    samples: SegmentationDataset
    unlabeled: SegmentationDataset | None = None
    split: Mapping[str, Sequence[int]] | None = None
    probabilities: Probabilities | None = None
    taxonomy: Taxonomy = MARS
    cache: Cache = field(default_factory=Cache)
    values: dict[Any, Any] = field(default_factory=dict, repr=False)

    def has(self, need: Need) -> bool:
        """Return whether the data that a check needs are available."""
        if need in ("masks", "groups"):
            return getattr(self.samples, need) is not None
        if need == "unlabeled":
            return self.unlabeled is not None and len(self.unlabeled) > 0
        return getattr(self, need) is not None

    @property
    def masks(self) -> Sequence[Mask] | Mask:
        """The masks, for checks that need them."""
        assert self.samples.masks is not None
        return self.samples.masks

    def flag(
        self,
        issue: str,
        index: int,
        score: float,
        reason: str,
        *,
        other: OtherSample | int | None = None,
        region: Region | None = None,
        action: Action = "flag",
    ) -> Finding:
        """Return a finding of the sample at `index`; `other` may be the index of a sample."""
        if isinstance(other, int):
            other = OtherSample(other, self.samples.names[other])
        name = self.samples.names[index]
        return Finding(index, name, issue, float(score), reason, action, other, region)


def shared(compute: Callable[[AuditContext], Value]) -> Callable[[AuditContext], Value]:
    """Make a function of the context compute its value once per audit."""

    @wraps(compute)
    def value(context: AuditContext) -> Value:
        if compute not in context.values:
            context.values[compute] = compute(context)
        result: Value = context.values[compute]
        return result

    return value
