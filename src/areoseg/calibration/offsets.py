"""Offsets of the logits that raise a score: logit adjustment, fitted instead of derived.

A rare class pays in mean IoU as much as a common one, but cross-entropy sees few of its pixels.
Offsets move the point at which it is answered. Menon et al. 2021, arXiv 2007.07314, derive them
from the class shares; here they are searched, since IoU is no sum over pixels.
"""

from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from areoseg.calibration.pixels import LabeledPixels
from areoseg.metrics.confusion import Counts

LARGEST = 3.0
"""No offset is larger: a factor of 20 on the odds of a class."""

STEP = 0.1
MOST_ROUNDS = 10

LONGEST_HOLD = 6.0
"""Background is held out by no more: a factor of 400 on its odds."""

COST_OF_BACKGROUND = 0.002
"""What answering background may take from a score that counts terrain alone."""

Score = Callable[[Counts], NDArray[np.float64]]
"""The score of each confusion matrix of a batch (..., C, C), (...)."""


def fit_offsets(pixels: LabeledPixels, score: Score, classes: Sequence[int]) -> NDArray[np.float64]:
    """Search the offsets with the best score, one class after the other until none moves.

    Args:
        pixels: What to fit to.
        score: What to maximize.
        classes: The classes whose offsets may move; the others stay at 0. Leave one out, since
            only differences count.

    Returns:
        (C,) offsets, multiples of `STEP` within +-`LARGEST`.
    """
    offsets = np.zeros(pixels.logits.shape[1])
    steps = round(LARGEST / STEP)
    grid = np.linspace(-LARGEST, LARGEST, 2 * steps + 1)
    for _ in range(MOST_ROUNDS):
        before = offsets.copy()
        for moved in classes:
            scores = score(confusions_by_offset(pixels, offsets, moved, grid))
            if np.isnan(scores).all():
                continue
            best = scores >= np.nanmax(scores) - 1e-9
            # Of equally good offsets the smallest.
            offsets[moved] = min(grid[best], key=abs)
        if np.array_equal(offsets, before):
            break
    return offsets


def fit_background_offset(
    pixels: LabeledPixels, score: Score, offsets: NDArray[np.float64], background: int
) -> float:
    """How far to hold background back, where the score counts terrain alone.

    Such a score is highest if background is never answered. It is answered as often as costs
    `COST_OF_BACKGROUND` at most.

    Args:
        pixels: Pixels of terrain.
        score: What background may take little from.
        offsets: (C,) of all classes; that of background is not used.
        background: Its class index.

    Returns:
        The offset of background, a multiple of `STEP` from -`LONGEST_HOLD` to 0.
    """
    holds = np.linspace(-LONGEST_HOLD, 0, round(LONGEST_HOLD / STEP) + 1)
    never, *scores = score(
        confusions_by_offset(pixels, offsets, background, np.array([-np.inf, *holds]))
    )
    cheap = holds[np.array(scores) >= never - COST_OF_BACKGROUND]
    return float(cheap[-1]) if cheap.size else -LONGEST_HOLD


def confusions_by_offset(
    pixels: LabeledPixels,
    offsets: NDArray[np.float64],
    moved: int,
    grid: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The confusion matrix for each value of one class's offset, from one look at the pixels.

    A pixel is answered as the moved class once its offset exceeds a margin: the best logit of the
    others less that of the class. A histogram of the margins thus knows all matrices.

    Args:
        pixels: P pixels of C classes.
        offsets: (C,) of all classes; that of the moved class is not used.
        moved: The class whose offset takes the values of the grid.
        grid: (G,) ascending.

    Returns:
        (G, C, C): rows are the true class, columns the answer.
    """
    classes = pixels.logits.shape[1]
    others = pixels.logits + offsets
    others[:, moved] = -np.inf
    runner_up = others.argmax(axis=1)
    margins = others[np.arange(len(others)), runner_up] - pixels.logits[:, moved]
    first = np.searchsorted(grid, margins, side="right")  # grid[first] is beyond the margin

    bins = (first * classes + pixels.targets) * classes + runner_up
    counts = np.bincount(bins, minlength=(len(grid) + 1) * classes**2)
    counts = counts.reshape(len(grid) + 1, classes, classes)
    taken = counts.cumsum(axis=0)[:-1]  # (G, truth, runner-up): answered as the moved class
    confusions = counts.sum(axis=0) - taken
    confusions[:, :, moved] = taken.sum(axis=2)
    weighted: NDArray[np.float64] = confusions * pixels.class_weights[:, np.newaxis]
    return weighted
