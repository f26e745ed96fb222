"""How well the derived background agrees with rover and range masks.

    python benchmarks/ground.py PATH [--scale 0.25]

PATH is AI4Mars as distributed (the folder msl). Where a dataset has no rover and range masks, the
background gate learns from the unlabeled regions that `find_not_ground` derives from the labels;
here both are known. Prints, over the frames, the median and the lowest share of the masked pixels
that are derived, and of the derived pixels that are masked.
"""

import argparse

import numpy as np

from areoseg.data.ground import find_not_ground
from areoseg.data.load import read_data
from areoseg.taxonomy import MARS

LABELS = ("masked pixels derived", "derived pixels masked")


def main() -> None:
    """Compare the two for every frame that has masks and labels."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path")
    parser.add_argument("--scale", type=float, default=0.25)
    arguments = parser.parse_args()
    frames = read_data(arguments.path, scale=arguments.scale).labeled
    shares = []
    for index in range(len(frames)):
        frame = frames[index]
        unlabeled = frame.mask == MARS.background
        if frame.not_ground is None or unlabeled.all():
            continue
        derived = find_not_ground(unlabeled)
        both = (derived & frame.not_ground).sum()
        shares.append((both / max(1, frame.not_ground.sum()), both / max(1, derived.sum())))
    print(f"{len(shares)} frames with labels and masks")
    for name, values in zip(LABELS, np.transpose(shares), strict=True):
        print(f"{name}: median {np.median(values):.3f}, lowest {min(values):.3f}")


if __name__ == "__main__":
    main()
