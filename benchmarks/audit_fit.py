"""What `areoseg audit --fit` finds of planted mask faults, and how long the fit takes.

    python benchmarks/audit_fit.py                    # synthetic scenes
    python benchmarks/audit_fit.py --data mars.npz    # planted in the kept scenes of real data
    python benchmarks/audit_fit.py --faults mirrored  # only these
    python benchmarks/audit_fit.py --seeds 5 6 7      # other scenes, other faults in them
    python benchmarks/audit_fit.py --sets 25          # 25 sets of faults, one after the other

Precision and recall are pooled over the seeds. Masks that change less than a fifth of the labelled
pixels do not count, found or not. Precision counts every other finding, so that one in a clean
scene costs, also where the data have a fault of their own. Beside the recall stands that of the
faults which give a fifth of the labelled pixels another class of terrain. The others mostly move
what was left unlabelled, and a picture does not show what people leave out.

With `--sets` the segmenters learn from the scenes before faults are planted, so that one fit serves
all sets and all kinds of faults. That makes the recall surer; the sound scenes, and which of them
are flagged, are the same in each set.
"""

import argparse
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.audit import audit_scenes
from areoseg.data.scenes import SceneSet
from areoseg.data.synthetic import mirror_masks, shift_masks, swap_masks
from areoseg.data.synthetic.faults import Indices
from areoseg.training.cross_fit import cross_fit
from clean_scenes import clean_scenes

SHARE = 0.02
"""Share of the masks that are spoilt."""

LEAST_CHANGE = 0.2
"""Share of the labelled pixels that a fault must change to count."""

Plant = Callable[..., tuple[SceneSet, Indices]]

PLANTED: dict[str, tuple[Plant, str]] = {
    "swapped": (swap_masks, "swapped-mask"),
    "mirrored": (mirror_masks, "moved-mask"),
    "shifted": (shift_masks, "moved-mask"),
}
"""What is planted, and the check that should find it."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=1000, help="clean scenes to plant faults in")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one fit for each")
    parser.add_argument("--data", type=Path, help="plant in these labelled scenes instead")
    parser.add_argument("--sets", type=int, help="plant so many sets of faults after each fit")
    parser.add_argument("--faults", nargs="+", choices=PLANTED, default=list(PLANTED))
    asked = parser.parse_args()
    for what in asked.faults:
        found = counted = right = terrain = terrain_right = 0
        start, used = time.perf_counter(), time.process_time()
        for seed in asked.seeds:
            scenes = clean_scenes(asked.data, asked.scenes, seed)
            probabilities = fitted(asked.data, asked.scenes, seed) if asked.sets else None
            for number in range(asked.sets or 1):
                flagged, faults, of_terrain = find(
                    scenes, what, seed + 1000 * number, probabilities
                )
                found, counted = found + len(flagged), counted + len(faults)
                terrain += len(of_terrain)
                right += len(flagged & faults)
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
    """Class probabilities of the scenes of a seed before faults are planted."""
    return cross_fit(clean_scenes(data, count, seed))


def find(
    scenes: SceneSet, what: str, seed: int, probabilities: list[NDArray[np.float16]] | None
) -> tuple[set[int], set[int], set[int]]:
    """The scenes that are found, those that have the fault, and of these those of other terrain.

    Trifling faults are left out of all. Without probabilities, segmenters are fitted to the scenes
    with the faults in them.
    """
    plant, fault = PLANTED[what]
    faulty, indices = plant(scenes, SHARE, seed=seed)
    shares = {int(index): changed(scenes, faulty, index) for index in indices}
    faults = {index for index, (any_change, _) in shares.items() if any_change >= LEAST_CHANGE}
    of_terrain = {index for index, (_, terrain) in shares.items() if terrain >= LEAST_CHANGE}
    if probabilities is None:
        probabilities = cross_fit(faulty)
    findings = audit_scenes(faulty, faults=(fault,), probabilities=probabilities).findings
    return {finding.index for finding in findings} - (shares.keys() - faults), faults, of_terrain


def changed(scenes: SceneSet, faulty: SceneSet, index: int) -> tuple[float, float]:
    """Share of the labelled pixels of a scene that changed, and that were labelled before too."""
    before, after = scenes[index].mask, faulty[index].mask
    assert before is not None
    assert after is not None
    labelled: NDArray[np.bool_] = (after != 0) & (after != 255)
    if not labelled.any():
        return 0.0, 0.0
    differs = (before != after) & labelled
    of_terrain = differs & (before != 0) & (before != 255)
    return float(differs.sum() / labelled.sum()), float(of_terrain.sum() / labelled.sum())


if __name__ == "__main__":
    main()
