"""Splitting scenes into train, validation and test without letting a group leak."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS, Taxonomy

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Split:
    """Indices of the scenes in each part, ascending; no scene and no group is in two parts."""

    train: tuple[int, ...]
    val: tuple[int, ...]
    test: tuple[int, ...]

    def part(self, name: str) -> tuple[int, ...]:
        """The indices of one part, by its name."""
        if name not in PARTS:
            raise AreosegError(f"there is no part {name!r} of a split: use {', '.join(PARTS)}")
        return {"train": self.train, "val": self.val, "test": self.test}[name]


def class_pixels(scenes: SceneSet, taxonomy: Taxonomy = MARS) -> NDArray[np.int64]:
    """Pixels of each class in each scene: (N, C) int64, void pixels left out."""
    if scenes.masks is None:
        raise AreosegError("these scenes have no masks: counting classes takes labelled scenes")
    counts = np.zeros((len(scenes), len(taxonomy)), dtype=np.int64)
    for row, mask in zip(counts, scenes.masks, strict=True):
        row[:] = np.bincount(mask.ravel(), minlength=256)[: len(taxonomy)]
    return counts


def rarest_class(pixels: NDArray[np.int64], taxonomy: Taxonomy = MARS) -> int:
    """The terrain class with the fewest pixels among those that occur.

    Args:
        pixels: (N, C) pixels of each class in each scene, from `class_pixels`.
        taxonomy: Says which class is background, which is never the rare one.
    """
    totals = pixels.sum(axis=0)
    present = [index for index in taxonomy.terrain if totals[index] > 0]
    if not present:
        raise AreosegError("no pixel of any terrain class in the masks: is this the right data?")
    return min(present, key=lambda index: int(totals[index]))


def split_scenes(
    scenes: SceneSet,
    *,
    val: float = 0.15,
    test: float = 0.10,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
) -> Split:
    """Split labelled scenes at random, whole groups together, the rare class spread evenly.

    Groups that hold the rare class are dealt out first, each to the part that lacks most of its
    due of rare scenes; then the others, each to the part that lacks most of its due of scenes.
    Scenes without known groups are groups of one.

    Args:
        scenes: Labelled scenes.
        val: Share of the scenes for validation, 0 to 1.
        test: Share of the scenes held back for the test; train takes the rest.
        seed: Decides the order in which groups are dealt out.
        taxonomy: The classes.

    Raises:
        AreosegError: Shares that leave nothing to train on, or fewer groups than parts.
    """
    shares = np.array([1.0 - val - test, val, test])
    if min(val, test) < 0 or shares[0] <= 0:
        raise AreosegError(
            f"split.val={val} and split.test={test} leave {shares[0]:.0%} to train on: lower them"
        )
    pixels = class_pixels(scenes, taxonomy)
    holds_rare = pixels[:, rarest_class(pixels, taxonomy)] > 0

    members: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(scenes.groups or scenes.names):
        members[name].append(index)
    wanted = int((shares > 0).sum())
    if len(members) < wanted:
        raise AreosegError(
            f"{len(members)} groups cannot fill {wanted} parts of a split: give more scenes, or"
            " set split.val or split.test to 0"
        )

    groups = [members[name] for name in sorted(members)]
    np.random.default_rng(seed).shuffle(groups)
    groups.sort(key=lambda group: int(holds_rare[group].sum()), reverse=True)  # a stable sort

    parts: list[list[int]] = [[], [], []]
    taken = np.zeros((2, 3))  # rare scenes and all scenes that each part holds so far
    due = np.outer([holds_rare.sum(), len(scenes)], shares)
    for group in groups:
        size = np.array([holds_rare[group].sum(), len(group)], dtype=float)
        row = 0 if size[0] else 1
        lacking = np.where(
            shares > 0, (due[row] - taken[row]) / np.maximum(due[row], 1e-9), -np.inf
        )
        part = int(np.argmax(lacking))
        parts[part].extend(group)
        taken[:, part] += size
    return Split(*(tuple(sorted(part)) for part in parts))
