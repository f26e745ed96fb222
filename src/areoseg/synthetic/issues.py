"""Injected issues for testing an audit; each function corrupts some samples.

Each function returns a new dataset and the ascending indices of the corrupted samples; the given
dataset is not changed. The same seed corrupts the same samples in the same way.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic.background import grid
from areoseg.synthetic.noise import Field, fractal_noise
from areoseg.utils.images import ImageArray, Mask

Indices = NDArray[np.int64]
"""Indices of samples in a dataset, ascending."""

MIN_CHANGE = 0.05
"""Minimum fraction of pixels that a mask issue must change; a mirrored plain is no issue."""


_GRAIN = 0.004  # standard deviation of the gray level of an alien, in 0 to 1


def add_aliens(
    samples: SegmentationDataset,
    count: int,
    *,
    seed: int,
    masks: Literal["shared", "own"] = "shared",
) -> tuple[SegmentationDataset, Indices]:
    """Draw a cartoon alien over the terrain of `count` samples.

    Args:
        samples: Samples of one size, or of any size if `masks` is `"own"`.
        count: Number of samples that get an alien.
        seed: Seed of the random numbers.
        masks: `"shared"` gives all of them the same wrong mask, which makes them easy to find;
            `"own"` keeps their true masks, so that only the images are wrong.

    Raises:
        AreosegError: There are more aliens than samples, or masks are shared and sizes differ.
    """
    if masks not in ("shared", "own"):
        raise AreosegError(f"alien masks {masks!r}: choose 'shared' or 'own'")
    rng = np.random.default_rng(seed)
    selected = _choose(np.arange(len(samples)), count, rng, "samples")
    images = list(samples.images)
    for index in selected:
        images[index] = draw_alien(images[index], rng)
    labels = None if samples.masks is None else list(samples.masks)
    if masks == "shared" and labels is not None:
        _check_one_size(samples)
        wrong = _blotches(rng, labels[0].shape)
        for index in selected:
            labels[index] = wrong.copy()
    return _rebuilt(samples, images, labels), selected


def swap_masks(
    samples: SegmentationDataset, share: float, *, seed: int
) -> tuple[SegmentationDataset, Indices]:
    """Swap the masks of a fraction of the samples.

    Samples are paired with those of another main class if possible. A sample whose new mask
    hardly differs from its own is left unchanged, so slightly fewer may be corrupted.

    Raises:
        AreosegError: There are no masks, sizes differ, or the share is outside 0 to 1.
    """
    rng = np.random.default_rng(seed)
    masks = _masks_of(samples)
    _check_one_size(samples)
    selected = _choose(np.arange(len(masks)), _count(share, len(masks)), rng, "samples")
    main = np.array([np.bincount(masks[index].ravel()).argmax() for index in selected])
    by_class = selected[np.argsort(main, kind="stable")]
    givers = np.roll(by_class, len(by_class) // 2)
    swapped = list(masks)
    flawed = []
    for taker, giver in zip(by_class, givers, strict=True):
        if (masks[taker] != masks[giver]).mean() >= MIN_CHANGE:
            swapped[taker] = masks[giver].copy()
            flawed.append(taker)
    return _rebuilt(samples, list(samples.images), swapped), np.sort(
        np.array(flawed, dtype=np.int64)
    )


def mirror_masks(
    samples: SegmentationDataset, share: float, *, seed: int
) -> tuple[SegmentationDataset, Indices]:
    """Mirror the masks, but not the images, of a fraction of the samples left to right.

    Raises:
        AreosegError: There are no masks, the share is outside 0 to 1, or too few masks would
            change.
    """
    rng = np.random.default_rng(seed)
    return _corrupt_masks(samples, share, rng, "mirrored", [m[:, ::-1] for m in _masks_of(samples)])


def shift_masks(
    samples: SegmentationDataset, share: float, *, seed: int, pixels: tuple[int, int] = (6, 16)
) -> tuple[SegmentationDataset, Indices]:
    """Shift the masks of a fraction of the samples relative to their images, in any direction.

    Args:
        samples: Samples with masks.
        share: Fraction of the samples to corrupt, 0 to 1.
        seed: Seed of the random numbers.
        pixels: Shortest and longest shift. The border is repeated into the gap.

    Raises:
        AreosegError: There are no masks, the share is outside 0 to 1, or too few masks would
            change.
    """
    if not 0 < pixels[0] <= pixels[1]:
        raise AreosegError(f"mask shift of {pixels} pixels: give (shortest, longest), both above 0")
    rng = np.random.default_rng(seed)
    moved = []
    for mask in _masks_of(samples):
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(*pixels)
        moved.append(_moved(mask, round(length * np.sin(angle)), round(length * np.cos(angle))))
    return _corrupt_masks(samples, share, rng, "shifted", moved)


def add_duplicates(
    samples: SegmentationDataset,
    count: int,
    *,
    seed: int,
    kinds: Sequence[str] = ("exact", "jpeg", "shifted", "brighter"),
) -> tuple[SegmentationDataset, Indices]:
    """Append copies of `count` samples, each with a new name and group.

    Args:
        samples: Samples, with masks or without.
        count: Number of copies, each of another sample.
        seed: Seed of the random numbers.
        kinds: Kinds of copies, used in turn: `"exact"`; `"jpeg"`, compressed again; `"shifted"`,
            image and mask by up to 2 pixels; `"brighter"`, or darker, by 5 %.

    Returns:
        The longer dataset, and the indices of the copies, which are named `"NAME-copy"`.

    Raises:
        AreosegError: There are more copies than samples, or a kind is unknown.
    """
    if not kinds:
        raise AreosegError(f"no kinds of duplicate: name at least one of {', '.join(_COPIES)}")
    for kind in kinds:
        if kind not in _COPIES:
            raise AreosegError(f"duplicate kind {kind!r}: choose from {', '.join(_COPIES)}")
    rng = np.random.default_rng(seed)
    selected = rng.permutation(_choose(np.arange(len(samples)), count, rng, "samples"))
    images = list(samples.images)
    masks = None if samples.masks is None else list(samples.masks)
    names = list(samples.names)
    groups = None if samples.groups is None else list(samples.groups)
    for turn, index in enumerate(selected):
        mask = None if masks is None else masks[index]
        image, mask = _COPIES[kinds[turn % len(kinds)]](images[index], mask, rng)
        images.append(image)
        if masks is not None and mask is not None:
            masks.append(mask)
        names.append(f"{names[index]}-copy")
        if groups is not None:
            groups.append(f"{names[index]}-copy")
    copies = np.arange(len(samples), len(images), dtype=np.int64)
    return _rebuilt(samples, images, masks, names=names, groups=groups), copies


def _exact_copy(
    image: ImageArray, mask: Mask | None, rng: np.random.Generator
) -> tuple[ImageArray, Mask | None]:
    return image.copy(), None if mask is None else mask.copy()


def _jpeg_copy(
    image: ImageArray, mask: Mask | None, rng: np.random.Generator
) -> tuple[ImageArray, Mask | None]:
    gray = image if image.dtype == np.uint8 else np.rint(image * 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(gray).save(file, format="JPEG", quality=int(rng.integers(55, 91)))
    decoded = np.asarray(Image.open(file))
    if image.dtype != np.uint8:
        decoded = (decoded / 255).astype(np.float32)
    return decoded.copy(), None if mask is None else mask.copy()


def _shifted_copy(
    image: ImageArray, mask: Mask | None, rng: np.random.Generator
) -> tuple[ImageArray, Mask | None]:
    down, right = rng.integers(-2, 3, 2)
    if down == right == 0:
        right = np.int64(1)
    moved = None if mask is None else _moved(mask, int(down), int(right))
    return _moved(image, int(down), int(right)), moved


def _brighter_copy(
    image: ImageArray, mask: Mask | None, rng: np.random.Generator
) -> tuple[ImageArray, Mask | None]:
    gain = float(rng.choice([0.95, 1.05]))
    if image.dtype == np.uint8:
        changed: ImageArray = np.clip(np.rint(image * gain), 0, 255).astype(np.uint8)
    else:
        changed = np.clip(image * gain, 0, 1).astype(np.float32)
    return changed, None if mask is None else mask.copy()


_Copy = Callable[[ImageArray, Mask | None, np.random.Generator], tuple[ImageArray, Mask | None]]
_COPIES: dict[str, _Copy] = {
    "exact": _exact_copy,
    "jpeg": _jpeg_copy,
    "shifted": _shifted_copy,
    "brighter": _brighter_copy,
}


def _corrupt_masks(
    samples: SegmentationDataset,
    share: float,
    rng: np.random.Generator,
    what: str,
    corrupted: list[Mask],
) -> tuple[SegmentationDataset, Indices]:
    """Replace a fraction of the masks with corrupted versions that differ enough."""
    masks = list(_masks_of(samples))
    changes = [(old != new).mean() for old, new in zip(masks, corrupted, strict=True)]
    candidates = np.flatnonzero(np.array(changes) >= MIN_CHANGE)
    selected = _choose(candidates, _count(share, len(masks)), rng, f"masks that differ when {what}")
    for index in selected:
        masks[index] = corrupted[index].copy()
    return _rebuilt(samples, list(samples.images), masks), selected


def _moved(values: Any, down: int, right: int) -> Any:
    """Shift an image or mask by whole pixels; its border is repeated into the gap."""
    rows = np.clip(np.arange(values.shape[0]) - down, 0, values.shape[0] - 1)
    columns = np.clip(np.arange(values.shape[1]) - right, 0, values.shape[1] - 1)
    return values[np.ix_(rows, columns)]


def _blotches(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """Draw a wrong mask: blotches of soil, bedrock and sand on background."""
    mask = np.zeros(shape, dtype=np.uint8)
    rows = np.linspace(0, 128, shape[0]).astype(int)
    columns = np.linspace(0, 256, shape[1]).astype(int)
    for label in (1, 2, 3):
        noise = fractal_noise(rng, exponent=4, longest=90, shortest=20)
        mask[noise[np.ix_(rows, columns)] > 0.6] = label
    return mask


def _count(share: float, samples: int) -> int:
    """Return the number of samples in a fraction of them."""
    if not 0 <= share <= 1:
        raise AreosegError(f"share of corrupted samples {share}: give a value from 0 to 1")
    return round(share * samples)


def _choose(candidates: Indices, count: int, rng: np.random.Generator, what: str) -> Indices:
    """Choose `count` of the candidates at random, ascending."""
    if not 0 <= count <= len(candidates):
        raise AreosegError(
            f"{count} issues among {len(candidates)} {what}: ask for 0 to {len(candidates)}"
        )
    return np.sort(rng.choice(candidates, count, replace=False)).astype(np.int64)


def _masks_of(samples: SegmentationDataset) -> Sequence[Mask] | Mask:
    """Return the masks of a labeled set."""
    if samples.masks is None:
        raise AreosegError("a set without masks cannot get mask issues: give a labeled set")
    return samples.masks


def _check_one_size(samples: SegmentationDataset) -> None:
    """Check that all samples have the same size, as masks are exchanged between them."""
    if len({image.shape for image in samples.images}) > 1:
        raise AreosegError(
            "masks cannot be shared between samples of several sizes: tile them first"
        )


def _rebuilt(
    samples: SegmentationDataset,
    images: list[ImageArray],
    masks: list[Mask] | None,
    *,
    names: list[str] | None = None,
    groups: list[str] | None = None,
) -> SegmentationDataset:
    """Return a dataset with copies of these images and masks, stacked if those of `samples` are."""
    return SegmentationDataset(
        images=_gathered(images, samples.images),
        masks=None if masks is None or samples.masks is None else _gathered(masks, samples.masks),
        names=samples.names if names is None else tuple(names),
        groups=samples.groups if groups is None else tuple(groups),
    )


def _gathered(values: list[Any], like: Any) -> Any:
    """Copy the values, into an array if `like` is one, else into a list."""
    if isinstance(like, np.ndarray):
        return np.stack(values)
    return [value.copy() for value in values]


def draw_alien(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Return a copy of an image (H, W) with a cartoon alien over the terrain; same dtype.

    Size, brightness and contrast follow those measured on the aliens in the homework's training
    file; the grain is slightly stronger.
    """
    rows, columns = image.shape
    tall = rows * rng.uniform(0.54, 1.02)
    # Lengths of the figure are in units of its height, from the center of its head.
    highest, lowest = 0.34 * tall, rows - 0.53 * tall
    middle_row = rng.uniform(highest, max(highest + 1, lowest))
    middle_column = rng.uniform(0.15 * columns, 0.85 * columns)
    row, column = grid((rows, columns))
    y, x = (row - middle_row) / tall, (column - middle_column) / tall
    y, x = np.broadcast_arrays(y, x)
    figure, eyes = _figure(
        y, x, hands=(rng.uniform(0.11, 0.33), rng.uniform(0.11, 0.33)), pixel=1 / tall
    )
    white = 255 if image.dtype == np.uint8 else 1
    terrain = float(np.median(image)) / white
    body = rng.uniform(max(0.58, min(0.75, terrain + 0.23)), 0.91)
    grain = np.asarray(rng.normal(0, _GRAIN, image.shape))
    painted = body + eyes * (0.02 - body) + grain
    mixed = np.asarray(image + figure * (painted * white - image))
    if image.dtype == np.uint8:
        return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return np.clip(mixed, 0, 1).astype(np.float32)


