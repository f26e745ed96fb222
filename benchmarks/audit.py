"""What the audit finds of planted issues, and how long it takes.

    python benchmarks/audit.py                  # precision and recall for each issue
    python benchmarks/audit.py --data mars.npz  # the same, planted in the kept samples of real data
    python benchmarks/audit.py --tiles 20000    # time and peak memory of the whole audit

Precision counts every finding of the issue, including those in clean samples; recall counts the
planted samples. Clean samples also have islands and slivers, and real data have copies; those found
before planting are left out.
"""

import argparse
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import Cache, audit_samples
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import (
    SyntheticMars,
    add_aliens,
    add_duplicates,
    draw_set,
    mirror_masks,
    shift_masks,
    swap_masks,
)
from clean_samples import clean_samples

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Planted:
    """An issue that is planted in clean samples.

    Attributes:
        what: What is planted.
        plant: Returns the flawed set and the indices of its flawed samples, for a seed.
        issues: The checks that should find it.
        action: Which findings count: all, or only those that reject.
        also_before: Whether clean samples may have the issue; those do not count.
    """

    what: str
    plant: Callable[[SegmentationDataset, int], tuple[SegmentationDataset, Indices]]
    issues: tuple[str, ...]
    action: str = "any"
    also_before: bool = False


def copies(kind: str) -> Callable[[SegmentationDataset, int], tuple[SegmentationDataset, Indices]]:
    """Return a function that adds copies of one sample in ten."""
    return lambda samples, seed: add_duplicates(
        samples, len(samples) // 10, seed=seed, kinds=(kind,)
    )


