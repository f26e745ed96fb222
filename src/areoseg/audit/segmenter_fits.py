"""How well masks fit the class probabilities of a segmenter, as they are and moved.

Every sample is looked at in 32 x 64 points, whatever its size.
"""

import itertools
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.confident_disagreement import Probabilities
from areoseg.audit.thumbnails import Floats
from areoseg.utils.images import Mask

GRID = (32, 64)
"""Rows and columns of the points."""

DOUBT = 0.05
"""The chance that a segmenter is given to be wrong, however sure it is."""

LEAST_JUDGED = 0.05
"""Share of the points that must be judged."""

BACKGROUND_COUNTS = 0.5
"""How much evidence of background weighs beside that of the other classes.

What is left unlabeled is partly seen, such as the sky, and partly a whim of who drew the mask.
"""

SHIFTS = tuple(
    (down, right)
    for down, right in itertools.product(range(-6, 7, 2), range(-8, 9, 2))
    if (down, right) != (0, 0)
)
"""Shifts that are tried, in points: up to 19 % of the height and 12 % of the width."""

Labels = NDArray[np.intp]
"""The labels (32, 64) of the points of a mask, -1 where a point is not judged."""

MIRRORS: dict[str, Callable[[Labels], Labels]] = {
    "mirrored left-right": lambda labels: labels[:, ::-1],
    "mirrored top-bottom": lambda labels: labels[::-1],
    "turned upside down": lambda labels: labels[::-1, ::-1],
}
"""Ways to move a mask that lose nothing of it."""


@dataclass(frozen=True)
class SegmenterFits:
    """Mean log-probabilities of the labels of N masks; NaN where hardly any label is judged.

    Attributes:
        own: (N,) on the mask's own image.
        average: (N,) on the average image of the set.
        mirrored: (N,) for each way in `MIRRORS`, of the mask moved that way.
        mirror_gain: (N,) for each way in `MIRRORS`, what moving the mask that way gains: `gain`.
        shift_gain: (N,) the same of the best shift.
        shift: (N, 2) that shift, as shares of height and width, down and right.
    """

    own: NDArray[np.float64]
    average: NDArray[np.float64]
    mirrored: dict[str, NDArray[np.float64]]
    mirror_gain: dict[str, NDArray[np.float64]]
    shift_gain: NDArray[np.float64]
    shift: NDArray[np.float64]


def segmenter_fits(
    probabilities: Probabilities,
    masks: Sequence[Mask] | Mask,
    judged: NDArray[np.bool_],
    background: int = 0,
    progress: Callable[[int], None] | None = None,
) -> SegmenterFits:
    """Fit every mask to the probabilities of its image.

    Args:
        probabilities: For each of N samples (C, H, W).
        masks: N masks.
        judged: (C,) which classes count.
        background: The class that counts as not labeled.
        progress: Told how many samples are done.
    """
    count = len(masks)
    average = sum(log_points(each).astype(np.float64) for each in probabilities) / max(1, count)
    own, on_average, shift_gain, shift = (
        np.zeros(shape) for shape in (count, count, count, (count, 2))
    )
    mirrored, mirror_gain = ({way: np.zeros(count) for way in MIRRORS} for _ in range(2))
    for index, (each, mask) in enumerate(zip(probabilities, masks, strict=True)):
        logs, labels = log_points(each), label_points(mask, judged)
        odds = background_odds(logs, background)
        own[index] = fit(logs, labels)
        on_average[index] = fit(np.asarray(average), labels)
        for way, move in MIRRORS.items():
            mirrored[way][index] = fit(logs, move(labels))
            mirror_gain[way][index] = gain(logs, odds, labels, move(labels), background)
        shift_gain[index], shift[index] = _best_shift(logs, odds, labels, background)
        if progress is not None:
            progress(index + 1)
    return SegmenterFits(own, on_average, mirrored, mirror_gain, shift_gain, shift)


