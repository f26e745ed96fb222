"""Class probabilities of labeled samples, which an audit compares with their masks.

`cross_val_predict` trains small networks, each on a part of the data, and predicts the rest. Short
training suffices, as the networks only have to tell which masks contradict most others.
`model_probabilities` applies a trained run instead.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from areoseg.audit.cache import Progress
from areoseg.audit.features import downscale_factor
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import split_samples
from areoseg.errors import AreosegError
from areoseg.inference.load import load
from areoseg.models.unet import UNet
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS, VOID, Taxonomy
from areoseg.utils.device import choose_precision
from areoseg.utils.files import PathLike
from areoseg.utils.images import ImageArray, Mask, as_tensor, as_uint8

WIDTHS = (24, 48, 96, 128)
"""Channels of the small U-Net, level by level."""

FOLDS = 4
STEPS = 1200
"""Training steps per fold."""

BATCH_SIZE = 32
LEARNING_RATE = 6e-3

CROP = (64, 128)
"""Largest crop of a sample in a batch: rows, columns."""


def cross_val_predict(
    samples: SegmentationDataset,
    *,
    folds: int = FOLDS,
    steps: int = STEPS,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
    progress: Progress | None = None,
) -> list[NDArray[np.float16]]:
    """Predict each sample with a network trained on the other folds.

    Samples of one group are always in the same fold.

    Args:
        samples: Labeled samples of any sizes.
        folds: Number of networks, 2 or more; fewer if there are fewer groups.
        steps: Training steps of each network.
        seed: Determines folds, weights and batches.
        taxonomy: The classes; void pixels are ignored.
        progress: Called after every step.

    Returns:
        An array (C, H, W) for each sample; the probabilities of a pixel sum to about 1.

    Raises:
        AreosegError: There are no masks, or all samples belong to one group.
    """
    if samples.masks is None or not len(samples):
        raise AreosegError("no masks to train on: omit --cross-validate, which needs labels")
    groups = len(set(samples.groups or samples.names))
    if groups < 2:
        raise AreosegError(
            "all samples belong to one group: omit --cross-validate, which needs 2 or more"
        )
    folds = min(folds, groups)
    images = _normalized([_downscaled(image) for image in samples.images])
    labels = [_downscaled_mask(mask) for mask in samples.masks]
    probabilities: list[NDArray[np.float16]] = [np.empty(0, np.float16)] * len(samples)
    for fold in range(folds):
        split = split_samples(samples, test=0, folds=folds, fold=fold, seed=seed, taxonomy=taxonomy)

        def step_done(done: int, before: int = fold * steps) -> None:
            if progress is not None:
                progress("cross-validation", before + done, folds * steps)

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


def model_probabilities(
    model: PathLike,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    progress: Progress | None = None,
) -> list[NDArray[np.float16]]:
    """Predict each sample with a trained run.

    Args:
        model: A run or a bundled model.
        samples: N samples of any sizes.
        taxonomy: The classes of the masks.
        progress: Called after every batch.

    Returns:
        An array (C, H, W) for each sample.

    Raises:
        AreosegError: `model` is not a run, or predicts another number of classes.
    """
    classes = len(open_run(model).taxonomy)
    if classes != len(taxonomy):
        raise AreosegError(
            f"--model {model}: predicts {classes} classes, but the masks have {len(taxonomy)}: give"
            " a model that was trained on these classes"
        )
    predictor = load(model, accelerate=False, scale=1.0)
    probabilities: list[NDArray[np.float16]] = []
    for size, same_size in groupby(samples.images, key=lambda image: image.shape):
        images = list(same_size)
        for start in range(0, len(images), BATCH_SIZE):
            batch = images[start : start + BATCH_SIZE]
            if max(size) <= predictor.tile:
                probabilities += list(
                    predictor.probabilities(as_tensor(batch)).half().cpu().numpy()
                )
            else:
                for image in batch:
                    blocks = [block.probabilities for block in predictor.row_blocks(image)]
                    probabilities.append(np.concatenate(blocks, axis=1).astype(np.float16))
            if progress is not None:
                progress("prediction", len(probabilities), len(samples))
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
    """Train a small U-Net on images (1, H, W) and labels (H, W)."""
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(in_channels=4, classes=classes, widths=WIDTHS)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    network.train()
    for step in range(steps):
        drawn = rng.choice(len(images), BATCH_SIZE)
        batch, targets = _crops([images[i] for i in drawn], [labels[i] for i in drawn], rng)
        if bool((targets != VOID).any()):  # a batch with only void pixels has no loss
            loss = functional.cross_entropy(_logits(network, batch), targets, ignore_index=VOID)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
        step_done(step + 1)
    return network.eval()


def _logits(network: UNet, images: Tensor) -> Tensor:
    """Return logits (N, C, H, W) of images (N, 1, H, W).

    The network receives each square of 2x2 pixels as four channels, which is four times as fast and
    preserves the finest texture.
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
    """Return probabilities (C, H, W) in the sample's size, averaged with its mirror image."""
    plain, mirrored = _logits(network, torch.stack([image, image.flip(-1)])).softmax(dim=1)
    mean = ((plain + mirrored.flip(-1)) / 2)[None]
    if tuple(mean.shape[-2:]) != tuple(size):
        mean = functional.interpolate(mean, size=size, mode="bilinear", align_corners=False)
    probabilities: NDArray[np.float16] = mean[0].numpy().astype(np.float16)
    return probabilities


def _crops(
    images: Sequence[Tensor], labels: Sequence[Tensor], rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Return random crops of one size (N, 1, h, w) and (N, h, w), half of them mirrored.

    Contrast and brightness vary from crop to crop.
    """
    height = min(CROP[0], *(label.shape[0] for label in labels))
    width = min(CROP[1], *(label.shape[1] for label in labels))
    batch, targets = [], []
    for image, label in zip(images, labels, strict=True):
        top = int(rng.integers(label.shape[0] - height + 1))
        left = int(rng.integers(label.shape[1] - width + 1))
        rows, columns = slice(top, top + height), slice(left, left + width)
        mirrored = [-1] if rng.random() < 0.5 else []
        contrast, brightness = 2 ** rng.uniform(-1, 1), rng.uniform(-0.5, 0.5)
        batch.append(contrast * image[:, rows, columns].flip(mirrored) + brightness)
        targets.append(label[rows, columns].flip(mirrored))
    return torch.stack(batch), torch.stack(targets).long()


def _downscaled(image: ImageArray) -> Tensor:
    """Return the image (1, h, w) in 0..1, averaged over squares."""
    unit = torch.from_numpy(as_uint8(image).astype(np.float32) / 255)[None]
    factor = downscale_factor(*image.shape)
    return unit if factor == 1 else functional.avg_pool2d(unit, factor)


def _downscaled_mask(mask: Mask) -> Tensor:
    """Return the mask (h, w), with each pixel taken from the middle of a square."""
    factor = downscale_factor(*mask.shape)
    height, width = (side // factor * factor for side in mask.shape)
    middle = factor // 2
    return torch.from_numpy(np.ascontiguousarray(mask[middle:height:factor, middle:width:factor]))


def _normalized(images: list[Tensor]) -> list[Tensor]:
    """Return the images with mean 0 and standard deviation 1 over the whole set."""
    moments: Any = np.array([[image.mean(), (image**2).mean()] for image in images]).mean(axis=0)
    std = max(float(moments[1] - moments[0] ** 2) ** 0.5, 1e-3)
    return [(image - float(moments[0])) / std for image in images]
