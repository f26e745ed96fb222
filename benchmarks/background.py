"""How much of what rover and range masks exclude a model recognizes as background by itself.

    python benchmarks/background.py FRAMES [--model flagship-256] [--out OVERLAYS]

FRAMES is a folder of Navcam frames with their masks (MXY, RNG) beside them or in the folders of
AI4Mars. The model does not see the masks. Prints, for each frame and for all, the share of the
masked pixels that it predicts as background, and that of the other pixels. `--out` saves overlays.
"""

import argparse
from pathlib import Path

import numpy as np

import areoseg
from areoseg.data.readers.files import IMAGE_SUFFIXES
from areoseg.inference.ignore_masks import mission_masks, read_ignored


def main() -> None:
    """Compare the model's background with the masks of every frame."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("frames", type=Path)
    parser.add_argument("--model", default="flagship-256")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    model = areoseg.load(arguments.model)
    found, lost = [], []
    print(f"{'frame':40} {'masked':>7} {'found':>6} {'others':>6}")
    for path in sorted(arguments.frames.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or not (masks := mission_masks(path)):
            continue
        result = model(path)
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            result.overlay().save(arguments.out / f"{path.stem}.png")
        background = result.mask == result.taxonomy.background
        masked = read_ignored(masks, background.shape)
        found.append(background[masked])
        lost.append(background[~masked])
        print(f"{path.stem:40} {masked.mean():7.1%} {_mean(found[-1]):6.1%} {_mean(lost[-1]):6.1%}")
    if found:
        print(f"{'all':47} {_mean(np.concatenate(found)):7.1%} {_mean(np.concatenate(lost)):6.1%}")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")


if __name__ == "__main__":
    main()
