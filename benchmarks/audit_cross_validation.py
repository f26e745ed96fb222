"""What `areoseg audit --cross-validate` finds of planted mask issues, and how long it takes.

    python benchmarks/audit_cross_validation.py                    # synthetic samples
    python benchmarks/audit_cross_validation.py --data mars.npz    # kept samples of real data
    python benchmarks/audit_cross_validation.py --issues mirrored  # only these
    python benchmarks/audit_cross_validation.py --seeds 5 6 7      # other samples and issues
    python benchmarks/audit_cross_validation.py --sets 25          # 25 sets of issues in turn

Precision and recall are pooled over the seeds. Masks that change less than a fifth of the labeled
pixels do not count, found or not. Precision counts every other finding, including those in clean
samples and of issues that the data had before. Beside the recall is that of the issues which assign
another class of terrain to a fifth of the labeled pixels. The others mostly move what was left
unlabeled, which an image does not determine.

With `--sets` the networks learn from the samples before issues are planted, so that one
cross-validation serves all sets and all kinds of issues. That makes the recall more certain; the
correct samples, and which of them are flagged, are the same in each set.
"""

import argparse
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import audit_samples
from areoseg.audit.segmenter import cross_val_predict
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import mirror_masks, shift_masks, swap_masks
from areoseg.synthetic.issues import Indices
from clean_samples import clean_samples

SHARE = 0.02
"""Share of the masks with planted issues."""

MIN_CHANGE = 0.2
"""Share of the labeled pixels that an issue must change to count."""

Plant = Callable[..., tuple[SegmentationDataset, Indices]]

PLANTED: dict[str, tuple[Plant, str]] = {
    "swapped": (swap_masks, "swapped-mask"),
    "mirrored": (mirror_masks, "moved-mask"),
    "shifted": (shift_masks, "moved-mask"),
}
"""What is planted, and the check that should find it."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--samples", type=int, default=1000, help="clean samples to plant issues in"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one training each")
    parser.add_argument("--data", type=Path, help="plant in these labeled samples instead")
    parser.add_argument("--sets", type=int, help="sets of issues to plant per training")
    parser.add_argument("--issues", nargs="+", choices=PLANTED, default=list(PLANTED))
    args = parser.parse_args()
    for what in args.issues:
        found = counted = right = terrain = terrain_right = 0
        start, used = time.perf_counter(), time.process_time()
        for seed in args.seeds:
            samples = clean_samples(args.data, args.samples, seed)
            probabilities = predicted(args.data, args.samples, seed) if args.sets else None
            for number in range(args.sets or 1):
                flagged, issues, of_terrain = find(
                    samples, what, seed + 1000 * number, probabilities
                )
                found, counted = found + len(flagged), counted + len(issues)
                terrain += len(of_terrain)
                right += len(flagged & issues)
                terrain_right += len(flagged & of_terrain)
        elapsed, used = time.perf_counter() - start, time.process_time() - used
        precision = f"{right / found:.2f}" if found else "-"
        print(
            f"{what:<10} as {PLANTED[what][1]:<13} n {counted:<4} precision {precision}"
            f" recall {right / max(1, counted):.2f};"
            f" terrain n {terrain:<4} recall {terrain_right / max(1, terrain):.2f}"
            f"  ({elapsed / len(args.seeds):.0f} s per seed,"
            f" {used / len(args.seeds):.0f} s of processor time)",
            flush=True,
        )


@cache
def predicted(data: Path | None, count: int, seed: int) -> list[NDArray[np.float16]]:
    """Return class probabilities of the samples before issues are planted."""
    return cross_val_predict(clean_samples(data, count, seed))


def find(
    samples: SegmentationDataset,
    what: str,
    seed: int,
    probabilities: list[NDArray[np.float16]] | None,
) -> tuple[set[int], set[int], set[int]]:
    """Return the samples found, those with the issue, and of these those with other terrain.

    Trivial issues are left out of all. Without probabilities, networks are trained on the samples
    with the issues in them.
    """
    plant, issue = PLANTED[what]
    flawed, indices = plant(samples, SHARE, seed=seed)
    shares = {int(index): changed(samples, flawed, index) for index in indices}
    issues = {index for index, (any_change, _) in shares.items() if any_change >= MIN_CHANGE}
    of_terrain = {index for index, (_, terrain) in shares.items() if terrain >= MIN_CHANGE}
    if probabilities is None:
        probabilities = cross_val_predict(flawed)
    findings = audit_samples(flawed, issues=(issue,), probabilities=probabilities).findings
    return {finding.index for finding in findings} - (shares.keys() - issues), issues, of_terrain


def changed(
    samples: SegmentationDataset, flawed: SegmentationDataset, index: int
) -> tuple[float, float]:
    """Return the share of labeled pixels that changed, and of those labeled before too."""
    before, after = samples[index].mask, flawed[index].mask
    assert before is not None
    assert after is not None
    labeled: NDArray[np.bool_] = (after != 0) & (after != 255)
    if not labeled.any():
        return 0.0, 0.0
    differs = (before != after) & labeled
    of_terrain = differs & (before != 0) & (before != 255)
    return float(differs.sum() / labeled.sum()), float(of_terrain.sum() / labeled.sum())


if __name__ == "__main__":
    main()
