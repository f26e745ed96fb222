"""Builds the function that augments a batch from the settings of an augmentation."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.transforms.draws import uniform
from areoseg.transforms.paste import RareBank
from areoseg.transforms.policies import AugmentSettings
from areoseg.transforms.registry import TRANSFORMS, is_warp
from areoseg.transforms.warp import identity_positions, resample

Augmentation = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
"""Maps images (N, 1, H, W), masks (N, H, W) and a CPU generator to new images and masks."""

_Step = tuple[float, Callable[..., Any]]
"""A transform's probability, and its function with bound options."""


def build_augmentation(
    settings: AugmentSettings, *, rare_bank: RareBank | None = None
) -> Augmentation:
    """Build the function that augments a batch.

    It maps images (N, 1, H, W) float32 in 0..1, masks (N, H, W) int64 and a CPU `torch.Generator`
    to new images and masks of the same shapes and dtypes. It is stateless: the result
    depends only on the batch and the generator. For the same augmentation at the same step of
    every run, seed the generator with seed and step. Each transform selects samples independently.

    Args:
        settings: The transforms and their options.
        rare_bank: The objects that `rare_paste` pastes; see `AugmentSettings.needs_rare_bank`.

    Raises:
        AreosegError: `rare_paste` is used without a bank or with an empty one.

    Examples:
        >>> from areoseg.transforms import parse_augment
        >>> augment = build_augmentation(parse_augment("mild"))
        >>> images, masks = torch.rand(4, 1, 64, 128), torch.zeros(4, 64, 128, dtype=torch.long)
        >>> new_images, new_masks = augment(images, masks, torch.Generator().manual_seed(0))
    """
    if settings.needs_rare_bank and not rare_bank:
        problem = "there is no rare_bank" if rare_bank is None else "the rare_bank is empty"
        raise AreosegError(
            f"augment.rare_paste: {problem}; give objects of class {settings.rare_class}"
            " cut by rare_object_bank, or remove rare_paste"
        )
    stages = _stages(settings, rare_bank)

    def augment(images: Tensor, masks: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        _check_batch(images, masks)
        new_images, new_masks = images, masks
        for stage in stages:
            new_images, new_masks = stage(new_images, new_masks, generator)
        if not stages or settings.original == 0:
            return new_images, new_masks
        changed = ~_originals(len(images), settings.original, generator).to(images.device)
        return _take(changed, new_images, images), _take(changed, new_masks, masks)

    return augment


def _stages(settings: AugmentSettings, rare_bank: RareBank | None) -> list[Augmentation]:
    """Return the transforms in the order of application, with all warps in one stage."""
    injected = {"rare_class": settings.rare_class, "rare_bank": rare_bank}
    stages: list[Augmentation] = []
    transforms = [TRANSFORMS[name] for name in settings.transforms]
    for warps, group in groupby(transforms, key=is_warp):
        steps: list[_Step] = []
        for transform in group:
            options = settings.transforms[transform.name]
            values = options.model_dump(exclude={"probability"})
            values |= {name: injected[name] for name in injected if name in transform.parameters}
            steps.append((options.probability, partial(transform.function, **values)))
        if warps:
            stages.append(partial(_warp, steps))
        else:
            stages += [partial(_change, step) for step in steps]
    return stages


def _change(
    step: _Step, images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Apply one transform of images and masks to randomly selected samples."""
    probability, function = step
    picked = _pick(images, probability, generator)
    new_images, new_masks = function(images, masks, generator=generator)
    return _take(picked, new_images, images), _take(picked, new_masks, masks)


def _warp(
    steps: Sequence[_Step], images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Compose the warps and resample once; samples without a warp are not resampled."""
    positions = identity_positions(images)
    warped = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for probability, function in steps:
        picked = _pick(images, probability, generator)
        positions = _take(picked, function(positions, generator=generator), positions)
        warped |= picked
    # Sampling at the identity would round the gray values, so unwarped samples are copied.
    new_images, new_masks = images.clone(), masks.clone()
    new_images[warped], new_masks[warped] = resample(
        images[warped], masks[warped], positions[warped]
    )
    return new_images, new_masks


def _pick(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Draw which samples (N,) a transform changes."""
    return uniform(len(images), low=0, high=1, generator=generator, like=images) < probability


def _originals(samples: int, share: float, generator: torch.Generator) -> Tensor:
    """Draw which samples (N,) stay unmodified: `share` of them, rounded up or down at random."""
    count = int(share * samples + torch.rand((), generator=generator).item())
    return torch.randperm(samples, generator=generator) < count


def _take(picked: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Return `new` for the picked samples (N,), and `old` for the others."""
    if new is old:  # masks, which a photometric transform does not change
        return old
    return torch.where(picked.view(-1, *[1] * (old.ndim - 1)), new, old)


def _check_batch(images: Tensor, masks: Tensor) -> None:
    """Check that the tensors are a batch of gray images with their masks."""
    if images.ndim != 4 or images.shape[1] != 1 or images.dtype != torch.float32:
        raise AreosegError(
            f"images are {images.dtype} {tuple(images.shape)}: give float32 (N, 1, H, W) in 0..1"
        )
    if masks.shape != (len(images), *images.shape[2:]) or masks.dtype != torch.int64:
        raise AreosegError(
            f"masks are {masks.dtype} {tuple(masks.shape)} for images {tuple(images.shape)}:"
            f" give int64 {(len(images), *images.shape[2:])}"
        )
