"""The training loop.

Each step draws the batch of (seed, step), updates the weights, and updates their average. Each
epoch ends with a validation of the average, a correction of the plan, and a checkpoint. `fit` is
the loop, and `Trainer` implements its operations.
"""

import csv
import math
import time
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from rich.console import Console
from torch import Tensor
from torch.optim import Optimizer
from torch.utils.tensorboard import SummaryWriter

from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.rates import class_iou, score
from areoseg.models.adjust import train_only
from areoseg.models.layers.regularization import set_progress
from areoseg.models.segmenter import Segmenter
from areoseg.optim.optimizers import build_optimizer
from areoseg.optim.schedules import rate_factor
from areoseg.recipes import Recipe
from areoseg.runs.run import METRICS, PLAN, RESUME, WEIGHTS, write_weights
from areoseg.taxonomy import Taxonomy
from areoseg.training.averaging import WeightAverage, estimate_batch_statistics
from areoseg.training.batches import TrainingBatches, step_seed
from areoseg.training.checkpoint import TrainingState, save_resume_state
from areoseg.training.health import check_finite, explained
from areoseg.training.plan import Budget, Plan, measure_seconds
from areoseg.training.prepare import Preparation
from areoseg.training.progress import Interruption, TrainingProgress
from areoseg.training.self_training.rounds import Rounds
from areoseg.training.stages import Stage, build_stages, epoch_end, stage_at, without_rest
from areoseg.training.step import Loss, draw_mixture, mix_batch, mixed_loss, training_step
from areoseg.utils.device import Precision, autocast, fork_rng
from areoseg.utils.files import replacing, write_json

VALIDATION_BATCH = 64
STATISTICS_BATCHES = 16  # enough pixels for one mean and one variance per channel
REPORT_SECONDS = 8.0  # for charts and pictures, whatever the data
FINISHING_VALIDATIONS = 2.0  # time to calibrate and score a sample, in those to validate it
MEASURING_SHARE = 0.02  # maximum share of a budget for timing steps and validations

OnValidation = Callable[[TrainingState], bool]
"""Called after each validation and its checkpoint; returns whether to stop the training."""


def fit(
    trainer: "Trainer",
    folder: Path,
    *,
    rounds: Rounds,
    budget: Budget | None = None,
    console: Console,
    on_validation: OnValidation | None = None,
) -> bool:
    """Train from the trainer's current state to the end of the plan.

    The same seed, plan and data give bit-identical weights, whether or not the training was
    interrupted and resumed in between.

    Args:
        trainer: The trainer, in its initial or a resumed state.
        folder: The run folder; receives weights, metrics, plan and checkpoints.
        rounds: The pseudo-labels of the training.
        budget: The time budget that the plan fills, or None.
        console: Where to show the progress.
        on_validation: See `OnValidation`.

    Returns:
        Whether the training is complete; False if the user interrupted it.
    """
    state, stages, settings = trainer.state, trainer.stages, trainer.recipe.training
    write_json(folder / PLAN, state.plan.to_json())
    if state.finished:  # the process was killed after the last step
        return True
    progress = TrainingProgress(console, state, budget)
    interruption = Interruption()
    started = saved = time.monotonic()
    first_step = state.step
    curves = SummaryWriter(folder / "tensorboard")
    try:
        with fork_rng(trainer.device), interruption.listening(), closing(curves), progress.bar:
            stop = False
            while not (state.finished or stop):
                progress.start_epoch()
                trainer.enter_stage()
                batches = rounds.batches(trainer.batches, state.plan.progress(state.step))
                for step in range(state.step, epoch_end(stages, state.plan, state.step)):
                    images, targets = batches(step)
                    trainer.step(images, targets)
                    progress.step_done(len(images))
                    interruption.check()

                trainer.validate(after_batch=interruption.check)
                if budget and not state.finished:
                    seconds_per_step = (time.monotonic() - started) / (state.step - first_step)
                    state.plan = budget.corrected(
                        state.plan,
                        state.step,
                        seconds_per_step=seconds_per_step,
                        pass_steps=trainer.data.pass_steps,
                    )
                progress.epoch_done(trainer.recipe.protocol, len(stages))
                if 0 < state.patience <= state.stale_epochs:  # recorded in the plan for replays
                    early = not state.finished
                    state.plan = without_rest(stages, state.stage, state.plan, state.step)
                    state.stopped = early and state.finished

                now = time.monotonic()
                state.seconds += now - saved
                saved = now
                for name, value in state.history[-1].items():
                    curves.add_scalar(name, value, state.step)
                write_checkpoint(
                    folder, trainer, weights=settings.checkpoint == "last" or state.improved
                )
                stop = on_validation is not None and on_validation(state)
                interruption.check()
    except KeyboardInterrupt:
        if not (folder / WEIGHTS).is_file():
            save_weights(folder / WEIGHTS, trainer.ema_model)
        return False
    return True


