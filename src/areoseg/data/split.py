"""Split samples into train, validation and test sets, without splitting a group."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.data.dispersion import dispersion, dispersion_threshold, is_well_segmented
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS, Taxonomy

SPLITS = ("train", "val", "test")
STRATEGIES = ("rare", "dispersion")

Group = list[int]
"""Indices of samples that stay together."""


@dataclass(frozen=True)
class Split:
    """Ascending indices of the samples of each split; no sample or group is in two splits."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def indices(self, name: str) -> tuple[int, ...]:
        """Return the indices of one split by its name."""
        check_split_name(name)
        return {"train": self.train, "val": self.val, "test": self.test}[name]


def check_split_name(name: str) -> None:
    """Check that a name is in `SPLITS`.

    Raises:
        AreosegError: The name is not a split.
    """
    if name not in SPLITS:
        raise AreosegError(f"there is no split {name!r}: use {', '.join(SPLITS)}")


def class_pixels(samples: SegmentationDataset, taxonomy: Taxonomy = MARS) -> NDArray[np.int64]:
    """Count the pixels (N, C) of each class in each sample, as int64, ignoring void pixels."""
    if samples.masks is None:
        raise AreosegError("these samples have no masks: give labeled samples")
    counts = np.zeros((len(samples), len(taxonomy)), dtype=np.int64)
    for row, mask in zip(counts, samples.masks, strict=True):
        row[:] = np.bincount(mask.ravel(), minlength=256)[: len(taxonomy)]
    return counts


def rarest_class(pixels: NDArray[np.int64], taxonomy: Taxonomy = MARS) -> int:
    """Return the terrain class with the fewest pixels among those that occur.

    Args:
        pixels: (N, C) pixels of each class in each sample, from `class_pixels`.
        taxonomy: The classes; background never counts as rare.
    """
    totals = pixels.sum(axis=0)
    present = [index for index in taxonomy.terrain if totals[index] > 0]
    if not present:
        raise AreosegError("no pixel of any terrain class in the masks: is this the right data?")
    return min(present, key=lambda index: int(totals[index]))


def split_samples(
    samples: SegmentationDataset,
    *,
    strategy: str = "rare",
    threshold: float | None = None,
    val: float = 0.15,
    test: float = 0.10,
    folds: int | None = None,
    fold: int = 0,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
    pixels: NDArray[np.int64] | None = None,
) -> Split:
    """Split labeled samples at random, stratified by two kinds of samples, keeping groups together.

    Samples without known groups are groups of one.

    Args:
        samples: Labeled samples.
        strategy: The two kinds. `rare`: samples with and without the rarest class. `dispersion`:
            well-segmented and mostly unsegmented samples; see `data.dispersion`.
        threshold: The dispersion that separates the kinds; None: the median.
        val: Fraction of the samples for validation, 0 to 1.
        test: Fraction of the samples held out for testing; the rest is for training.
        folds: Number of folds for cross-validation over all samples outside the test split,
            instead of `val`. The test split is the same for every fold and without folds.
        fold: Index of the fold that is the validation split, from 0.
        seed: Seed of the random order of the groups.
        taxonomy: The classes.
        pixels: (N, C) pixels of each class in each sample; None: `class_pixels`.

    Raises:
        AreosegError: The strategy or fold does not exist, nothing is left to train on, or there are
            fewer groups than splits or folds.
    """
    shares = [1 - val - test, val, test]
    if min(val, test) < 0 or shares[0] <= 0:
        raise AreosegError(
            f"split.val={val} and split.test={test} leave {shares[0]:.0%} for training: lower them"
        )
    if folds is not None and folds < 2:
        raise AreosegError(f"split.folds={folds}: cross-validation needs 2 folds or more")
    if folds is not None and not 0 <= fold < folds:
        raise AreosegError(f"split.fold={fold}: give 0 to {folds - 1} for {folds} folds")
    pixels = class_pixels(samples, taxonomy) if pixels is None else pixels
    kinds = _first_kind(pixels, strategy, threshold, taxonomy)
    groups = _shuffled_groups(samples, seed)
    n_splits = sum(share > 0 for share in shares)
    if len(groups) < n_splits:
        raise AreosegError(
            f"{len(groups)} groups cannot fill {n_splits} splits: give more samples, or"
            " set split.val or split.test to 0"
        )
    train_groups, val_groups, test_groups = _deal(groups, kinds, shares)
    if folds is not None:
        held_out = {group[0] for group in test_groups}
        rest = [group for group in groups if group[0] not in held_out]
        if len(rest) < folds:
            raise AreosegError(
                f"{len(rest)} groups outside the test split cannot fill {folds} folds: lower"
                " split.folds"
            )
        dealt = _deal(rest, kinds, [1 / folds] * folds)
        val_groups = dealt.pop(fold)
        train_groups = [group for others in dealt for group in others]
    return Split(_samples_of(train_groups), _samples_of(val_groups), _samples_of(test_groups))


def _first_kind(
    pixels: NDArray[np.int64], strategy: str, threshold: float | None, taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """Return which samples are of the first of the strategy's two kinds, (N,) bool."""
    if strategy == "rare":
        return pixels[:, rarest_class(pixels, taxonomy)] > 0
    if strategy == "dispersion":
        values = dispersion(pixels)
        return is_well_segmented(
            values, dispersion_threshold(values) if threshold is None else threshold
        )
    raise AreosegError(f"there is no split strategy {strategy!r}: use {', '.join(STRATEGIES)}")


def _shuffled_groups(samples: SegmentationDataset, seed: int) -> list[Group]:
    members: dict[str, Group] = defaultdict(list)
    for index, name in enumerate(samples.groups or samples.names):
        members[name].append(index)
    groups = [members[name] for name in sorted(members)]
    np.random.default_rng(seed).shuffle(groups)
    return groups


def _deal(
    groups: Sequence[Group], kinds: NDArray[np.bool_], shares: Sequence[float]
) -> list[list[Group]]:
    """Distribute groups over splits by their shares.

    Groups with samples of the first kind are assigned first, in descending number of such samples,
    each to the split that lacks the largest fraction of its share of that kind. The other groups
    are then distributed in the same way by number of samples. With many small groups, both kinds
    are spread evenly.

    Args:
        groups: The groups, in random order.
        kinds: (N,) bool, whether a sample is of the first kind.
        shares: Fraction of the samples of each split. A split with fraction 0 stays empty; no other
            split does if there are at least as many groups as splits.
    """
    sizes = np.array([[kinds[group].sum(), len(group)] for group in groups], dtype=float)
    share = np.asarray(shares)
    due = np.outer(sizes.sum(axis=0), share)  # samples of the first kind and all samples, by split
    taken = np.zeros_like(due)
    splits: list[list[Group]] = [[] for _ in shares]
    for number in np.argsort(-sizes[:, 0], kind="stable"):
        row = 0 if sizes[number, 0] else 1
        lacking = np.full(len(share), -np.inf)
        np.divide(due[row] - taken[row], due[row], out=lacking, where=share > 0)
        split = int(np.argmax(lacking))
        splits[split].append(groups[number])
        taken[:, split] += sizes[number]
    return splits


def _samples_of(groups: Sequence[Group]) -> tuple[int, ...]:
    return tuple(sorted(index for group in groups for index in group))
