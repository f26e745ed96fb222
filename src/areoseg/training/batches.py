"""Training batches: drawn, prepared and augmented as a function of seed and step only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.data.sampling import batch_indices, unlabeled_batch_indices
from areoseg.data.split import rarest_class
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.transforms.compose import build_augmentation
from areoseg.transforms.paste import RareBank, rare_object_bank

Augmentation = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Tensors:
    """Samples of one size as tensors.

    Attributes:
        images: (N, H, W) uint8, or float32 in 0..1.
        masks: (N, H, W) uint8.
    """

    images: Tensor
    masks: Tensor

    @classmethod
    def of(cls, samples: SegmentationDataset) -> "Tensors":
        """Return the tensors of labeled samples.

        Raises:
            AreosegError: The samples differ in size.
        """
        images, masks = samples.stacked()
        if masks is None:
            raise ValueError("labeled samples are needed")
        return cls(torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(masks))

    def __len__(self) -> int:
        return len(self.images)

    def select(self, indices: NDArray[np.int64]) -> "Tensors":
        """Return a copy of some of the samples."""
        rows = torch.from_numpy(indices)
        return Tensors(self.images[rows], self.masks[rows])

    def to(self, device: torch.device) -> "Tensors":
        """Return the samples on a device; these, if they are there already."""
        if self.images.device == device:
            return self
        return Tensors(self.images.to(device), self.masks.to(device))

    def cropped(
        self, indices: NDArray[np.int64], size: tuple[int, int], generator: torch.Generator
    ) -> "Tensors":
        """Return a random crop of some of the samples.

        Args:
            indices: The samples.
            size: Height and width of the crops, at most those of the samples.
            generator: Draws the positions.
        """
        corners = [
            torch.randint(whole - side + 1, (len(indices),), generator=generator).tolist()
            for whole, side in zip(self.images.shape[1:], size, strict=True)
        ]
        windows = [
            (int(index), slice(y, y + size[0]), slice(x, x + size[1]))
            for index, y, x in zip(indices, *corners, strict=True)
        ]
        return Tensors(
            torch.stack([self.images[window] for window in windows]),
            torch.stack([self.masks[window] for window in windows]),
        )

    def batch(self, indices: NDArray[np.int64], void: int | None) -> tuple[Tensor, Tensor]:
        """Return images (n, 1, H, W) float in 0..1 and targets (n, H, W) int64.

        Args:
            indices: The samples.
            void: A class whose pixels become void, or None.
        """
        rows = torch.from_numpy(indices)
        targets = self.masks[rows].long()
        if void is not None:
            targets[targets == void] = VOID
        return unit_float(self.images[rows]).unsqueeze(1), targets

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all samples in order, `size` at a time, as `batch` returns them."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))), void=None)


def unit_float(images: Tensor) -> Tensor:
    """Return images as float32 in 0..1; uint8 is divided by 255."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def step_seed(seed: int, step: int) -> int:
    """Return a seed for everything random in one training step, the same on every machine."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class TrainingBatches:
    """The batch of every training step, as a function of seed and step.

    Attributes:
        tensors: The training samples.
        batch_size: Samples per batch.
        seed: The seed of the run.
        augmentation: Augments images and targets with the random generator that is passed to it.
        void: A class whose pixels become void, or None.
        rare: Indices of the samples with the rarest class.
        rare_share: Share of each batch that is drawn from `rare`.
        pseudo: Pseudo-labeled samples to train on as well, or None.
        labeled_share: Share of each batch that is drawn from `tensors`; the rest is from `pseudo`.
        crop: Height and width of the random crops that the batches consist of; None: whole samples.
    """

    tensors: Tensors
    batch_size: int
    seed: int
    augmentation: Augmentation
    void: int | None
    rare: NDArray[np.int64]
    rare_share: float = 0.0
    pseudo: Tensors | None = None
    labeled_share: float = 1.0
    crop: tuple[int, int] | None = None

    def to(self, device: torch.device) -> "TrainingBatches":
        """Return the batches with their samples on a device, where they are then augmented."""
        pseudo = None if self.pseudo is None else self.pseudo.to(device)
        return replace(self, tensors=self.tensors.to(device), pseudo=pseudo)

    def cropped_at(self, sides: Sequence[int], progress: float) -> "TrainingBatches":
        """Return the batches at a progress of training during which crops grow.

        The training is divided into equal parts: one for each side, and one for whole samples. A
        batch of crops has as many pixels as one of whole samples, hence the same cost.

        Args:
            sides: Height and width of the crops, in the order of training; may be empty.
            progress: 0 to 1.
        """
        part = int(progress * (len(sides) + 1))
        height, width = self.tensors.images.shape[1:]
        if part >= len(sides) or sides[part] >= max(height, width):
            return self
        crop = (min(sides[part], height), min(sides[part], width))
        batch_size = round(self.batch_size * height * width / (crop[0] * crop[1]))
        return replace(self, crop=crop, batch_size=batch_size)

    @property
    def labeled_size(self) -> int:
        """Return the number of labeled samples per batch, at least one."""
        if self.pseudo is None:
            return self.batch_size
        return max(1, round(self.labeled_share * self.batch_size))

    @property
    def steps_per_pass(self) -> int:
        """Return the number of steps that draw every training sample about once."""
        return max(1, round(len(self.tensors) / self.labeled_size))

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Return images (n, 1, H, W) float in 0..1 and targets (n, H, W) int64 of one step."""
        indices = batch_indices(
            step,
            samples=len(self.tensors),
            batch_size=self.labeled_size,
            seed=self.seed,
            rare=self.rare,
            rare_share=self.rare_share,
        )
        generator = torch.Generator().manual_seed(step_seed(self.seed, step))
        images, targets = self._batch(self.tensors, indices, generator)
        if self.pseudo is not None:
            indices = unlabeled_batch_indices(
                step,
                samples=len(self.pseudo),
                batch_size=self.batch_size - self.labeled_size,
                seed=self.seed,
            )
            more_images, more_targets = self._batch(self.pseudo, indices, generator)
            # Shuffled, because `accumulate` processes the batch in chunks.
            order = torch.randperm(self.batch_size, generator=generator)
            images = torch.cat([images, more_images])[order]
            targets = torch.cat([targets, more_targets])[order]
        return self.augmentation(images, targets, generator)

    def _batch(
        self, tensors: Tensors, indices: NDArray[np.int64], generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        if self.crop is None:
            return tensors.batch(indices, self.void)
        crops = tensors.cropped(indices, self.crop, generator)
        return crops.batch(np.arange(len(crops)), self.void)


@dataclass(frozen=True)
class StageData:
    """The data of one training stage.

    Attributes:
        recipe: The recipe of the stage.
        batches: The batch of every training step.
        pixels: (N, C) pixels of each class in each sample that the stage trains on.
    """

    recipe: Recipe
    batches: TrainingBatches
    pixels: NDArray[np.int64]

    @property
    def steps(self) -> int:
        """Return the number of training steps in the stage's epochs."""
        return self.recipe.training.epochs * self.batches.steps_per_pass


def stage_data(
    recipes: Sequence[Recipe],
    tensors: Tensors,
    pixels: NDArray[np.int64],
    taxonomy: Taxonomy,
    *,
    pseudo: Tensors | None = None,
    labeled_share: float = 1.0,
) -> tuple[StageData, ...]:
    """Return the data of each stage.

    Args:
        recipes: The recipe of each stage.
        tensors: The samples of the training split.
        pixels: (N, C) pixels of each class in each of them.
        taxonomy: The classes.
        pseudo: Pseudo-labeled samples to train on as well, or None.
        labeled_share: Share of each batch that is drawn from the training split.

    Raises:
        AreosegError: A recipe needs what the samples do not have; one line per problem.
    """
    rare_class = rarest_class(pixels, taxonomy)
    stages, errors = [], []
    for number, recipe in enumerate(recipes):
        usable = not_over_background(pixels, recipe.data.max_background, taxonomy)
        kept = tensors if usable.all() else tensors.select(np.flatnonzero(usable))
        rare = np.flatnonzero(pixels[usable, rare_class])
        bank = _rare_bank(recipe, kept)
        problems = _problems(recipe, pixels[usable], len(rare), bank, taxonomy)
        if problems:
            place = f"stages.{number}." if len(recipes) > 1 else ""
            errors += [f"{place}{problem}" for problem in problems]
            continue
        batches = TrainingBatches(
            kept,
            batch_size=recipe.training.batch_size * recipe.optimizer.accumulate,
            seed=recipe.training.seed,
            augmentation=build_augmentation(recipe.augment, rare_bank=bank),
            void=taxonomy.background if recipe.data.background == "void" else None,
            rare=rare,
            rare_share=recipe.data.oversample_rare,
            pseudo=pseudo,
            labeled_share=labeled_share,
        )
        stages.append(StageData(recipe, batches, pixels[usable]))
    if errors:
        raise AreosegError("\n".join(errors))
    return tuple(stages)


def not_over_background(
    pixels: NDArray[np.int64], max_share: float | None, taxonomy: Taxonomy
) -> NDArray[np.bool_]:
    """Return a mask of the samples with at most `max_share` of background; None selects all.

    A sample that consists of void pixels only is never selected.

    Args:
        pixels: (N, C) pixels of each class in each sample.
        max_share: 0 to 1.
        taxonomy: The classes.

    Returns:
        (N,) bool.
    """
    if max_share is None:
        return np.ones(len(pixels), dtype=bool)
    few = pixels[:, taxonomy.background] <= max_share * pixels.sum(axis=1)
    usable: NDArray[np.bool_] = few & pixels.any(axis=1)
    return usable


def _rare_bank(recipe: Recipe, tensors: Tensors) -> RareBank | None:
    """Return the objects that the recipe's augmentation pastes, cut from the training samples."""
    if not recipe.augment.needs_rare_bank:
        return None
    images, masks = tensors.images.numpy(), tensors.masks.numpy()
    return rare_object_bank(images, masks, recipe.augment.rare_class)


def _problems(
    recipe: Recipe,
    pixels: NDArray[np.int64],
    rare_samples: int,
    bank: RareBank | None,
    taxonomy: Taxonomy,
) -> list[str]:
    """Return what the recipe needs but samples with `pixels` (N, C) lack, one line per problem."""
    samples, augment = len(pixels), recipe.augment
    if not samples:
        return [
            f"data.max_background={recipe.data.max_background} leaves no training samples: raise it"
        ]
    lines = []
    if recipe.data.oversample_rare and not rare_samples:
        lines.append(
            f"data.oversample_rare={recipe.data.oversample_rare}: none of {samples} training"
            " samples holds the rarest class: set it to 0"
        )
    if not {"rare_paste", "rare_cutmix"} & augment.transforms.keys():
        return lines
    rare_class = augment.rare_class
    if rare_class >= len(taxonomy):
        lines.append(f"augment.rare_class={rare_class}: classes are 0 to {len(taxonomy) - 1}")
        return lines
    name = taxonomy.names[rare_class]
    if bank is not None and not len(bank):
        lines.append(
            f"augment.rare_paste: the masks of {samples} training samples have no {name} (class"
            f" {rare_class}) large enough to paste: set it to null, or set augment.rare_class"
        )
    if "rare_cutmix" in augment.transforms and not pixels[:, rare_class].any():
        lines.append(
            f"augment.rare_cutmix: the masks of {samples} training samples have no {name} (class"
            f" {rare_class}): set it to null, or set augment.rare_class"
        )
    return lines
