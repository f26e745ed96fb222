"""How well tiles of one frame are recognized by their edges, where the frames are known.

    python benchmarks/adjacency.py terrain64.npz terrain64_train_frames.txt

Prints the number of pairs and their precision, and the share of test samples whose frame is also in
the training split: the median over five seeds without groups, and with the groups that are found.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from areoseg.data.adjacency import find_adjacent, group_tiles
from areoseg.data.load import read_data
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import split_samples

SEEDS = range(5)


def main() -> None:
    """Compare the pairs that are found, and the splits, with the frames."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("frames", type=Path, help="text file with the frame of each sample")
    arguments = parser.parse_args()
    samples = read_data(arguments.data, groups="none").labeled
    frames = np.array(arguments.frames.read_text().split())
    pairs = find_adjacent(np.asarray(samples.images))
    for direction in ("right", "below"):
        same = [frames[p.first] == frames[p.second] for p in pairs if p.direction == direction]
        print(f"{direction}: {len(same)} pairs, precision {np.mean(same):.3f}")
    print(f"test samples whose frame is in training, no groups: {_leaked(samples, frames):.1%}")
    grouped, _ = group_tiles(samples)
    print(f"test samples whose frame is in training, found groups: {_leaked(grouped, frames):.1%}")
    known = replace(samples, groups=tuple(frames))
    print(f"test samples whose frame is in training, known frames: {_leaked(known, frames):.1%}")


def _leaked(samples: SegmentationDataset, frames: np.ndarray) -> float:
    """Return the median share over the seeds."""
    shares = []
    for seed in SEEDS:
        split = split_samples(samples, seed=seed)
        shares.append(np.isin(frames[list(split.test)], frames[list(split.train)]).mean())
    return float(np.median(shares))


if __name__ == "__main__":
    main()
