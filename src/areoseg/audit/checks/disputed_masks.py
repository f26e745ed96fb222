"""Masks and regions that contradict the class probabilities of a segmentation model.

The model must not have been trained on the samples that it judges, or it reproduces their errors.

Whole masks are compared with the probabilities at 32 x 64 points, whatever the size of the image.
Regions are judged by confident learning (Northcutt, Jiang and Chuang 2021): a class counts as
predicted with confidence where its probability reaches the mean that it has on the pixels labeled
with it.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from areoseg.audit.context import AuditContext, Probabilities, shared
from areoseg.audit.features import Floats
from areoseg.audit.findings import Finding, Region
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.utils.images import Mask

MIN_SAMPLES = 50
"""Minimum number of samples; smaller sets have no meaningful average image."""

SWAPPED_ABOVE = 0.7
"""Ratio of the likelihood per point on the average image to that on the mask's own image, above
which a mask is assumed to belong to another image."""

MIRRORED_BACK_BELOW = 0.6
"""Maximum of the same ratio for a mirrored mask after it has been mirrored back."""

MOVED_ABOVE: dict[str, float] = {
    "mirrored left-right": 0.2,
    "mirrored top-bottom": 0.4,
    "turned upside down": 0.4,
}
"""Gain in mean log-probability above which a mask is assumed to be moved in this way.

A sample resembles its left-right mirror image much more often than its upside-down version.
"""

SHIFTED_ABOVE = 1.0
"""The same for a shift; hand-drawn outlines are coarse and gain something from many shifts."""

MIN_OTHER_GAIN = 0.3
"""Gain in mean log-probability from which another image is reported as the swapped mask's own."""

MIN_REGION_SHARE = 0.01
"""Minimum fraction of an image that a wrong region covers."""

MAX_REGIONS = 3
"""Maximum number of wrong regions that are reported per sample."""

MIN_MARGIN = 0.8
"""Minimum margin in probability between the predicted class of a wrong region and its label."""

MIN_MEAN_PROBABILITY = 1e-3
"""Minimum mean probability over the set; other classes count as never predicted."""

GRID = (32, 64)
"""Rows and columns of the points."""

ERROR_RATE = 0.05
"""Assumed probability that the model is wrong, even if it is certain."""

MIN_JUDGED_SHARE = 0.05
"""Minimum fraction of the points that must be judged."""

BACKGROUND_WEIGHT = 0.5
"""Weight of the evidence from background, relative to that from the other classes.

Unlabeled areas depend partly on the image, for example on the sky, and partly on the annotator.
"""

SHIFTS = tuple(
    (down, right)
    for down, right in itertools.product(range(-6, 7, 2), range(-8, 9, 2))
    if (down, right) != (0, 0)
)
"""Shifts that are tried, in points: up to 19 % of the height and 12 % of the width."""

PointLabels = NDArray[np.intp]
"""Labels (32, 64) of a mask at the points, -1 where a point is not judged."""

MIRRORS: dict[str, Callable[[PointLabels], PointLabels]] = {
    "mirrored left-right": lambda labels: labels[:, ::-1],
    "mirrored top-bottom": lambda labels: labels[::-1],
    "turned upside down": lambda labels: labels[::-1, ::-1],
}
"""Ways to move a mask without loss."""


@dataclass(frozen=True)
class MaskLikelihoods:
    """Mean log-probabilities of the labels of N masks; NaN if hardly any label is judged.

    Attributes:
        own: (N,) on the mask's own image.
        average: (N,) on the average image of the set.
        mirrored: (N,) for each of `MIRRORS`, of the mirrored mask on its own image.
        mirror_gain: (N,) for each of `MIRRORS`, the `gain` of mirroring the mask.
        shift_gain: (N,) the `gain` of the best shift.
        shift: (N, 2) the best shift, as shares of height and width, down and right.
    """

    own: NDArray[np.float64]
    average: NDArray[np.float64]
    mirrored: dict[str, NDArray[np.float64]]
    mirror_gain: dict[str, NDArray[np.float64]]
    shift_gain: NDArray[np.float64]
    shift: NDArray[np.float64]

    @property
    def swap_scores(self) -> NDArray[np.float64]:
        """(N,) ratio of the likelihood per point on the average image to that on the own image."""
        return np.asarray(np.exp(self.average - self.own))


@dataclass(frozen=True)
class WrongRegion:
    """Connected pixels of one label for which the model confidently predicts another class.

    Attributes:
        box: The smallest box around them.
        label: The class in the mask.
        predicted: The class that the model predicts.
        pixels: Number of pixels.
        margin: Mean difference of the probabilities of the two classes, 0 to 1.
    """

    box: Region
    label: int
    predicted: int
    pixels: int
    margin: float

    @property
    def score(self) -> float:
        """Pixels times margin, by which regions are ranked."""
        return self.pixels * self.margin


