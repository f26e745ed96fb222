"""Leaks between splits: test samples that were seen in training.

A score is too optimistic if the training split contains a test image, a copy of it, or an image of
the same place.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from areoseg.audit.checks.duplicates import near_duplicates, nearest
from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding, OtherSample, SetFinding
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.errors import AreosegError


def find_samples_across_split(context: AuditContext) -> Iterator[Finding]:
    """Flag samples that the split lists more than once, in different splits."""
    splits_of: dict[int, dict[str, None]] = {}
    for split, index in _training_first(context):
        splits_of.setdefault(index, {})[split] = None
    for index, splits in splits_of.items():
        if len(splits) > 1:
            reason = f"in several splits: {' and '.join(splits)}"
            yield context.flag("sample-across-split", index, len(splits), reason)


def find_copies_across_split(context: AuditContext) -> Iterator[Finding]:
    """Flag samples with a near duplicate in another split, first of all in the training split."""
    split_of = {index: split for split, index in _training_first(context)}
    names = context.samples.names
    copies = (
        # A copy in the training split is the original; the other one is the leak.
        (first, c, second) if split_of[second] == "train" else (second, c, first)
        for first, second, c in near_duplicates(context)
        if first in split_of and second in split_of and split_of[first] != split_of[second]
    )
    for index, (correlation, other) in nearest(copies).items():
        reason = (
            f"in {split_of[index]}, but nearly the same image as {names[other]} in"
            f" {split_of[other]}, correlation {correlation:.2f}"
        )
        yield context.flag("copy-across-split", index, correlation, reason, other=other)


def find_groups_across_split(context: AuditContext) -> Iterator[Finding]:
    """Flag samples whose group, for example a rover stop, has samples in an earlier split."""
    groups = context.samples.groups or ()
    members: dict[str, dict[str, list[int]]] = {}
    for split, index in _training_first(context):
        members.setdefault(groups[index], {}).setdefault(split, []).append(index)
    for group, by_split in members.items():
        first, *later = by_split
        total = sum(map(len, by_split.values()))
        for split in later:
            count = len(by_split[first])
            reason = f"in {split}, but {count} samples of its group {group} are in {first}"
            score = 1 - len(by_split[split]) / total
            for index in by_split[split]:
                other = by_split[first][0]
                yield context.flag("group-across-split", index, score, reason, other=other)


def find_copies_in_unlabeled(context: AuditContext) -> Iterator[Finding]:
    """Flag samples with a near duplicate among the unlabeled images, usually the test set."""
    count, unlabeled = len(context.samples), context.unlabeled
    assert unlabeled is not None
    pairs = near_duplicates(context)
    copies = ((first, c, second - count) for first, second, c in pairs if first < count <= second)
    for index, (correlation, position) in nearest(copies).items():
        other = OtherSample(position, unlabeled.names[position], part="unlabeled")
        reason = (
            f"nearly the same image as {other.name}, which is unlabeled,"
            f" correlation {correlation:.2f}"
        )
        yield context.flag("copy-in-unlabeled", index, correlation, reason, other=other)


def find_missing_classes(context: AuditContext) -> Iterator[SetFinding]:
    """Report splits without a class that the set has."""
    taxonomy = context.taxonomy
    has_class = class_pixels(context.samples, taxonomy) > 0
    for split, indices in (context.split or {}).items():
        for value in taxonomy.terrain:
            count = has_class[:, value].sum()
            if len(indices) and count and not has_class[list(indices), value].any():
                reason = (
                    f"{split} has no image with {taxonomy.names[value]}, which is in"
                    f" {count} of {len(has_class)} images"
                )
                yield SetFinding("split-lacks-class", float(count), reason)


def split_from_names(
    split: Any, samples: SegmentationDataset, *, source: str = "split"
) -> dict[str, tuple[int, ...]]:
    """Return the indices of the samples in each split, given lists of names.

    Args:
        split: The content of a `split.json`: a list of names for each split.
        samples: The samples; they need not all be listed, and may be listed in several splits.
        source: Name of the split in error messages.

    Raises:
        AreosegError: `split` has another form, or lists samples that are not in the data.
    """
    if not isinstance(split, dict) or not all(map(_is_list_of_names, split.values())):
        raise AreosegError(f"{source}: no split: give JSON that maps each part to a list of names")
    index_of = {name: index for index, name in enumerate(samples.names)}
    listed = [name for names in split.values() for name in names]
    unknown = [name for name in listed if name not in index_of]
    if unknown:
        raise AreosegError(
            f"{source}: {len(unknown)} of {len(listed)} samples of this split are not in the data,"
            f" such as {unknown[0]!r}: give the data that it was made for"
        )
    return {part: tuple(index_of[name] for name in names) for part, names in split.items()}


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _training_first(context: AuditContext) -> Iterator[tuple[str, int]]:
    """Yield split and index of every sample, the training split first."""
    splits: Mapping[str, Sequence[int]] = context.split or {}
    for split in sorted(splits, key=lambda split: split != "train"):
        for index in splits[split]:
            yield split, int(index)
