"""Leaks: what a network would be tested on, seen before in training.

A test image in the training part too, a copy of it there, or an image of the same place, makes a
score better than it is.
"""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.findings import SetFinding
from areoseg.data.split import class_pixels

TRAIN = "train"
"""The part of a split that is trained on; copies in it are the leak, not their originals."""


def find_samples_across_split(context: AuditContext) -> list[Finding]:
    """Flag samples that a split names in more than one part.

    The score is the number of these parts.
    """
    parts_of: dict[int, list[str]] = {}
    for part, index in _in_order(context.split or {}):
        if part not in parts_of.setdefault(index, []):
            parts_of[index].append(part)
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="sample-across-split",
            score=float(len(parts)),
            reason=f"in {' and '.join(parts)} of the split at once",
            action="flag",
        )
        for index, parts in sorted(parts_of.items())
        if len(parts) > 1
    ]


def find_copies_across_split(context: AuditContext) -> list[Finding]:
    """Flag samples of other parts of a split with a near duplicate in the training part.

    Copies between two other parts count too, such as validation and test. The score is the
    correlation of their detail.
    """
    part_of = _part_of(context.split or {})
    names = context.samples.names
    nearest: dict[int, tuple[float, int]] = {}
    for pair, correlation in zip(*context.near_duplicates, strict=True):
        first, second = (int(index) for index in pair)
        if part_of.get(first) and part_of.get(second) and part_of[first] != part_of[second]:
            later, earlier = (first, second) if part_of[second] == TRAIN else (second, first)
            found = (float(correlation), earlier)
            nearest[later] = max(nearest.get(later, found), found)
    return [
        Finding(
            index=index,
            name=names[index],
            issue="copy-across-split",
            score=correlation,
            reason=f"in {part_of[index]}, and nearly the same image as {names[other]} in"
            f" {part_of[other]}, correlation {correlation:.2f}",
            action="flag",
            other=OtherSample(other, names[other]),
        )
        for index, (correlation, other) in sorted(nearest.items())
    ]


def find_groups_across_split(context: AuditContext) -> list[Finding]:
    """Flag samples whose group, such as a rover stop, has samples in an earlier part of the split.

    Parts are in the order of the split, training first. The score is the share of the group that
    the sample was separated from.
    """
    split, groups = context.split or {}, context.samples.groups or ()
    members: dict[str, dict[str, list[int]]] = {}
    for part, index in _in_order(split):
        members.setdefault(groups[index], {}).setdefault(part, []).append(index)
    findings = []
    for group, parts in members.items():
        first, *others = parts
        total = sum(map(len, parts.values()))
        for part in others:
            other = parts[first][0]
            for index in parts[part]:
                findings.append(
                    Finding(
                        index=index,
                        name=context.samples.names[index],
                        issue="group-across-split",
                        score=1 - len(parts[part]) / total,
                        reason=f"in {part}, and {len(parts[first])} of its group {group} in"
                        f" {first}",
                        action="flag",
                        other=OtherSample(other, context.samples.names[other]),
                    )
                )
    return sorted(findings, key=lambda finding: finding.index)


def find_copies_in_unlabeled(context: AuditContext) -> list[Finding]:
    """Flag samples with a near duplicate among the unlabeled images, which are the test set.

    The score is the correlation of their detail.
    """
    samples, unlabeled = context.samples, context.unlabeled
    if unlabeled is None:
        return []
    nearest: dict[int, tuple[float, int]] = {}
    for (first, second), correlation in zip(*context.near_duplicates, strict=True):
        if first < len(samples) <= second:
            found = (float(correlation), int(second) - len(samples))
            nearest[int(first)] = max(nearest.get(int(first), found), found)
    return [
        Finding(
            index=index,
            name=samples.names[index],
            issue="copy-in-unlabeled",
            score=correlation,
            reason=f"nearly the same image as {unlabeled.names[other]}, which is unlabeled,"
            f" correlation {correlation:.2f}",
            action="flag",
            other=OtherSample(other, unlabeled.names[other], part="unlabeled"),
        )
        for index, (correlation, other) in sorted(nearest.items())
    ]


def find_missing_classes(context: AuditContext) -> list[SetFinding]:
    """Name the parts of a split that leave out a class which the set has.

    The score is how many images hold the class.
    """
    taxonomy = context.taxonomy
    holds = class_pixels(context.samples, taxonomy) > 0
    return [
        SetFinding(
            issue="split-lacks-class",
            score=float(holds[:, value].sum()),
            reason=f"{part} has no image with {taxonomy.names[value]}, which"
            f" {holds[:, value].sum()} of {len(holds)} images hold",
        )
        for part, indices in (context.split or {}).items()
        for value in taxonomy.terrain
        if len(indices) and holds[:, value].any() and not holds[list(indices), value].any()
    ]


def _part_of(split: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """The part that each sample of a split is in."""
    return {index: part for part, index in _in_order(split)}


def _in_order(split: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int]]:
    """Part and index of every sample of a split, the training part first."""
    for part in sorted(split, key=lambda part: part != TRAIN):
        for index in split[part]:
            yield part, int(index)
