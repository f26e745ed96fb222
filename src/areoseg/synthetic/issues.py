"""Issues to test a data audit on: each function spoils some samples and says which.

Each returns a new set and the indices of its flawed samples, ascending; the given set stays as it
is. The same seed spoils the same samples in the same way.
"""

import io
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic.alien import draw_alien
from areoseg.synthetic.noise import fractal_noise
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask

Indices = NDArray[np.int64]
"""Positions of samples in a set, ascending."""

LEAST_CHANGE = 0.05
"""Share of pixels that a mask issue must change; a mirrored plain would be no issue."""


def add_aliens(
    samples: SegmentationDataset,
    count: int,
    *,
    seed: int,
    masks: Literal["shared", "own"] = "shared",
) -> tuple[SegmentationDataset, Indices]:
    """Draw a cartoon alien over the terrain of `count` samples.

    Args:
        samples: Samples of one size, or of any size where `masks` is `"own"`.
        count: How many get one.
        seed: The source of chance.
        masks: `"shared"` gives all of them one and the same wrong mask, which makes them easy to
            find; `"own"` leaves each its true mask, so that only the picture tells.

    Raises:
        AreosegError: More aliens than samples, or shared masks for samples of several sizes.
    """
    if masks not in ("shared", "own"):
        raise AreosegError(f"alien masks {masks!r}: choose 'shared' or 'own'")
    rng = np.random.default_rng(seed)
    chosen = _choose(np.arange(len(samples)), count, rng, "samples")
    images = list(samples.images)
    for index in chosen:
        images[index] = draw_alien(images[index], rng)
    labels = None if samples.masks is None else list(samples.masks)
    if masks == "shared" and labels is not None:
        _require_one_size(samples)
        wrong = _blotches(rng, labels[0].shape)
        for index in chosen:
            labels[index] = wrong.copy()
    return _rebuilt(samples, images, labels), chosen