def gain(logs: Floats, odds: Floats, labels: Labels, moved: Labels, background: int) -> float:
    """What a mask gains in mean log-probability by being moved.

    Two kinds of evidence are added. Where the mask gives another class before and after, how much
    likelier the one is than the other: that does not depend on what was left unlabeled. And
    everywhere, how likely it is that there is background or not, which counts by half.

    Args:
        logs: (C, 32, 64), from `log_points`.
        odds: (32, 64), from `background_odds`.
        labels: The mask's labels.
        moved: The same, moved.
        background: The class that counts as not labeled.

    Returns:
        0 where hardly any point is judged in both.
    """
    both = (labels >= 0) & (moved >= 0)
    if both.mean() < LEAST_JUDGED:
        return 0.0
    now, before = (moved == background)[both], (labels == background)[both]
    unlabeled = float((odds[both] * (now.astype(np.float32) - before)).mean())
    differences = _values(logs, moved)[0][both] - _values(logs, labels)[0][both]
    terrain = ~now & ~before
    enough = terrain.sum() >= LEAST_JUDGED * labels.size
    return BACKGROUND_COUNTS * unlabeled + (float(differences[terrain].mean()) if enough else 0.0)


def background_odds(logs: Floats, background: int) -> Floats:
    """The log of how much likelier background is than all other classes, at the points."""
    share = np.exp(logs[background])
    return np.asarray(np.log(share / (1 - share)), dtype=np.float32)


def best_other_image(
    probabilities: Probabilities, labels: Sequence[Labels]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The sample (M,) whose probabilities fit each of M masks best, and its fit (M,)."""
    best = np.zeros(len(labels), dtype=np.int64)
    fits = np.full(len(labels), -np.inf)
    if not labels:
        return best, fits
    for index, each in enumerate(probabilities):
        logs = log_points(each)
        here = np.array([fit(logs, one) for one in labels])
        best[here > fits] = index
        fits = np.fmax(fits, here)
    return best, fits


def log_points(probabilities: NDArray[np.floating[Any]]) -> Floats:
    """Log-probabilities (C, 32, 64) at the points of a sample (C, H, W)."""
    classes, height, width = probabilities.shape
    rows, columns = _positions(height, width)
    points = probabilities[:, rows[:, None], columns].astype(np.float32)
    return np.asarray(np.log((1 - DOUBT) * points + DOUBT / classes), dtype=np.float32)


def label_points(mask: Mask, judged: NDArray[np.bool_]) -> Labels:
    """The labels at the points of a mask (H, W)."""
    rows, columns = _positions(*mask.shape)
    labels = mask[rows[:, None], columns].astype(np.intp)
    known = labels < len(judged)
    return np.where(known & judged[np.where(known, labels, 0)], labels, -1)


def fit(logs: NDArray[np.floating[Any]], labels: Labels) -> float:
    """Mean log-probability of the labels that are judged; NaN where they are too few."""
    values, known = _values(logs, labels)
    return float(values[known].mean()) if known.mean() >= LEAST_JUDGED else float("nan")


def _best_shift(
    logs: Floats, odds: Floats, labels: Labels, background: int
) -> tuple[float, tuple[float, float]]:
    """What the best shift of the labels gains, and the shift as shares of height and width."""
    best = (0.0, (0.0, 0.0))
    for down, right in SHIFTS:
        moved = np.full_like(labels, -1)
        moved[_ahead(down, GRID[0]), _ahead(right, GRID[1])] = labels[
            _ahead(-down, GRID[0]), _ahead(-right, GRID[1])
        ]
        gained = gain(logs, odds, labels, moved, background)
        best = max(best, (gained, (down / GRID[0], right / GRID[1])))
    return best


def _values(
    logs: NDArray[np.floating[Any]], labels: Labels
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """The log-probability of each label, and which of them are judged."""
    known = labels >= 0
    return np.take_along_axis(logs, np.where(known, labels, 0)[None], axis=0)[0], known


def _ahead(shift: int, length: int) -> slice:
    """Where points that were shifted come to lie within a side."""
    return slice(max(0, shift), length + min(0, shift))


def _positions(height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the points, which a mirror leaves in place."""
    rows, columns = (
        ((np.arange(points) + 0.5) * side / points).astype(np.intp)
        for points, side in zip(GRID, (height, width), strict=True)
    )
    return rows, columns
