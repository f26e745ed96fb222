"""The batches of a training: samples drawn, prepared and augmented, by seed and step alone."""

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.data.sampling import batch_indices
from areoseg.data.sampling import unlabeled_batch_indices
from areoseg.taxonomy import VOID

Augmentation = Callable[[Tensor, Tensor, torch.Generator], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Tensors:
    """Samples of one size, ready for a network.

    Attributes:
        images: (N, H, W) uint8, or float32 in 0..1.
        masks: (N, H, W) uint8.
    """

    images: Tensor
    masks: Tensor

    @classmethod
    def of(cls, samples: SegmentationDataset) -> "Tensors":
        """The tensors of labeled samples.

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
        """Some of the samples, copied."""
        chosen = torch.from_numpy(indices)
        return Tensors(self.images[chosen], self.masks[chosen])

    def batch(self, indices: NDArray[np.int64], void: int | None) -> tuple[Tensor, Tensor]:
        """Images (n, 1, H, W) float in 0..1 and targets (n, H, W) int64.

        Args:
            indices: Which samples.
            void: A class whose pixels count for nothing, or None.
        """
        chosen = torch.from_numpy(indices)
        targets = self.masks[chosen].long()
        if void is not None:
            targets[targets == void] = VOID
        return unit_float(self.images[chosen]).unsqueeze(1), targets

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All samples in their order, `size` at a time, as images and targets."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))), void=None)


def unit_float(images: Tensor) -> Tensor:
    """Images as float32 in 0..1; uint8 is divided by 255."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images


def step_seed(seed: int, step: int) -> int:
    """A seed for everything random in one training step, the same on every machine."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class TrainingBatches:
    """The batch of every training step.

    Attributes:
        tensors: The training samples.
        batch_size: Samples a batch.
        seed: The run's seed.
        augmentation: Changes images and targets with the generator that it is given.
        void: A class whose pixels count for nothing, or None.
        rare: Indices of the samples with the rarest class.
        rare_share: Share of each batch drawn from those.
        pseudo: Samples with pseudo-labels that are trained on besides, or None.
        labeled_share: Share of each batch drawn from the training samples; the rest is pseudo.
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

    @property
    def labeled_size(self) -> int:
        """Training samples a batch: at least one."""
        if self.pseudo is None:
            return self.batch_size
        return max(1, round(self.labeled_share * self.batch_size))

    @property
    def steps_per_pass(self) -> int:
        """Steps after which every training sample has been drawn about once."""
        return max(1, round(len(self.tensors) / self.labeled_size))

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """Images (n, 1, H, W) float in 0..1 and targets (n, H, W) int64 of a step."""
        indices = batch_indices(
            step,
            samples=len(self.tensors),
            batch_size=self.labeled_size,
            seed=self.seed,
            rare=self.rare,
            rare_share=self.rare_share,
        )
        images, targets = self.tensors.batch(indices, self.void)
        generator = torch.Generator().manual_seed(step_seed(self.seed, step))
        if self.pseudo is not None:
            images, targets = self._with_pseudo(step, images, targets, generator)
        return self.augmentation(images, targets, generator)

    def _with_pseudo(
        self, step: int, images: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """The batch filled up with pseudo-labeled samples, in random order."""
        assert self.pseudo is not None
        indices = unlabeled_batch_indices(
            step,
            samples=len(self.pseudo),
            batch_size=self.batch_size - self.labeled_size,
            seed=self.seed,
        )
        more_images, more_targets = self.pseudo.batch(indices, self.void)
        order = torch.randperm(self.batch_size, generator=generator)  # parts of it are passed alone
        return (
            torch.cat([images, more_images])[order],
            torch.cat([targets, more_targets])[order],
        )