def write_checkpoint(folder: Path, trainer: "Trainer", *, weights: bool) -> None:
    """Write the weights if requested, then metrics, plan, and the state to resume from."""
    state = trainer.state
    if weights:
        save_weights(folder / WEIGHTS, trainer.ema_model)
    columns = dict.fromkeys(name for row in state.history for name in row)  # terms vary by stage
    with (
        replacing(folder / METRICS) as beside,
        beside.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows(state.history)
    write_json(folder / PLAN, state.plan.to_json())
    save_resume_state(folder / RESUME, state, trainer.state_tensors())


def save_weights(path: Path, segmenter: Segmenter) -> None:
    """Write the weights of a segmenter as safetensors."""
    write_weights(path, segmenter.state_dict())


def plan_for(budget: Budget, trainer: "Trainer", *, report: bool = False) -> Plan:
    """Return the plan that fills a budget, based on measured times of steps and validations.

    If a report follows the training, the budget reserves the time for it.

    The trainer's own operations are timed on a copy of its network, so that the weights do not
    depend on the measurement.
    """
    rehearsal = Trainer(
        trainer.recipe,
        trainer.data,
        deepcopy(trainer.segmenter),
        trainer.taxonomy,
        device=trainer.device,
        precision=trainer.precision,
    )
    validation = trainer.data.validation
    seconds = budget.seconds * MEASURING_SHARE
    started, busy = time.monotonic(), time.process_time()
    with fork_rng(trainer.device):
        step_seconds = measure_seconds(
            lambda number: rehearsal.step(*rehearsal.batches(number)), at_most=seconds
        )
        batch_seconds = measure_seconds(
            lambda _: rehearsal.count_pixels(*next(validation.batches(VALIDATION_BATCH))),
            at_most=seconds / 4,
        )
    validation_seconds = batch_seconds * math.ceil(len(validation) / VALIDATION_BATCH)
    if report:
        split = trainer.data.split
        scored = (len(split.val) + len(split.test)) / len(split.val)
        waiting = (time.monotonic() - started) / max(1e-3, time.process_time() - busy)
        report_seconds = REPORT_SECONDS * max(1.0, waiting)  # longer if others use the processor
        budget.reserve(report_seconds + FINISHING_VALIDATIONS * scored * validation_seconds)
    return budget.first_plan(
        step_seconds=step_seconds,
        validation_seconds=validation_seconds,
        pass_steps=trainer.data.pass_steps,
    )


class Trainer:
    """Trains a segmenter by a recipe, and validates the average of its weights.

    Args:
        recipe: The recipe to train.
        data: The prepared data.
        segmenter: The network; moved to the device.
        taxonomy: The classes.
        device: Where to compute.
        precision: Precision of the computation.

    Attributes:
        state: The training state, updated by every step and validation.
        stages: Loss, optimizer and schedule of each stage.
    """

    def __init__(
        self,
        recipe: Recipe,
        data: Preparation,
        segmenter: Segmenter,
        taxonomy: Taxonomy,
        *,
        device: torch.device,
        precision: Precision,
    ) -> None:
        # On a GPU the samples stay there, so that no step waits for a transfer.
        self.recipe, self.data, self.taxonomy = recipe, data.to(device), taxonomy
        self.device, self.precision = device, precision
        self.fabric = Fabric(
            accelerator=device.type,
            devices=1 if device.index is None else [device.index],
        )
        self.segmenter = segmenter
        self.network = self.fabric.setup_module(segmenter)
        # Last, because the set-up puts every module in training mode.
        train_only(segmenter.network, recipe.training.trainable)
        self.average = WeightAverage(segmenter, ema=recipe.training.ema)
        auxiliary_weights = getattr(segmenter.network, "auxiliary_weights", ())
        self.stages = build_stages(data.stages, taxonomy, auxiliary_weights=auxiliary_weights)
        steps = sum(stage.steps for stage in data.stages)
        stretch = recipe.training.epochs / sum(s.recipe.training.epochs for s in data.stages)
        plan = Plan.of(
            total=recipe.training.steps or round(stretch * steps), epoch_steps=data.pass_steps
        )
        self.state = TrainingState(plan, patience=recipe.training.patience)
        self.optimizer = self._build_optimizer()
        self._losses: dict[str, list[Tensor]] = {}  # of each step since the last validation

    @property
    def ema_model(self) -> Segmenter:
        """The segmenter with averaged weights."""
        return self.average.module

    @property
    def stage(self) -> Stage:
        """The current stage."""
        return self.stages[self.state.stage]

    @property
    def batches(self) -> TrainingBatches:
        """The batches of the current stage, cropped as at the current progress."""
        progress = self.stage.progress(self.state.plan.progress(self.state.step))
        batches = self.data.stages[self.state.stage].batches
        return batches.cropped_at(self.stage.recipe.data.crops, progress)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        # Evaluate in the middle of the step, so that neither the first nor the last rate is zero.
        progress = self.stage.progress(self.state.plan.progress(self.state.step + 0.5))
        schedule = self.stage.recipe.schedule
        factor = rate_factor(schedule.name, progress, self.state.scores, **schedule.options)
        return self.stage.recipe.optimizer.lr * factor

    def enter_stage(self) -> None:
        """Switch to the stage of the next step, with a new optimizer if its settings differ."""
        state, before = self.state, self.stage
        number = stage_at(self.stages, state.plan.progress(state.step))
        if number == state.stage:
            return
        state.enter_stage(number)
        if self.stage.recipe.optimizer != before.recipe.optimizer:
            self.optimizer = self._build_optimizer()

    def step(self, images: Tensor, targets: Tensor) -> None:
        """Update the weights with one batch, and then their average.

        Args:
            images: (N, 1, H, W) float in 0..1.
            targets: (N, H, W) int64.

        Raises:
            AreosegError: The batch does not suit the network or the memory, or the loss is not
                finite; the averaged weights are then those of the step before.
        """
        state, training, optimizer = self.state, self.recipe.training, self.stage.recipe.optimizer
        progress = state.plan.progress(state.step)
        torch.manual_seed(step_seed(training.seed + 1, state.step))  # for mixup and dropout
        images, targets = self.fabric.to_device((images, targets))
        loss: Loss = self.stage.loss
        if training.mixup:
            share, partner = draw_mixture(len(images), training.mixup)
            images, targets = mix_batch(images, targets, share, partner)
            loss = mixed_loss(loss, share)
        set_progress(self.segmenter, progress)
        with explained(images), autocast(self.device, self.precision):
            terms = training_step(
                self.network,
                loss,
                self.optimizer,
                images,
                targets,
                progress=self.stage.progress(progress),
                lr=self.learning_rate,
                l2=optimizer.l2,
                clip=optimizer.clip,
                accumulate=optimizer.accumulate,
                backward=self.fabric.backward,
            )
        check_finite(terms, state.step)
        if training.swa and progress >= 1 - training.swa and not self.average.swa:
            self.average.begin_swa()
        self.average.update_parameters(self.segmenter)
        state.step += 1
        for name, value in terms.items():  # left on the device, so that no step waits for it
            self._losses.setdefault(name, []).append(value)

    def validate(self, *, after_batch: Callable[[], None] = lambda: None) -> None:
        """Score the averaged weights on the validation samples, and record the epoch."""
        if self.average.swa:
            self._estimate_batch_statistics()
        state, protocol = self.state, self.recipe.protocol
        confusion = np.zeros((len(self.taxonomy), len(self.taxonomy)), dtype=np.int64)
        for images, targets in self.data.validation.batches(VALIDATION_BATCH):
            confusion += self.count_pixels(images, targets)
            after_batch()
        iou = class_iou(confusion, protocol, self.taxonomy)
        row = {"stage": state.stage + 1.0} if len(self.stages) > 1 else {}
        for name, values in self._losses.items():
            row[f"loss/{name}"] = float(torch.stack(values).cpu().double().mean())
        row["lr"] = self.learning_rate
        for index, name in enumerate(self.taxonomy.names):
            row[f"iou/{name}"] = float(iou[index])
        state.record(float(score(confusion, protocol, self.taxonomy)), row)
        self._losses = {}

    @torch.inference_mode()
    def count_pixels(self, images: Tensor, targets: Tensor) -> NDArray[np.int64]:
        """Return the confusion matrix (C, C) of the averaged weights on one batch."""
        with autocast(self.device, self.precision):
            logits = self.ema_model.eval()(self.fabric.to_device(images))
        prediction = self.ema_model.choose_class(logits.softmax(dim=1)).cpu().numpy()
        return confusion_matrix(prediction, targets.cpu().numpy(), len(self.taxonomy))

    def state_tensors(self) -> dict[str, Any]:
        """Return the state dictionaries of the weights, their average and the optimizer."""
        return {
            "segmenter": self.segmenter.state_dict(),
            "ema_model": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load(self, state: TrainingState, tensors: dict[str, Any]) -> None:
        """Continue from a checkpoint.

        Args:
            state: The state of the training.
            tensors: What `state_tensors` returned.
        """
        self.state = state
        self.segmenter.load_state_dict(tensors["segmenter"])
        self.average.load_state_dict(tensors["ema_model"])
        self.optimizer = self._build_optimizer()
        self.optimizer.load_state_dict(tensors["optimizer"])

    def _build_optimizer(self) -> Optimizer:
        """The optimizer of the current stage."""
        settings = self.stage.recipe.optimizer
        return build_optimizer(
            settings.name,
            self.segmenter,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            decay_all=settings.decay_all,
            **settings.options,
        )

    def _estimate_batch_statistics(self) -> None:
        """Recompute the batch statistics of the averaged weights on the latest batches."""
        step = self.state.step
        latest = range(max(0, step - STATISTICS_BATCHES), step)
        images = (self.fabric.to_device(self.batches(number)[0]) for number in latest)
        seed = step_seed(self.recipe.training.seed + 2, step)
        estimate_batch_statistics(self.ema_model, images, seed)
