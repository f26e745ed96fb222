"""Split samples into train, validation and test sets, without splitting a group."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.data.dispersion import dispersion, dispersion_threshold, is_well_segmented
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError, plural, shorten
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

    Samples without known groups are groups of one. Joined datasets are split one after another; a
    group that occurs in several follows the first.

    The splits that a dataset description assigns are kept. Those that it does not name are drawn
    from its `train`, or from the samples that it does not list if it does not name `train` either.
    If it names `train`, samples that it does not list are in no split.

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
        AreosegError: The strategy or fold does not exist, nothing is left to train on, there are
            fewer groups than splits or folds, or there are folds although the validation split is
            assigned.
    """
    if min(val, test) < 0 or 1 - val - test <= 0:
        raise AreosegError(
            f"split.val={val} and split.test={test} leave {1 - val - test:.0%} for training: lower"
            " them"
        )
    if folds is not None and folds < 2:
        raise AreosegError(f"split.folds={folds}: cross-validation needs 2 folds or more")
    if folds is not None and not 0 <= fold < folds:
        raise AreosegError(f"split.fold={fold}: give 0 to {folds - 1} for {folds} folds")
    pixels = class_pixels(samples, taxonomy) if pixels is None else pixels
    kinds = _first_kind(pixels, strategy, threshold, taxonomy)
    placed: dict[int, str] = {}
    group_names = samples.groups or samples.names
    split_of_group: dict[str, str] = {}  # of the datasets before
    for name, members in samples.indices_by_set().items():
        assigned = _assigned(samples, members)
        named = set(assigned.values())
        placed |= assigned
        if "train" in named:
            pool = rest = [index for index in members if assigned.get(index) == "train"]
        else:
            pool = [index for index in members if index not in assigned]
            placed |= {
                index: split_of_group[group_names[index]]
                for index in pool
                if group_names[index] in split_of_group
            }
            rest = [index for index in pool if index not in placed]
        groups = _shuffled_groups(samples, rest, seed)
        shares = [0.0 if "val" in named else val, 0.0 if "test" in named else test]
        try:
            if "val" in named and folds is not None:
                raise AreosegError(
                    f"split.folds={folds}: the dataset description assigns the validation split:"
                    " remove `val` from its `splits`"
                )
            if len(groups) < len(SPLITS) and (len(rest) < len(pool) or (placed and not rest)):
                drawn: Sequence[list[Group]] = (groups, [], [])  # nearly all are placed already
            else:
                drawn = _draw(groups, kinds, [1 - shares[0] - shares[1], *shares], folds, fold)
        except AreosegError as error:
            raise AreosegError(f"{name}: {error}" if name else str(error)) from None
        for split, dealt in zip(SPLITS, drawn, strict=True):
            placed |= {index: split for group in dealt for index in group}
        for index in members:
            if index in placed:
                split_of_group.setdefault(group_names[index], placed[index])
    if "train" not in placed.values():
        raise AreosegError("the `splits` of the dataset description leave nothing to train on")
    return Split(*(tuple(sorted(i for i in placed if placed[i] == split)) for split in SPLITS))


def assigned_splits(samples: SegmentationDataset) -> dict[str, list[int]]:
    """Return the indices of the samples of each split that a dataset description assigns."""
    found: dict[str, list[int]] = {split: [] for split in SPLITS}
    for index, split in _assigned(samples, range(len(samples))).items():
        found[split].append(index)
    return {split: indices for split, indices in found.items() if indices}


def _assigned(samples: SegmentationDataset, members: Iterable[int]) -> dict[int, str]:
    """Return the split of the samples that a dataset description assigns to one, by index."""
    if samples.splits is None:
        return {}
    return {index: split for index in members if (split := samples.splits[index]) is not None}


def assigned_notes(samples: SegmentationDataset, split: Split) -> list[str]:
    """Return notes for the user about the splits of the dataset description, if it has any.

    Args:
        samples: The samples that were split.
        split: Their split.
    """
    named = list(assigned_splits(samples))
    if not named:
        return []
    notes = [f"{' and '.join(named)} as the dataset description assigns them, not by `split`"]
    drawn = [name for name in SPLITS[1:] if name not in named]
    if drawn and samples.sets is None:
        notes[0] += f"; {' and '.join(drawn)} drawn from the others by `split`"
    placed = {index: name for name in SPLITS for index in split.indices(name)}
    if left_out := len(samples) - len(placed):
        notes.append(f"{plural(left_out, 'sample')} in no split of the dataset description")
    if samples.groups is not None:
        found: dict[str, set[str]] = defaultdict(set)
        for index, name in placed.items():
            found[samples.groups[index]].add(name)
        several = sorted(group for group, names in found.items() if len(names) > 1)
        if several:
            notes.append(
                f"the dataset description puts {plural(len(several), 'group')} into several splits,"
                f" so scores may be too high: {shorten(several)}"
            )
    return notes


def _draw(
    groups: list[Group],
    kinds: NDArray[np.bool_],
    shares: Sequence[float],
    folds: int | None,
    fold: int,
) -> tuple[list[Group], list[Group], list[Group]]:
    """Distribute groups over train, val and test by their shares.

    Raises:
        AreosegError: There are fewer groups than splits or folds.
    """
    n_splits = sum(share > 0 for share in shares)
    if len(groups) < n_splits:
        raise AreosegError(
            f"{len(groups)} groups cannot fill {n_splits} splits: give more samples, or"
            " set split.val or split.test to 0"
        )
    train, val, test = _deal(groups, kinds, shares)
    if folds is not None:
        held_out = {group[0] for group in test}
        rest = [group for group in groups if group[0] not in held_out]
        if len(rest) < folds:
            raise AreosegError(
                f"{len(rest)} groups outside the test split cannot fill {folds} folds: lower"
                " split.folds"
            )
        dealt = _deal(rest, kinds, [1 / folds] * folds)
        val = dealt.pop(fold)
        train = [group for others in dealt for group in others]
    return train, val, test


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


def _shuffled_groups(samples: SegmentationDataset, pool: Sequence[int], seed: int) -> list[Group]:
    """Return the groups of the samples at some indices in random order."""
    members: dict[str, Group] = defaultdict(list)
    names = samples.groups or samples.names
    for index in pool:
        members[names[index]].append(index)
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