def find_swapped_masks(context: AuditContext) -> Iterator[Finding]:
    """Flag masks that fit the average image of the set about as well as their own.

    The image that such a mask fits best is named if it fits clearly better.
    """
    if len(context.samples) < MIN_SAMPLES:
        return
    likelihoods, moved = mask_likelihoods(context), _moved_masks(context)
    scores = likelihoods.swap_scores
    swapped = [i for i in np.flatnonzero(scores > SWAPPED_ABOVE).tolist() if i not in moved]
    judged = _judged_classes(context)
    labels = [label_points(context.masks[index], judged) for index in swapped]
    others, fits = _best_images(_probabilities(context), labels)
    for index, other, fit in zip(swapped, others.tolist(), fits, strict=True):
        is_better = other != index and fit - likelihoods.own[index] > MIN_OTHER_GAIN
        ratio = f"{scores[index]:.2f} times as likely on the average image as on its own"
        reason = f"the mask is {ratio}"
        if is_better:
            reason += f"; it fits {context.samples.names[other]} best"
        yield context.flag(
            "swapped-mask", index, scores[index], reason, other=other if is_better else None
        )


def find_moved_masks(context: AuditContext) -> Iterator[Finding]:
    """Flag masks that would fit clearly better if they were mirrored, turned or shifted."""
    for index, (gained, how) in _moved_masks(context).items():
        reason = f"the mask fits the predictions of a model better when {how}"
        yield context.flag("moved-mask", index, gained, reason)


def find_wrong_regions(context: AuditContext) -> Iterator[Finding]:
    """Flag the regions in which the model confidently contradicts the mask."""
    confidence, names = _confidence(context), context.taxonomy.names
    pairs = zip(_probabilities(context), context.masks, strict=True)
    for index, (probabilities, mask) in enumerate(pairs):
        min_pixels = max(4, round(MIN_REGION_SHARE * mask.size))
        regions = wrong_regions(probabilities, mask, confidence, min_pixels)
        for region in regions[:MAX_REGIONS]:
            classes = f"labeled {names[region.label]}, looks like {names[region.predicted]}"
            reason = f"{classes}, {region.pixels} pixels"
            yield context.flag("wrong-region", index, region.score, reason, region=region.box)


def check_probabilities(
    probabilities: Probabilities, samples: SegmentationDataset, classes: int
) -> None:
    """Check that there is one array (C, H, W) for each sample.

    Raises:
        AreosegError: There are too many, too few, or one has another shape.
    """
    if len(probabilities) != len(samples):
        raise AreosegError(
            f"probabilities for {len(probabilities)} of {len(samples)} samples: give one array each"
        )
    for name, array, image in zip(samples.names, probabilities, samples.images, strict=True):
        expected = (classes, *image.shape)
        if array.shape != expected:
            raise AreosegError(f"probabilities of {name}: shape {array.shape}, give {expected}")


@shared
def mask_likelihoods(context: AuditContext) -> MaskLikelihoods:
    """Compute how well each mask fits the probabilities, unchanged and moved."""
    probabilities, background = _probabilities(context), context.taxonomy.background
    judged, count = _judged_classes(context), len(context.masks)
    total = sum(log_points(array).astype(np.float64) for array in probabilities)
    average = np.asarray(total / max(1, count))
    own, on_average, shift_gain, shift = (
        np.zeros(shape) for shape in (count, count, count, (count, 2))
    )
    mirrored, mirror_gain = ({name: np.zeros(count) for name in MIRRORS} for _ in range(2))
    for index, (array, mask) in enumerate(zip(probabilities, context.masks, strict=True)):
        logs, labels = log_points(array), label_points(mask, judged)
        odds = background_odds(logs, background)
        own[index] = _mean_log(logs, labels)
        on_average[index] = _mean_log(average, labels)
        for name, mirror in MIRRORS.items():
            mirrored[name][index] = _mean_log(logs, mirror(labels))
            mirror_gain[name][index] = gain(logs, odds, labels, mirror(labels), background)
        shift_gain[index], shift[index] = _best_shift(logs, odds, labels, background)
    return MaskLikelihoods(own, on_average, mirrored, mirror_gain, shift_gain, shift)


