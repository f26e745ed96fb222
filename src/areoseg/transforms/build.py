"""From settings to the function that augments a batch."""

from collections.abc import Callable
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.transforms.draws import uniform
from areoseg.transforms.rare_objects import RareBank
from areoseg.transforms.registry import TRANSFORMS
from areoseg.transforms.settings import AugmentSettings
from areoseg.transforms.warps import identity_positions
from areoseg.transforms.warps import resample

Augmentation = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]
"""Maps images (N, 1, H, W), masks (N, H, W) and a CPU generator to new images and masks."""

_Step = tuple[float, Callable[..., Any]]
"""A transform's probability, and its function with the strengths filled in."""


def build_augmentation(
    settings: AugmentSettings, *, rare_bank: RareBank | None = None
) -> Augmentation:
    """Make the function that augments a batch.

    It takes images (N, 1, H, W) float32 in 0..1, masks (N, H, W) int64 and a CPU `torch.Generator`,
    and gives new ones of the same shapes and dtypes. It keeps no state: what it does to a batch
    depends on the batch and the generator alone. For the same augmentation at the same step of
    every run, seed the generator by seed and step. Each transform picks its samples on its own.

    Args:
        settings: What to do.
        rare_bank: The objects that `rare_paste` pastes; see `AugmentSettings.needs_rare_bank`.

    Raises:
        AreosegError: `rare_paste` is asked for without a bank, or with an empty one.
    """
    _check_bank(settings, rare_bank)
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


def augmentation_sheet(
    images: Tensor,
    masks: Tensor,
    settings: AugmentSettings,
    *,
    seed: int = 0,
    rare_bank: RareBank | None = None,
) -> dict[str, tuple[Tensor, Tensor]]:
    """What an augmentation does to a batch, for a picture of it.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        settings: What to show.
        seed: Seeds each row's generator.
        rare_bank: As for `build_augmentation`.

    Returns:
        Images and masks for each row of the sheet: `"original"`; each transform alone, applied to
        every sample; `"together"`, as in training but with no sample left unmodified.
    """
    rows = {
        name: AugmentSettings.model_validate(
            {
                "rare_class": settings.rare_class,
                name: chosen.model_copy(update={"probability": 1.0}),
            }
        )
        for name, chosen in settings.transforms.items()
    }
    rows["together"] = settings.model_copy(update={"original": 0.0})
    sheet = {"original": (images, masks)}
    for name, row in rows.items():
        generator = torch.Generator().manual_seed(seed)
        sheet[name] = build_augmentation(row, rare_bank=rare_bank)(images, masks, generator)
    return sheet


def _stages(settings: AugmentSettings, rare_bank: RareBank | None) -> list[Augmentation]:
    """The transforms in the registry's order, with the warps joined into one stage."""
    extras = {"rare_class": settings.rare_class, "rare_bank": rare_bank}
    chosen = settings.transforms
    stages: list[Augmentation] = []
    used = [record for record in TRANSFORMS if record.name in chosen]
    for is_warp, records in groupby(used, key=lambda record: record.is_warp):
        steps: list[_Step] = []
        for record in records:
            strengths = chosen[record.name].model_dump(exclude={"probability"})
            strengths |= {name: extras[name] for name in record.needs}
            steps.append((chosen[record.name].probability, partial(record.load(), **strengths)))
        if is_warp:
            stages.append(partial(_warp, steps))
        else:
            stages += [partial(_change, step) for step in steps]
    return stages


def _change(
    step: _Step, images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Apply one transform of images and masks to the samples that it picks."""
    probability, function = step
    picked = _pick(images, probability, generator)
    new_images, new_masks = function(images, masks, generator=generator)
    return _take(picked, new_images, images), _take(picked, new_masks, masks)


def _warp(
    steps: Sequence[_Step], images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Compose the warps and sample once; samples that no warp picked are not sampled."""
    positions = identity_positions(images)
    warped = torch.zeros(len(images), dtype=torch.bool, device=images.device)
    for probability, function in steps:
        picked = _pick(images, probability, generator)
        positions = _take(picked, function(positions, generator=generator), positions)
        warped |= picked
    new_images, new_masks = images.clone(), masks.clone()
    new_images[warped], new_masks[warped] = resample(
        images[warped], masks[warped], positions[warped]
    )
    return new_images, new_masks


def _pick(images: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Which samples (N,) a transform changes."""
    return uniform(len(images), low=0, high=1, generator=generator, like=images) < probability


def _originals(samples: int, share: float, generator: torch.Generator) -> Tensor:
    """Which samples (N,) stay unmodified: `share` of them, rounded up or down at random."""
    count = int(share * samples + torch.rand((), generator=generator).item())
    return torch.randperm(samples, generator=generator) < count


def _take(picked: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` for the samples picked (N,), `old` for the others."""
    return torch.where(picked.view(-1, *[1] * (old.ndim - 1)), new, old)


def _check_bank(settings: AugmentSettings, rare_bank: RareBank | None) -> None:
    """Refuse `rare_paste` without objects to paste."""
    if settings.needs_rare_bank and not rare_bank:
        found = "there is no rare_bank" if rare_bank is None else "the rare_bank is empty"
        raise AreosegError(
            f"augment.rare_paste: {found}; give objects of class {settings.rare_class}"
            " cut by rare_object_bank, or remove rare_paste"
        )


def _check_batch(images: Tensor, masks: Tensor) -> None:
    """Refuse tensors that are not a batch of gray images with their masks."""
    if images.ndim != 4 or images.shape[1] != 1 or images.dtype != torch.float32:
        raise AreosegError(
            f"images are {images.dtype} {tuple(images.shape)}: give float32 (N, 1, H, W) in 0..1"
        )
    if masks.shape != (len(images), *images.shape[2:]) or masks.dtype != torch.int64:
        raise AreosegError(
            f"masks are {masks.dtype} {tuple(masks.shape)} for images {tuple(images.shape)}:"
            f" give int64 {(len(images), *images.shape[2:])}"
        )