def _figure(y: Field, x: Field, hands: tuple[float, float], pixel: float) -> tuple[Field, Field]:
    """Return the coverage of each pixel by the figure and by its eyes, each 0 to 1.

    Args:
        y: Rows below the center of the head, in heights of the figure.
        x: Columns from the center of the head, in the same unit.
        hands: Rows of the left and right hand.
        pixel: Side of a pixel in the same unit; it defines the softness of outlines.
    """
    parts = [
        _ellipse(y, x, 0.225, 0.22),  # head
        _ellipse(y - 0.40, x, 0.24, 0.13),  # body
    ]
    eyes = []
    for side, hand in zip((-1, 1), hands, strict=True):
        parts.append(_ellipse(y + 0.31, x - side * 0.157, 0.046, 0.046))  # tip of an antenna
        parts.append(_limb(y, x, (-0.19, side * 0.09), (-0.31, side * 0.157), 0.014))
        parts.append(_limb(y, x, (0.32, side * 0.10), (hand, side * 0.30), 0.028))
        eyes.append(_ellipse(y - 0.03, x - side * 0.098, 0.095, 0.068))
    return _covered(parts, pixel), _covered(eyes, pixel)


def _covered(distances: list[Field], pixel: float) -> Field:
    """Return the coverage of each pixel by shapes, given the distances to their outlines."""
    nearest = np.minimum.reduce(distances)
    return np.asarray(np.clip(0.5 - nearest / (1.5 * pixel), 0, 1), dtype=np.float32)


def _ellipse(y: Field, x: Field, half_height: float, half_width: float) -> Field:
    """Return the approximate distance from the outline of an ellipse, negative inside it."""
    radius = np.hypot(y / half_height, x / half_width)
    return np.asarray((radius - 1) * min(half_height, half_width))


def _limb(
    y: Field, x: Field, start: tuple[float, float], end: tuple[float, float], thickness: float
) -> Field:
    """Return the distance from the outline of a thick line, negative inside it."""
    dy, dx = end[0] - start[0], end[1] - start[1]
    along = np.clip(((y - start[0]) * dy + (x - start[1]) * dx) / (dy * dy + dx * dx), 0, 1)
    return np.asarray(np.hypot(y - start[0] - along * dy, x - start[1] - along * dx) - thickness)
