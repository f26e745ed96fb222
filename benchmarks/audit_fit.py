"""What `areoseg audit --fit` finds of planted mask issues, and how long the fit takes.

    python benchmarks/audit_fit.py                    # synthetic samples
    python benchmarks/audit_fit.py --data mars.npz    # planted in the kept samples of real data
    python benchmarks/audit_fit.py --issues mirrored  # only these
    python benchmarks/audit_fit.py --seeds 5 6 7      # other samples, other issues in them
    python benchmarks/audit_fit.py --sets 25          # 25 sets of issues, one after the other

Precision and recall are pooled over the seeds. Masks that change less than a fifth of the labeled
pixels do not count, found or not. Precision counts every other finding, so that one in a clean
sample costs, also where the data have an issue of their own. Beside the recall stands that of the
issues which give a fifth of the labeled pixels another class of terrain. The others mostly move
what was left unlabeled, and a picture does not show what people leave out.

With `--sets` the segmenters learn from the samples before issues are planted, so that one fit
serves all sets and all kinds of issues. That makes the recall surer; the sound samples, and which
of them are flagged, are the same in each set.
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
from areoseg.synthetic import mirror_masks
from areoseg.synthetic import shift_masks
from areoseg.synthetic import swap_masks
from areoseg.synthetic.issues import Indices
from clean_samples import clean_samples

SHARE = 0.02
"""Share of the masks that are spoilt."""

LEAST_CHANGE = 0.2
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
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one fit for each")
    parser.add_argument("--data", type=Path, help="plant in these labeled samples instead")
    parser.add_argument("--sets", type=int, help="plant so many sets of issues after each fit")
    parser.add_argument("--issues", nargs="+", choices=PLANTED, default=list(PLANTED))
    asked = parser.parse_args()
    for what in asked.issues:
        found = counted = right = terrain = terrain_right = 0
        start, used = time.perf_counter(), time.process_time()
        for seed in asked.seeds:
            samples = clean_samples(asked.data, asked.samples, seed)
            probabilities = fitted(asked.data, asked.samples, seed) if asked.sets else None
            for number in range(asked.sets or 1):
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
            f"  ({elapsed / len(asked.seeds):.0f} s a seed,"
            f" {used / len(asked.seeds):.0f} s of processor)",
            flush=True,
        )


@cache
def fitted(data: Path | None, count: int, seed: int) -> list[NDArray[np.float16]]:
    """Class probabilities of the samples of a seed before issues are planted."""
    return cross_val_predict(clean_samples(data, count, seed))


def find(
    samples: SegmentationDataset,
    what: str,
    seed: int,
    probabilities: list[NDArray[np.float16]] | None,
) -> tuple[set[int], set[int], set[int]]:
    """The samples that are found, those that have the issue, and of these those of other terrain.

    Trifling issues are left out of all. Without probabilities, segmenters are fitted to the samples
    with the issues in them.
    """
    plant, issue = PLANTED[what]
    flawed, indices = plant(samples, SHARE, seed=seed)
    shares = {int(index): changed(samples, flawed, index) for index in indices}
    issues = {index for index, (any_change, _) in shares.items() if any_change >= LEAST_CHANGE}
    of_terrain = {index for index, (_, terrain) in shares.items() if terrain >= LEAST_CHANGE}
    if probabilities is None:
        probabilities = cross_val_predict(flawed)
    findings = audit_samples(flawed, issues=(issue,), probabilities=probabilities).findings
    return {finding.index for finding in findings} - (shares.keys() - issues), issues, of_terrain


def changed(
    samples: SegmentationDataset, flawed: SegmentationDataset, index: int
) -> tuple[float, float]:
    """Share of the labeled pixels of a sample that changed, and that were labeled before too."""
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
