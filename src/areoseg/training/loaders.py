"""The loaders that Lightning draws from: an epoch of training steps, and the validation set."""

from collections.abc import Sequence

import numpy as np
import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset

from areoseg.training.batches import Tensors
from areoseg.training.batches import TrainingBatches
from areoseg.training.module import TrainingModule
from areoseg.training.rounds import Rounds
from areoseg.training.stages import epoch_end
from areoseg.training.stages import stage_at

Batch = tuple[Tensor, Tensor]


class StepBatches(Dataset[Batch]):
    """The batches of the training steps `first` to `last` - 1."""

    def __init__(self, batches: TrainingBatches, first: int, last: int) -> None:
        self.batches, self.first, self.last = batches, first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, index: int) -> Batch:
        return self.batches(self.first + index)


class ValidationBatches(Dataset[Batch]):
    """The validation samples in their order, some at a time."""

    def __init__(self, tensors: Tensors, batch_size: int) -> None:
        self.tensors, self.batch_size = tensors, batch_size

    def __len__(self) -> int:
        return -(-len(self.tensors) // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        start = index * self.batch_size
        end = min(start + self.batch_size, len(self.tensors))
        return self.tensors.batch(np.arange(start, end), void=None)


class Loaders(pl.LightningDataModule):
    """Hands out one epoch at a time, from where the training stands.

    Args:
        batches: Those of each stage.
        validation: The validation set.
        module: What is trained.
        rounds: Its pseudo-labels.
    """

    def __init__(
        self,
        batches: Sequence[TrainingBatches],
        validation: ValidationBatches,
        module: TrainingModule,
        rounds: Rounds,
    ) -> None:
        super().__init__()
        self.batches, self.validation, self.module = batches, validation, module
        self.rounds = rounds

    def train_dataloader(self) -> DataLoader[Batch]:
        """The batches of the coming epoch."""
        stages, state = self.module.stages, self.module.state
        progress = state.plan.progress(state.step)
        batches = self.rounds.batches(self.batches[stage_at(stages, progress)], progress)
        epoch = StepBatches(batches, state.step, epoch_end(stages, state.plan, state.step))
        return DataLoader(epoch, batch_size=None)

    def val_dataloader(self) -> DataLoader[Batch]:
        """The batches of the validation set."""
        return DataLoader(self.validation, batch_size=None)
