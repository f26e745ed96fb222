"""Fits of temperature and class offsets to logits with known classes.

The temperature makes confidences match accuracies (Guo et al. 2017, arXiv 1706.04599). The offsets
raise mean IoU, in which a rare class counts as much as a common one, although cross-entropy sees
few of its pixels. Menon et al. 2021, arXiv 2007.07314, derive offsets from the class shares; here
they are searched, since IoU is not a sum over pixels.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from areoseg.metrics.confusion import Counts

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.25, 4.0
"""Bounds of the temperature: on samples without errors the optimum would be 0."""

MAX_OFFSET = 3.0
"""Largest absolute offset: a factor of 20 on the odds of a class."""

OFFSET_STEP = 0.1
MAX_ITERATIONS = 10

MAX_BACKGROUND_PENALTY = 6.0
"""Largest negative offset of background: a factor of 400 on its odds."""

MAX_BACKGROUND_COST = 0.002
"""How much predictions of background may lower a score that counts terrain only."""

Offsets = NDArray[np.float64]

Score = Callable[[Counts], NDArray[np.float64]]
"""Computes the scores (...) of a batch of confusion matrices (..., C, C)."""


@dataclass(frozen=True)
class LabeledPixels:
    """Pixels with logits, true class and group.

    Attributes:
        logits: (P, C) float32, without temperature and offsets.
        targets: (P,) class indices.
        groups: (P,) index of the group of each pixel.
        class_weights: (C,) number of dataset pixels that each pixel of a class represents.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.intp]
    groups: NDArray[np.intp]
    class_weights: NDArray[np.float64]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the number of dataset pixels that each pixel represents (P,)."""
        return self.class_weights[self.targets]

    def select(self, mask: NDArray[np.bool_]) -> "LabeledPixels":
        """Return the pixels where `mask` (P,) is true."""
        return LabeledPixels(
            self.logits[mask], self.targets[mask], self.groups[mask], self.class_weights
        )


def half_splits(
    pixels: LabeledPixels, rare: int, *, repeats: int, seed: int = 0
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split the groups into two random halves, several times; fit to each half, test on the other.

    Groups with a similar number of pixels of the rare class are paired, and one of each pair goes
    to each half, so that both halves have some.

    Args:
        pixels: P pixels of at least two groups.
        rare: The rare class.
        repeats: Number of random splits.
        seed: Seed of the splits.

    Yields:
        2 x `repeats` pairs of masks (P,): the pixels to fit to and those to test on.
    """
    generator = np.random.default_rng(seed)
    names, group = np.unique(pixels.groups, return_inverse=True)
    n_groups = len(names)
    rare_pixels = np.bincount(group[pixels.targets == rare], minlength=n_groups)
    for _ in range(repeats):
        order = generator.permutation(n_groups)
        order = order[np.argsort(-rare_pixels[order], kind="stable")]
        in_first = np.zeros(n_groups, dtype=bool)
        for start in range(0, n_groups, 2):
            in_first[generator.permutation(order[start : start + 2])[0]] = True
        first = in_first[group]
        yield first, ~first
        yield ~first, first