def gain(
    logs: Floats, odds: Floats, labels: PointLabels, moved: PointLabels, background: int
) -> float:
    """Compute what a mask gains in mean log-probability by being moved.

    Two kinds of evidence are added. Where the class differs before and after the move: how much
    more likely the latter is, which does not depend on the unlabeled area. Everywhere: how likely
    background is, with a weight of one half.

    Args:
        logs: (C, 32, 64), from `log_points`.
        odds: (32, 64), from `background_odds`.
        labels: The labels of the mask.
        moved: The labels of the moved mask.
        background: The class of unlabeled pixels.

    Returns:
        The gain, or 0 if hardly any point is judged in both.
    """
    both = (labels >= 0) & (moved >= 0)
    if both.mean() < MIN_JUDGED_SHARE:
        return 0.0
    after, before = (moved == background)[both], (labels == background)[both]
    unlabeled = float((odds[both] * (after.astype(np.float32) - before)).mean())
    differences = _label_logs(logs, moved)[0][both] - _label_logs(logs, labels)[0][both]
    terrain = ~after & ~before
    enough = terrain.sum() >= MIN_JUDGED_SHARE * labels.size
    return BACKGROUND_WEIGHT * unlabeled + (float(differences[terrain].mean()) if enough else 0.0)


def background_odds(logs: Floats, background: int) -> Floats:
    """Return the log-odds of background against all other classes, at the points."""
    probability = np.exp(logs[background])
    return np.asarray(np.log(probability / (1 - probability)), dtype=np.float32)


def log_points(probabilities: NDArray[np.floating[Any]]) -> Floats:
    """Return the log-probabilities (C, 32, 64) of a sample (C, H, W) at the points."""
    classes, height, width = probabilities.shape
    rows, columns = _point_positions(height, width)
    points = probabilities[:, rows[:, None], columns].astype(np.float32)
    return np.asarray(np.log((1 - ERROR_RATE) * points + ERROR_RATE / classes), dtype=np.float32)


def label_points(mask: Mask, judged: NDArray[np.bool_]) -> PointLabels:
    """Return the labels of a mask (H, W) at the points; `judged` (C,) tells which classes count."""
    rows, columns = _point_positions(*mask.shape)
    labels = mask[rows[:, None], columns].astype(np.intp)
    known = labels < len(judged)
    return np.where(known & judged[np.where(known, labels, 0)], labels, -1)


def class_confidence(
    probabilities: Probabilities, masks: Sequence[Mask] | Mask
) -> NDArray[np.float64]:
    """Compute the mean probability (C,) of each class on the pixels labeled with it.

    It is infinite for a class that is never labeled or never predicted.
    """
    classes = len(probabilities[0])
    total, everywhere = np.zeros(classes), np.zeros(classes)
    count, pixels = np.zeros(classes), 0
    for array, mask in zip(probabilities, masks, strict=True):
        exact = array.astype(np.float32)
        everywhere += exact.sum(axis=(1, 2), dtype=np.float64)
        pixels += mask.size
        for value in np.unique(mask[mask < classes]):
            labeled = mask == value
            total[value] += exact[value][labeled].sum(dtype=np.float64)
            count[value] += labeled.sum()
    judged = (count > 0) & (everywhere / pixels > MIN_MEAN_PROBABILITY)
    return np.asarray(np.where(judged, total / np.maximum(count, 1), np.inf))


def wrong_regions(
    probabilities: NDArray[np.floating[Any]],
    mask: Mask,
    confidence: NDArray[np.float64],
    min_pixels: int,
) -> list[WrongRegion]:
    """Find the regions of a sample where the model contradicts the mask, highest score first.

    Args:
        probabilities: (C, H, W).
        mask: (H, W).
        confidence: (C,), from `class_confidence`.
        min_pixels: Smallest size of a region.
    """
    exact = probabilities.astype(np.float32)
    predicted = exact.argmax(axis=0)
    judged = (mask < len(exact)) & np.isfinite(confidence)[np.minimum(mask, len(exact) - 1)]
    label = np.where(judged, mask, 0)
    highest = np.take_along_axis(exact, predicted[None], axis=0)[0]
    margin = highest - np.take_along_axis(exact, label[None].astype(np.intp), axis=0)[0]
    confident = (highest >= confidence[predicted]) & (margin >= MIN_MARGIN)
    wrong = judged & (predicted != label) & confident
    regions = []
    pairs = np.where(wrong, label.astype(np.int64) * len(exact) + predicted, -1)
    for pair in np.unique(pairs[wrong]):
        parts, _ = ndimage.label(pairs == pair)
        pixels = np.bincount(parts.ravel())
        margins = np.bincount(parts.ravel(), weights=margin.ravel())
        for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
            if pixels[number] >= min_pixels:
                regions.append(
                    WrongRegion(
                        box=(rows.start, columns.start, rows.stop, columns.stop),
                        label=int(pair) // len(exact),
                        predicted=int(pair) % len(exact),
                        pixels=int(pixels[number]),
                        margin=float(margins[number] / pixels[number]),
                    )
                )
    return sorted(regions, key=lambda region: -region.score)


