"""How often the true share of a class lies within the bounds that `predict` writes.

    python benchmarks/shares.py DATA [--model flagship-256] [--split test]

DATA is the dataset of the model, a bundled one or a run. On the labeled ground of each image of the
split, the share of each class that occurs there is compared with the shares of pixels whose
probability exceeds the upper and the lower threshold of `areoseg.inference.summary`, and of others.
"""

import argparse

import numpy as np

import areoseg
from areoseg.data.load import read_data
from areoseg.evaluation.score import select_split
from areoseg.inference.summary import CERTAIN, POSSIBLE
from areoseg.runs.run import open_run
from areoseg.taxonomy import VOID

THRESHOLDS = ((CERTAIN, POSSIBLE), (0.75, 0.25))


def main() -> None:
    """Count the true shares within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--model", default="flagship-256")
    parser.add_argument("--split", default="test")
    arguments = parser.parse_args()
    run = open_run(arguments.model)
    model = areoseg.load(arguments.model, background=False)
    samples = select_split(read_data(arguments.data).labeled, run, arguments.split)
    within: dict[tuple[float, float], list[bool]] = {pair: [] for pair in THRESHOLDS}
    for index in range(len(samples)):
        sample = samples[index]
        ground = (sample.mask != VOID) & (sample.mask != run.taxonomy.background)
        probabilities = model(sample.image).probabilities[:, ground]
        for terrain in run.taxonomy.terrain:
            true = (sample.mask[ground] == terrain).mean() if ground.any() else 0.0
            if true == 0:
                continue
            for certain, possible in THRESHOLDS:
                low = (probabilities[terrain] > certain).mean()
                high = (probabilities[terrain] > possible).mean()
                within[certain, possible].append(bool(low <= true <= high))
    print(f"{len(samples)} images of the {arguments.split} split")
    for (certain, possible), found in within.items():
        print(f"above {certain} to above {possible}: {np.mean(found):.1%} of {len(found)} shares")


if __name__ == "__main__":
    main()
