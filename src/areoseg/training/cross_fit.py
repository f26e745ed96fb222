"""Class probabilities for every sample, each from a small network that was not trained on it.

The networks are small and trained briefly: they need not be good, only good enough to tell which
masks do not fit what is seen in the others.
"""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import split_samples
from areoseg.errors import AreosegError
from areoseg.models.unet import UNet
from areoseg.taxonomy import MARS
from areoseg.taxonomy import VOID
from areoseg.taxonomy import Taxonomy
from areoseg.utils.device import choose_precision
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask
from areoseg.utils.images import as_uint8

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it is finished, and all of it."""

WIDTHS = (24, 48, 96, 128)
"""Channels of the small U-Net, level by level."""

FOLDS = 4
STEPS = 1200
"""Steps in which the network of a fold is trained."""

BATCH = 32
LEARNING_RATE = 6e-3

LONGEST_SHORT_SIDE = 128
"""Samples whose shorter side is longer are first reduced by a whole factor."""

CROP = (64, 128)
"""Largest crop, in rows and columns, that a sample gives to a batch."""


def cross_fit(
    samples: SegmentationDataset,
    *,
    folds: int = FOLDS,
    steps: int = STEPS,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
    progress: Progress | None = None,
) -> list[NDArray[np.float16]]:
    """Class probabilities of each sample by a network trained on the other folds.

    Samples of one group are in one fold.

    Args:
        samples: Labeled samples, of one size or of several.
        folds: How many networks are trained, 2 or more; fewer where there are fewer groups.
        steps: Steps that each of them is trained for.
        seed: Decides folds, weights and batches.
        taxonomy: The classes; void pixels are not learned.
        progress: Told of every step.

    Returns:
        For each sample (C, H, W), summing to about 1.

    Raises:
        AreosegError: No masks, no terrain in them, or only one group.
    """
    if samples.masks is None or not len(samples):
        raise AreosegError("no masks to learn from: --fit takes labeled samples, leave it away")
    groups = len(set(samples.groups or samples.names))
    if groups < 2:
        raise AreosegError("all samples are of one group: --fit needs 2 or more, leave it away")
    folds = min(folds, groups)
    images = _normalized([_reduced(image) for image in samples.images])
    labels = [_reduced_mask(mask) for mask in samples.masks]
    probabilities: list[NDArray[np.float16]] = [np.empty(0, np.float16)] * len(samples)
    for fold in range(folds):
        split = split_samples(samples, test=0, folds=folds, fold=fold, seed=seed, taxonomy=taxonomy)

        def step_done(done: int, before: int = fold * steps) -> None:
            if progress is not None:
                progress("fitting", before + done, folds * steps)

        network = _train(
            [images[index] for index in split.train],
            [labels[index] for index in split.train],
            classes=len(taxonomy),
            steps=steps,
            seed=seed + fold,
            step_done=step_done,
        )
        for index in split.val:
            probabilities[index] = _predict(network, images[index], samples.images[index].shape)
    return probabilities


def _train(
    images: Sequence[Tensor],
    labels: Sequence[Tensor],
    *,
    classes: int,
    steps: int,
    seed: int,
    step_done: Callable[[int], None],
) -> UNet:
    """A small U-Net, trained on images (1, H, W) and labels (H, W)."""
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(in_channels=4, classes=classes, widths=WIDTHS)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    network.train()
    for step in range(steps):
        chosen = rng.choice(len(images), BATCH)
        batch, truth = _crops([images[i] for i in chosen], [labels[i] for i in chosen], rng)
        if bool((truth != VOID).any()):  # a batch of void alone has no loss
            loss = functional.cross_entropy(_logits(network, batch), truth, ignore_index=VOID)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
        step_done(step + 1)
    return network.eval()


def _logits(network: UNet, images: Tensor) -> Tensor:
    """Logits (N, C, H, W) of images (N, 1, H, W).

    The network sees each square of 2x2 pixels as four channels, which is four times as fast and
    keeps the finest texture.
    """
    height, width = images.shape[-2:]
    even = functional.pad(images, (0, width % 2, 0, height % 2), mode="replicate")
    enabled = choose_precision("auto", images.device) == "bfloat16"
    with torch.autocast(images.device.type, torch.bfloat16, enabled=enabled):
        coarse = network(functional.pixel_unshuffle(even, 2)).float()
    full = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)
    return full[..., :height, :width]


@torch.inference_mode()
def _predict(network: UNet, image: Tensor, size: tuple[int, ...]) -> NDArray[np.float16]:
    """Class probabilities (C, H, W) at the size of the sample, the mean over it and its mirror."""
    seen, mirrored = _logits(network, torch.stack([image, image.flip(-1)])).softmax(dim=1)
    mean = ((seen + mirrored.flip(-1)) / 2)[None]
    if tuple(mean.shape[-2:]) != tuple(size):
        mean = functional.interpolate(mean, size=size, mode="bilinear", align_corners=False)
    probabilities: NDArray[np.float16] = mean[0].numpy().astype(np.float16)
    return probabilities


def _crops(
    images: Sequence[Tensor], labels: Sequence[Tensor], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Crops of one size at random places: (N, 1, h, w) and (N, h, w).

    Half of them are mirrored, and each is seen in a light of its own.
    """
    height = min(CROP[0], *(label.shape[0] for label in labels))
    width = min(CROP[1], *(label.shape[1] for label in labels))
    batch, truth = [], []
    for image, label in zip(images, labels, strict=True):
        top = int(rng.integers(label.shape[0] - height + 1))
        left = int(rng.integers(label.shape[1] - width + 1))
        rows, columns = slice(top, top + height), slice(left, left + width)
        mirrored = [-1] if rng.random() < 0.5 else []
        contrast, brightness = 2 ** rng.uniform(-1, 1), rng.uniform(-0.5, 0.5)
        batch.append(contrast * image[:, rows, columns].flip(mirrored) + brightness)
        truth.append(label[rows, columns].flip(mirrored))
    return torch.stack(batch), torch.stack(truth).long()


def _factor(shape: tuple[int, ...]) -> int:
    """The whole factor by which a sample is reduced."""
    return max(1, -(-min(shape) // LONGEST_SHORT_SIDE))


def _reduced(image: ImageArray) -> Tensor:
    """The image (1, h, w) in 0..1, averaged over squares."""
    unit = torch.from_numpy(as_uint8(image).astype(np.float32) / 255)[None]
    factor = _factor(image.shape)
    return unit if factor == 1 else functional.avg_pool2d(unit, factor)


def _reduced_mask(mask: Mask) -> Tensor:
    """The mask (h, w), each pixel the one in the middle of a square."""
    factor = _factor(mask.shape)
    height, width = (side // factor * factor for side in mask.shape)
    middle = factor // 2
    return torch.from_numpy(np.ascontiguousarray(mask[middle:height:factor, middle:width:factor]))


def _normalized(images: list[Tensor]) -> list[Tensor]:
    """Images with the mean 0 and the std 1 over the whole set."""
    pixels: Any = np.array([[image.mean(), (image**2).mean()] for image in images]).mean(axis=0)
    std = max(float(pixels[1] - pixels[0] ** 2) ** 0.5, 1e-3)
    return [(image - float(pixels[0])) / std for image in images]
