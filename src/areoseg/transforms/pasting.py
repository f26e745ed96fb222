"""Pasting objects of the rare class into tiles."""

import torch
from torch import Tensor

from areoseg.transforms.draws import uniform
from areoseg.transforms.rare_objects import RareBank
from areoseg.transforms.rare_objects import RareObject


def rare_paste(
    images: Tensor,
    masks: Tensor,
    *,
    generator: torch.Generator,
    objects: int,
    rare_bank: RareBank,
) -> tuple[Tensor, Tensor]:
    """Paste objects from the bank at random places (Simple Copy-Paste, arXiv 2012.07177).

    An object keeps its relief against its surroundings and takes its brightness from the place it
    is pasted to. It may be mirrored. Its edge is blended; its labels are not.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        generator: Source of the draws.
        objects: Each tile gets 1 to this many.
        rare_bank: Where they come from; not empty.
    """
    samples = len(images)
    count = uniform(samples, low=1, high=objects + 1, generator=generator, like=images).long()
    draws = uniform(samples, objects, 4, low=0, high=1, generator=generator, like=images).tolist()
    new_images, new_masks = images.clone(), masks.clone()
    for sample in range(samples):
        for which, row, column, mirror in draws[sample][: int(count[sample])]:
            chosen = rare_bank.objects[int(which * len(rare_bank))]
            _paste(
                new_images[sample],
                new_masks[sample],
                *_patch(chosen, images, mirrored=mirror < 0.5),
                place=(row, column),
                rare_class=rare_bank.rare_class,
            )
    return new_images, new_masks


def _patch(chosen: RareObject, images: Tensor, *, mirrored: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Relief, opacity and shape as tensors (h, w), cut to the tile where they are larger."""
    height, width = images.shape[-2:]
    parts = (chosen.relief, chosen.opacity, chosen.shape)
    relief, opacity, shape = (
        torch.from_numpy(part[:height, :width]).to(images.device) for part in parts
    )
    if mirrored:
        return relief.flip(-1), opacity.flip(-1), shape.flip(-1)
    return relief, opacity, shape


def _paste(
    image: Tensor,
    mask: Tensor,
    relief: Tensor,
    opacity: Tensor,
    shape: Tensor,
    *,
    place: tuple[float, float],
    rare_class: int,
) -> None:
    """Paste one object into one tile, in place.

    Args:
        image: (1, H, W), changed.
        mask: (H, W), changed.
        relief: (h, w), at most as large as the tile.
        opacity: (h, w) in 0..1.
        shape: (h, w) bool.
        place: Where between the first and the last possible row and column, 0 to 1.
        rare_class: The label to write.
    """
    height, width = shape.shape
    top = int(place[0] * (mask.shape[0] - height + 1))
    left = int(place[1] * (mask.shape[1] - width + 1))
    window = slice(top, top + height), slice(left, left + width)
    under = image[:, window[0], window[1]]
    pasted = (relief + under.mean()).clamp(0, 1)
    image[:, window[0], window[1]] = torch.lerp(under, pasted.expand_as(under), opacity)
    mask[window] = mask[window].masked_fill(shape, rare_class)