def disagreeing_copies(
    samples: SegmentationDataset, seed: int
) -> tuple[SegmentationDataset, Indices]:
    """Add copies with the masks of other samples, if over 30 % of the pixels differ."""
    copied, which = add_duplicates(samples, len(samples) // 10, seed=seed)
    masks = np.asarray(copied.masks, dtype=np.uint8).copy()
    others = np.roll(masks[which], 1, axis=0)
    differing = (others != masks[which]).mean(axis=(1, 2)) > 0.3
    masks[which[differing]] = others[differing]
    return SegmentationDataset(copied.images, masks, copied.names, copied.groups), which[differing]


def spoil_images(
    spoil: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
) -> Callable[[SegmentationDataset, int], tuple[SegmentationDataset, Indices]]:
    """Return a function that spoils the images of 2 % of the samples."""

    def plant(samples: SegmentationDataset, seed: int) -> tuple[SegmentationDataset, Indices]:
        chosen = chosen_samples(len(samples), seed)
        images = np.asarray(samples.images, dtype=np.uint8).copy()
        for index in chosen:
            images[index] = spoil(images[index])
        return SegmentationDataset(images, samples.masks, samples.names, samples.groups), chosen

    return plant


def spoil_masks(
    spoil: Callable[[NDArray[np.uint8], np.random.Generator], None],
) -> Callable[[SegmentationDataset, int], tuple[SegmentationDataset, Indices]]:
    """Return a function that spoils the masks of 2 % of the samples."""

    def plant(samples: SegmentationDataset, seed: int) -> tuple[SegmentationDataset, Indices]:
        chosen = chosen_samples(len(samples), seed)
        masks = np.asarray(samples.masks, dtype=np.uint8).copy()
        rng = np.random.default_rng(seed)
        for index in chosen:
            spoil(masks[index], rng)
        return SegmentationDataset(samples.images, masks, samples.names, samples.groups), chosen

    return plant


def stretched(image: NDArray[np.uint8], low: float, high: float) -> NDArray[np.uint8]:
    """Return the image with black below one percentile and white above another."""
    black, white = np.percentile(image, (low, high))
    levels = (image - black) * 255 / max(white - black, 1)
    return np.asarray(np.clip(levels, 0, 255), dtype=np.uint8)


def chosen_samples(count: int, seed: int) -> Indices:
    """Return 2 % of the samples, ascending."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(count, max(2, count // 50), replace=False))


def add_islands(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Add ten stray pixels of another class of terrain."""
    rows, columns = (rng.integers(2, side - 2, 10) for side in mask.shape)
    mask[rows, columns] = 1 + mask[rows, columns] % 4


def add_slivers(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Add three lines, one pixel wide, across the mask."""
    for row in rng.choice(np.arange(4, mask.shape[0] - 4, 6), 3, replace=False):
        mask[row, 5:-5] = 1 + mask[row, mask.shape[1] // 2] % 4


def empty(mask: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Remove all labels."""
    mask[:] = 0


PLANTED = (
    Planted(
        "aliens, one mask for all",
        lambda s, seed: add_aliens(s, len(s) // 25, seed=seed),
        ("repeated-mask",),
    ),
    Planted(
        "aliens, masks of their own",
        lambda s, seed: add_aliens(s, len(s) // 25, seed=seed, masks="own"),
        ("content-outlier",),
        action="reject",
    ),
    Planted("copies, exact", copies("exact"), ("duplicate-image",)),
    Planted("copies, JPEG", copies("jpeg"), ("near-duplicate",), also_before=True),
    Planted(
        "copies, shifted by 2 pixels", copies("shifted"), ("near-duplicate",), also_before=True
    ),
    Planted(
        "copies, 5 % brighter or darker", copies("brighter"), ("near-duplicate",), also_before=True
    ),
    Planted("copies with other masks", disagreeing_copies, ("copies-disagree",), also_before=True),
    Planted(
        "images of one gray level",
        spoil_images(lambda image: np.full_like(image, 90)),
        ("constant-image",),
    ),
    Planted(
        "saturated images",
        spoil_images(lambda image: stretched(image, 30, 70)),
        ("saturated-image",),
    ),
    Planted("images of 3 bits", spoil_images(lambda image: image // 32 * 32), ("lost-bits",)),
    Planted(
        "images stored as 0..1",
        spoil_images(lambda image: stretched(image, 49, 51) // 128),
        ("lost-bits",),
    ),
    Planted("masks without labels", spoil_masks(empty), ("few-labels",)),
    Planted("islands in masks", spoil_masks(add_islands), ("islands",), also_before=True),
    Planted("slivers in masks", spoil_masks(add_slivers), ("slivers",), also_before=True),
    Planted("swapped masks", lambda s, seed: swap_masks(s, 0.02, seed=seed), ("unlikely-mask",)),
    Planted("mirrored masks", lambda s, seed: mirror_masks(s, 0.02, seed=seed), ("mirrored-mask",)),
    Planted(
        "shifted masks",
        lambda s, seed: shift_masks(s, 0.02, seed=seed),
        ("unlikely-mask", "mirrored-mask"),
    ),
)
"""The issues that the audit finds in single samples without a model."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--samples", type=int, default=1000, help="clean samples to plant issues in"
    )
    parser.add_argument("--seeds", type=int, default=2, help="repetitions with other samples")
    parser.add_argument("--data", type=Path, help="plant in these labeled samples instead")
    parser.add_argument(
        "--tiles", type=int, help="instead: time the whole audit of this many tiles"
    )
    parser.add_argument("--jobs", type=int, default=1, help="threads of the timed audit")
    args = parser.parse_args()
    if args.tiles:
        time_audit(args.tiles, args.jobs)
    else:
        clean = [clean_samples(args.data, args.samples, seed) for seed in range(args.seeds)]
        score_checks(clean)


def score_checks(clean: Sequence[SegmentationDataset]) -> None:
    """Print precision and recall for each planted issue."""
    print(f"{len(clean)} x {len(clean[0])} samples")
    print(f"{'planted':<34}{'found as':<32}{'n':>5}{'precision':>11}{'recall':>8}")
    for each in PLANTED:
        found = planted = right = 0
        for seed, samples in enumerate(clean):
            flawed, indices = each.plant(samples, seed)
            before = found_samples(samples, each.issues, each.action) if each.also_before else set()
            flagged = found_samples(flawed, each.issues, each.action) - before
            issues = set(indices.tolist()) - before
            found, planted = found + len(flagged), planted + len(issues)
            right += len(flagged & issues)
        precision = f"{right / found:.2f}" if found else "-"
        names = ", ".join(each.issues)
        print(f"{each.what:<34}{names:<32}{planted:>5}{precision:>11}{right / planted:>8.2f}")


def found_samples(samples: SegmentationDataset, issues: Sequence[str], action: str) -> set[int]:
    """Return the samples with a finding of one of the checks."""
    findings = audit_samples(samples, issues=issues).findings
    return {each.index for each in findings if action in ("any", each.action)}


def time_audit(count: int, jobs: int) -> None:
    """Print time and peak memory of the whole audit of `count` tiles."""
    samples = many_tiles(count)
    finished: dict[str, float] = {}
    start = time.perf_counter()
    cache = Cache(jobs=jobs, progress=lambda task, _done, _all: finished.update({task: clock()}))
    audit = audit_samples(samples, cache=cache)
    elapsed, used = time.perf_counter() - start, clock()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{count} tiles of 64x128, {jobs} jobs: {elapsed:.0f} s, {used:.0f} s of processor time")
    print(f"peak memory {peak:.2f} GiB, of which the tiles {2 * count * 64 * 128 / 2**30:.2f} GiB")
    print(f"{len(audit.findings)} findings")
    for what, seconds in finished.items():
        print(f"  {what:<24} done after {seconds:.0f} s of processor time")


def clock() -> float:
    """Return the processor time of all threads."""
    return time.process_time()


def many_tiles(count: int) -> SegmentationDataset:
    """Return different tiles, made fast: blends of two random crops of synthetic frames."""
    frames = draw_set(SyntheticMars(height=256, width=256, seed=9), 48)
    rng = np.random.default_rng(0)
    images = np.empty((count, 64, 128), dtype=np.uint8)
    masks = np.empty_like(images)
    for image, mask in zip(images, masks, strict=True):
        one, two = rng.integers(0, len(frames), 2)
        down, right, other_down, other_right = rng.integers(0, (193, 129, 193, 129))
        flip = slice(None, None, rng.choice((-1, 1)))
        first = frames.images[one][down : down + 64, right : right + 128].astype(float)
        second = frames.images[two][other_down : other_down + 64, other_right : other_right + 128]
        image[:] = (0.6 * first + 0.4 * second)[:, flip]
        label = np.asarray(frames.masks)[one]
        mask[:] = label[down : down + 64, right : right + 128][:, flip]
    return SegmentationDataset(images, masks, tuple(f"tile-{index}" for index in range(count)))


if __name__ == "__main__":
    main()