def _probabilities(context: AuditContext) -> Probabilities:
    assert context.probabilities is not None
    return context.probabilities


@shared
def _confidence(context: AuditContext) -> NDArray[np.float64]:
    return class_confidence(_probabilities(context), context.masks)


def _judged_classes(context: AuditContext) -> NDArray[np.bool_]:
    """Return which classes (C,) are both labeled and predicted somewhere."""
    return np.asarray(np.isfinite(_confidence(context)))


@shared
def _moved_masks(context: AuditContext) -> dict[int, tuple[float, str]]:
    """Return the gain of each mask that fits clearly better when moved, and the move."""
    if len(context.samples) < MIN_SAMPLES:
        return {}
    likelihoods = mask_likelihoods(context)
    fits_own = likelihoods.swap_scores <= SWAPPED_ABOVE
    moved: dict[int, tuple[float, str]] = {}
    for name, gains in likelihoods.mirror_gain.items():
        # A mask that hardly fits even when it is mirrored belongs to another image.
        fits_back = np.exp(likelihoods.average - likelihoods.mirrored[name]) < MIRRORED_BACK_BELOW
        for index in np.flatnonzero((gains > MOVED_ABOVE[name]) & (fits_own | fits_back)).tolist():
            moved[index] = max(moved.get(index, (0.0, "")), (float(gains[index]), name))
    shifted = (likelihoods.shift_gain > SHIFTED_ABOVE) & fits_own
    for index in np.flatnonzero(shifted).tolist():
        how = _describe_shift(likelihoods.shift[index], context.masks[index].shape)
        gained = float(likelihoods.shift_gain[index])
        moved[index] = max(moved.get(index, (0.0, "")), (gained, how))
    return moved


def _describe_shift(shift: NDArray[np.float64], size: tuple[int, ...]) -> str:
    """Describe a shift, given as shares of height and width, in pixels."""
    rows, columns = (round(share * side) for share, side in zip(shift, size, strict=True))
    words = [f"{abs(rows)} pixels {'down' if rows > 0 else 'up'}"] if rows else []
    words += [f"{abs(columns)} pixels {'right' if columns > 0 else 'left'}"] if columns else []
    return "shifted " + " and ".join(words)


def _best_images(
    probabilities: Probabilities, labels: Sequence[PointLabels]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the sample (M,) that each of M masks fits best, and its mean log-probability (M,)."""
    best = np.zeros(len(labels), dtype=np.int64)
    fits = np.full(len(labels), -np.inf)
    if not labels:
        return best, fits
    for index, array in enumerate(probabilities):
        logs = log_points(array)
        here = np.array([_mean_log(logs, one) for one in labels])
        best[here > fits] = index
        fits = np.fmax(fits, here)
    return best, fits


def _best_shift(
    logs: Floats, odds: Floats, labels: PointLabels, background: int
) -> tuple[float, tuple[float, float]]:
    """Return the gain of the best shift, and the shift as shares of height and width."""
    best = (0.0, (0.0, 0.0))
    for down, right in SHIFTS:
        moved = np.full_like(labels, -1)
        moved[_overlap(down, GRID[0]), _overlap(right, GRID[1])] = labels[
            _overlap(-down, GRID[0]), _overlap(-right, GRID[1])
        ]
        gained = gain(logs, odds, labels, moved, background)
        best = max(best, (gained, (down / GRID[0], right / GRID[1])))
    return best


def _mean_log(logs: NDArray[np.floating[Any]], labels: PointLabels) -> float:
    """Return the mean log-probability of the judged labels; NaN if there are too few."""
    values, known = _label_logs(logs, labels)
    return float(values[known].mean()) if known.mean() >= MIN_JUDGED_SHARE else float("nan")


def _label_logs(
    logs: NDArray[np.floating[Any]], labels: PointLabels
) -> tuple[NDArray[np.floating[Any]], NDArray[np.bool_]]:
    """Return the log-probability of each label, and which of them are judged."""
    known = labels >= 0
    return np.take_along_axis(logs, np.where(known, labels, 0)[None], axis=0)[0], known


def _overlap(shift: int, length: int) -> slice:
    """Return where shifted points are within a side."""
    return slice(max(0, shift), length + min(0, shift))


def _point_positions(height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the points, which are symmetric under mirroring."""
    rows, columns = (
        ((np.arange(points) + 0.5) * side / points).astype(np.intp)
        for points, side in zip(GRID, (height, width), strict=True)
    )
    return rows, columns
