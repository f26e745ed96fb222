"""The Lightning module: what happens in a training step and in a validation."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.rates import class_iou
from areoseg.metrics.rates import score
from areoseg.models.layers.regularization import set_progress
from areoseg.models.segmenter import Segmenter
from areoseg.optim.optimizers import build_optimizer
from areoseg.optim.schedules import rate_factor
from areoseg.recipes import Recipe
from areoseg.taxonomy import Taxonomy
from areoseg.training.averaging import averaged
from areoseg.training.averaging import newest_share
from areoseg.training.averaging import update_average
from areoseg.training.batches import step_seed
from areoseg.training.mixup import draw_mixture
from areoseg.training.mixup import mix_batch
from areoseg.training.mixup import mixed_loss
from areoseg.training.stages import Stage
from areoseg.training.stages import stage_at
from areoseg.training.state import TrainingState
from areoseg.training.step import Loss
from areoseg.training.step import training_step


class TrainingModule(pl.LightningModule):
    """Trains a segmenter by a recipe; validates the average of its weights.

    Args:
        segmenter: The network, on any device.
        stages: Loss, optimizer and schedule of each stage.
        recipe: Seed, averages and protocol are read from it.
        taxonomy: The classes.
        state: Where the training stands; moved on by every step and validation.

    Attributes:
        kept: The segmenter whose weights count: the average, or the newest where the recipe asks
            for no average.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        stages: Sequence[Stage],
        recipe: Recipe,
        taxonomy: Taxonomy,
        state: TrainingState,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # steps and stages are ours, so that a run can resume
        self.segmenter = segmenter
        self.ema_model = averaged(segmenter)
        self.stages = tuple(stages)
        self.recipe = recipe
        self.taxonomy = taxonomy
        self.state = state
        self._optimizer_state: dict[str, Any] | None = None
        self._loss_sums: dict[str, float] = {}
        self._steps_summed = 0
        self._confusion = np.zeros((len(taxonomy), len(taxonomy)), dtype=np.int64)

    @property
    def stage(self) -> Stage:
        """The stage that the training is in."""
        return self.stages[self.state.stage]

    def configure_optimizers(self) -> Optimizer:
        """The stage's optimizer over the segmenter's weights."""
        settings = self.stage.recipe.optimizer
        optimizer = build_optimizer(
            settings.name,
            self.segmenter,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            decay_all=settings.decay_all,
            **settings.options,
        )
        if self._optimizer_state is not None:
            optimizer.load_state_dict(self._optimizer_state)
        return optimizer

    def learning_rate(self) -> float:
        """The learning rate of the coming step."""
        # The middle of the step, so that neither the first nor the last has a rate of zero.
        progress = self.stage.progress(self.state.plan.progress(self.state.step + 0.5))
        schedule = self.stage.recipe.schedule
        factor = rate_factor(schedule.name, progress, self.state.scores, **schedule.options)
        return self.stage.recipe.optimizer.lr * factor

    def on_train_epoch_start(self) -> None:
        """Enter the stage that has come; its optimizer is new where its settings are."""
        state, before = self.state, self.stage
        now = stage_at(self.stages, state.plan.progress(state.step))
        if now == state.stage:
            return
        state.enter_stage(now)
        if self.stage.recipe.optimizer != before.recipe.optimizer:
            self._optimizer_state = None
            self.trainer.optimizers = [self.configure_optimizers()]

    def training_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """One step on images (N, 1, H, W) and targets (N, H, W)."""
        optimizer = self.trainer.optimizers[0]
        terms = self.optimize(*batch, optimizer, self.manual_backward)
        for name, value in terms.items():
            self._loss_sums[name] = self._loss_sums.get(name, 0.0) + float(value)
        self._steps_summed += 1

    def optimize(
        self,
        images: Tensor,
        targets: Tensor,
        optimizer: Optimizer,
        backward: Callable[[Tensor], None],
    ) -> dict[str, Tensor]:
        """Change the weights by one batch, and their average; returns the terms of the loss."""
        state, settings = self.state, self.stage.recipe.optimizer
        progress = state.plan.progress(state.step)
        torch.manual_seed(step_seed(self.recipe.training.seed + 1, state.step))  # mixup, dropout
        loss: Loss = self.stage.loss
        if alpha := self.recipe.training.mixup:
            share, partner = draw_mixture(len(images), alpha)
            images, targets = mix_batch(images, targets, share, partner)
            loss = mixed_loss(loss, share)
        set_progress(self.segmenter, progress)
        terms = training_step(
            self.segmenter,
            loss,
            optimizer,
            images,
            targets,
            progress=self.stage.progress(progress),
            lr=self.learning_rate(),
            l2=settings.l2,
            clip=settings.clip,
            accumulate=settings.accumulate,
            backward=backward,
        )
        self._average()
        state.step += 1
        return terms

    def _average(self) -> None:
        """Take the newest weights into the average."""
        state, settings = self.state, self.recipe.training
        if settings.swa and state.plan.progress(state.step) >= 1 - settings.swa:
            state.swa_steps += 1
        share = newest_share(state.step, ema=settings.ema, swa_steps=state.swa_steps)
        update_average(self.ema_model, self.segmenter, share)

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_index: int) -> None:
        """Count the pixels that the kept weights get right and wrong."""
        images, targets = batch
        prediction = self.ema_model.eval()(images).argmax(dim=1)
        self._confusion += confusion_matrix(
            prediction.cpu().numpy(), targets.cpu().numpy(), len(self.taxonomy)
        )

    def on_validation_epoch_end(self) -> None:
        """Enter the epoch into the history, and note whether it is the best."""
        state, protocol = self.state, self.recipe.protocol
        result = float(score(self._confusion, protocol, self.taxonomy))
        iou = class_iou(self._confusion, protocol, self.taxonomy)
        losses = {
            f"loss/{name}": value / self._steps_summed for name, value in self._loss_sums.items()
        }
        stage = {"stage": state.stage + 1.0} if len(self.stages) > 1 else {}
        state.record(
            result,
            {
                **stage,
                **losses,
                "lr": self.learning_rate(),
                **{f"iou/{name}": float(iou[i]) for i, name in enumerate(self.taxonomy.names)},
            },
        )
        self._loss_sums, self._steps_summed = {}, 0
        self._confusion[:] = 0

    def state_tensors(self) -> dict[str, Any]:
        """State dictionaries of the weights, their average and the optimizer."""
        return {
            "segmenter": self.segmenter.state_dict(),
            "ema_model": self.ema_model.state_dict(),
            "optimizer": self.trainer.optimizers[0].state_dict(),
        }

    def load_state_tensors(self, tensors: dict[str, Any]) -> None:
        """Take over what `state_tensors` gave; the optimizer's part waits for its making."""
        self.segmenter.load_state_dict(tensors["segmenter"])
        self.ema_model.load_state_dict(tensors["ema_model"])
        self._optimizer_state = tensors["optimizer"]


def state_of(module: pl.LightningModule) -> TrainingState:
    """The state of the training that Lightning hands to a callback."""
    assert isinstance(module, TrainingModule)
    return module.state