def swap_masks(
    samples: SegmentationDataset, share: float, *, seed: int
) -> tuple[SegmentationDataset, Indices]:
    """Give a share of the samples one another's masks.

    Samples are paired with those of another main class where possible. A sample whose new mask
    hardly differs from its own is left alone, so slightly fewer may be spoilt.

    Raises:
        AreosegError: No masks, samples of several sizes, or a share outside 0 to 1.
    """
    rng = np.random.default_rng(seed)
    masks = _masks_of(samples)
    _require_one_size(samples)
    chosen = _choose(np.arange(len(masks)), _count(share, len(masks)), rng, "samples")
    main = np.array([np.bincount(masks[index].ravel()).argmax() for index in chosen])
    by_class = chosen[np.argsort(main, kind="stable")]
    givers = np.roll(by_class, len(by_class) // 2)
    swapped = list(masks)
    flawed = []
    for taker, giver in zip(by_class, givers, strict=True):
        if (masks[taker] != masks[giver]).mean() >= LEAST_CHANGE:
            swapped[taker] = masks[giver].copy()
            flawed.append(taker)
    return _rebuilt(samples, list(samples.images), swapped), np.sort(
        np.array(flawed, dtype=np.int64)
    )


def mirror_masks(
    samples: SegmentationDataset, share: float, *, seed: int
) -> tuple[SegmentationDataset, Indices]:
    """Mirror the masks of a share of the samples left to right, and not their images.

    Raises:
        AreosegError: No masks, a share outside 0 to 1, or too few masks that would change.
    """
    rng = np.random.default_rng(seed)
    return _spoil_masks(samples, share, rng, "mirrored", [m[:, ::-1] for m in _masks_of(samples)])


def shift_masks(
    samples: SegmentationDataset, share: float, *, seed: int, pixels: tuple[int, int] = (6, 16)
) -> tuple[SegmentationDataset, Indices]:
    """Shift the masks of a share of the samples against their images, in any direction.

    Args:
        samples: Samples with masks.
        share: How many of them, 0 to 1.
        seed: The source of chance.
        pixels: Shortest and longest shift. The border repeats into the gap.

    Raises:
        AreosegError: No masks, a share outside 0 to 1, or too few masks that would change.
    """
    if not 0 < pixels[0] <= pixels[1]:
        raise AreosegError(f"mask shift of {pixels} pixels: give (least, most), both above 0")
    rng = np.random.default_rng(seed)
    moved = []
    for mask in _masks_of(samples):
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(*pixels)
        moved.append(_moved(mask, round(length * np.sin(angle)), round(length * np.cos(angle))))
    return _spoil_masks(samples, share, rng, "shifted", moved)


def add_duplicates(
    samples: SegmentationDataset,
    count: int,
    *,
    seed: int,
    kinds: Sequence[str] = ("exact", "jpeg", "shifted", "brighter"),
) -> tuple[SegmentationDataset, Indices]:
    """Append copies of `count` samples, each under a new name and a group of its own.

    Args:
        samples: Samples, with masks or without.
        count: How many copies; each of another sample.
        seed: The source of chance.
        kinds: Taken in turn: `"exact"`; `"jpeg"`, compressed anew; `"shifted"`, image and mask by
            up to 2 pixels; `"brighter"`, or darker, by 5 %.

    Returns:
        The longer set, and the indices of the copies. A copy is called after its original:
        `"NAME-copy"`.

    Raises:
        AreosegError: More copies than samples, or an unknown kind.
    """
    if not kinds:
        raise AreosegError(f"no kinds of duplicate: name at least one kind of {', '.join(_COPIES)}")
    for kind in kinds:
        if kind not in _COPIES:
            raise AreosegError(f"duplicate kind {kind!r}: choose from {', '.join(_COPIES)}")
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(_choose(np.arange(len(samples)), count, rng, "samples"))
    images = list(samples.images)
    masks = None if samples.masks is None else list(samples.masks)
    names = list(samples.names)
    groups = None if samples.groups is None else list(samples.groups)
    for turn, index in enumerate(chosen):
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


def _spoil_masks(
    samples: SegmentationDataset,
    share: float,
    rng: np.random.Generator,
    what: str,
    spoilt: list[Mask],
) -> tuple[SegmentationDataset, Indices]:
    """Replace a share of the masks with their spoilt forms, where these differ enough."""
    masks = list(_masks_of(samples))
    changes = [(old != new).mean() for old, new in zip(masks, spoilt, strict=True)]
    candidates = np.flatnonzero(np.array(changes) >= LEAST_CHANGE)
    chosen = _choose(candidates, _count(share, len(masks)), rng, f"masks that differ when {what}")
    for index in chosen:
        masks[index] = spoilt[index].copy()
    return _rebuilt(samples, list(samples.images), masks), chosen


def _moved(values: Any, down: int, right: int) -> Any:
    """An image or a mask moved by whole pixels; its border repeats into the gap."""
    rows = np.clip(np.arange(values.shape[0]) - down, 0, values.shape[0] - 1)
    columns = np.clip(np.arange(values.shape[1]) - right, 0, values.shape[1] - 1)
    return values[np.ix_(rows, columns)]


def _blotches(rng: np.random.Generator, shape: tuple[int, ...]) -> Mask:
    """A wrong mask: blotches of soil, bedrock and sand on background."""
    mask = np.zeros(shape, dtype=np.uint8)
    rows = np.linspace(0, 128, shape[0]).astype(int)
    columns = np.linspace(0, 256, shape[1]).astype(int)
    for label in (1, 2, 3):
        noise = fractal_noise(rng, exponent=4, longest=90, shortest=20)
        mask[noise[np.ix_(rows, columns)] > 0.6] = label
    return mask


def _count(share: float, samples: int) -> int:
    """How many samples a share is."""
    if not 0 <= share <= 1:
        raise AreosegError(f"share of flawed samples {share}: give one from 0 to 1")
    return round(share * samples)


def _choose(candidates: Indices, count: int, rng: np.random.Generator, what: str) -> Indices:
    """`count` of the candidates, ascending."""
    if not 0 <= count <= len(candidates):
        raise AreosegError(
            f"{count} issues among {len(candidates)} {what}: ask for 0 to {len(candidates)}"
        )
    return np.sort(rng.choice(candidates, count, replace=False)).astype(np.int64)


def _masks_of(samples: SegmentationDataset) -> Sequence[Mask] | Mask:
    """The masks of a labeled set."""
    if samples.masks is None:
        raise AreosegError("a set without masks cannot get mask issues: give a labeled set")
    return samples.masks


def _require_one_size(samples: SegmentationDataset) -> None:
    """Refuse samples of several sizes, between which no mask can move."""
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
    """A set of copies of these images and masks, stacked where the old set's were."""
    return SegmentationDataset(
        images=_gathered(images, samples.images),
        masks=None if masks is None or samples.masks is None else _gathered(masks, samples.masks),
        names=samples.names if names is None else tuple(names),
        groups=samples.groups if groups is None else tuple(groups),
    )


def _gathered(values: list[Any], like: Any) -> Any:
    """Copies of the values: stacked where `like` is an array, else a list."""
    if isinstance(like, np.ndarray):
        return np.stack(values)
    return [value.copy() for value in values]