def fit_temperature(pixels: LabeledPixels, offsets: Offsets) -> float:
    """Find the temperature T with the smallest cross-entropy of softmax((logits + offsets) / T).

    Args:
        pixels: P pixels of C classes.
        offsets: (C,) added to the logits.

    Returns:
        T in `MIN_TEMPERATURE` to `MAX_TEMPERATURE`.
    """
    # Classes first, so that sums over them add whole rows. The largest logit becomes 0.
    logits = np.ascontiguousarray((pixels.logits + offsets).astype(np.float32).T)
    logits -= logits.max(axis=0)
    target_logits = logits[pixels.targets, np.arange(len(pixels.targets))]
    weights = pixels.weights

    def cross_entropy(log_temperature: float) -> float:
        inverse = np.float32(np.exp(-log_temperature))
        losses = np.log(np.exp(logits * inverse).sum(axis=0)) - target_logits * inverse
        return float(np.average(losses, weights=weights))

    found = minimize_scalar(
        cross_entropy,
        bounds=(np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def fit_offsets(pixels: LabeledPixels, score: Score, classes: Sequence[int]) -> Offsets:
    """Search for the offsets with the best score by coordinate ascent.

    Args:
        pixels: The pixels to fit to.
        score: The score to maximize.
        classes: The classes whose offsets may change; the others stay at 0. Leave one out, since
            only differences matter.

    Returns:
        (C,) offsets, multiples of `OFFSET_STEP` within +-`MAX_OFFSET`.
    """
    offsets = np.zeros(pixels.logits.shape[1])
    steps = round(MAX_OFFSET / OFFSET_STEP)
    grid = np.linspace(-MAX_OFFSET, MAX_OFFSET, 2 * steps + 1)
    for _ in range(MAX_ITERATIONS):
        before = offsets.copy()
        for moved in classes:
            scores = score(confusions_by_offset(pixels, offsets, moved, grid))
            if np.isnan(scores).all():
                continue
            best = scores >= np.nanmax(scores) - 1e-9
            offsets[moved] = min(grid[best], key=abs)  # the smallest of equally good offsets
        if np.array_equal(offsets, before):
            break
    return offsets


def fit_background_offset(
    pixels: LabeledPixels, score: Score, offsets: Offsets, background: int
) -> float:
    """Find the largest background offset that hardly lowers a score of terrain only.

    Such a score is highest if background is never predicted. Predictions of background may lower it
    by `MAX_BACKGROUND_COST`.

    Args:
        pixels: Pixels of terrain.
        score: The score.
        offsets: (C,) offsets of all classes; that of background is not used.
        background: Its class index.

    Returns:
        A multiple of `OFFSET_STEP` from -`MAX_BACKGROUND_PENALTY` to 0.
    """
    grid = np.linspace(-MAX_BACKGROUND_PENALTY, 0, round(MAX_BACKGROUND_PENALTY / OFFSET_STEP) + 1)
    without_background, *scores = score(
        confusions_by_offset(pixels, offsets, background, np.array([-np.inf, *grid]))
    )
    cheap = grid[np.array(scores) >= without_background - MAX_BACKGROUND_COST]
    return float(cheap[-1]) if cheap.size else -MAX_BACKGROUND_PENALTY


def confusions_by_offset(
    pixels: LabeledPixels, offsets: Offsets, moved: int, grid: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute the confusion matrix for each value of one class's offset, in one pass.

    A pixel is predicted as the moved class once its offset exceeds a margin: the best logit of the
    other classes less that of the moved class. A histogram of the margins gives all matrices.

    Args:
        pixels: P pixels of C classes.
        offsets: (C,) offsets of all classes; that of the moved class is not used.
        moved: The class whose offset takes the values of the grid.
        grid: (G,) ascending.

    Returns:
        (G, C, C): rows are the true class, columns the predicted one.
    """
    classes = pixels.logits.shape[1]
    others = pixels.logits + offsets
    others[:, moved] = -np.inf
    runner_up = others.argmax(axis=1)
    margins = others[np.arange(len(others)), runner_up] - pixels.logits[:, moved]
    first = np.searchsorted(grid, margins, side="right")  # grid[first] exceeds the margin

    bins = (first * classes + pixels.targets) * classes + runner_up
    counts = np.bincount(bins, minlength=(len(grid) + 1) * classes**2)
    counts = counts.reshape(len(grid) + 1, classes, classes)
    moved_here = counts.cumsum(axis=0)[:-1]  # (G, true, runner-up): predicted as the moved class
    confusions = counts.sum(axis=0) - moved_here
    confusions[:, :, moved] = moved_here.sum(axis=2)
    weighted: NDArray[np.float64] = confusions * pixels.class_weights[:, np.newaxis]
    return weighted
