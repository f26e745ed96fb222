"""Fitting a network with Lightning: by epochs, for a budget, or by a plan."""

import logging
import time
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console

from areoseg.device import Precision
from areoseg.losses.class_weights import class_weights
from areoseg.losses.combined import build_loss
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.run import PLAN, WEIGHTS, write_json
from areoseg.taxonomy import Taxonomy
from areoseg.training.budget import Budget, measure_seconds
from areoseg.training.callbacks import (
    BatchStatistics,
    PlanCorrection,
    RunKeeper,
    StopWhenDone,
    save_weights,
)
from areoseg.training.loaders import Loaders, ValidationBatches
from areoseg.training.module import TrainingModule
from areoseg.training.plan import Plan
from areoseg.training.prepare import Preparation
from areoseg.training.progress import TrainingProgress
from areoseg.training.state import TrainingState

VALIDATION_BATCH = 64
REHEARSAL = 0.02  # share of the budget that measuring may take


def make_module(
    recipe: Recipe,
    preparation: Preparation,
    segmenter: Segmenter,
    taxonomy: Taxonomy,
) -> TrainingModule:
    """The Lightning module of a training that has not begun; its plan is made by `plan_steps`."""
    network = segmenter.network
    loss = build_loss(
        recipe.loss,
        class_weights=_class_weights(recipe, preparation, taxonomy),
        classes=len(taxonomy),
        background=taxonomy.background,
        auxiliary_weights=getattr(network, "auxiliary_weights", ()),
    )
    per_pass = preparation.batches.steps_per_pass
    total = recipe.training.steps or recipe.training.epochs * per_pass
    plan = Plan.of(total=total, epoch_steps=per_pass)
    return TrainingModule(
        segmenter, loss, recipe, taxonomy, TrainingState(plan, patience=recipe.training.patience)
    )


def plan_for(
    budget: Budget, module: TrainingModule, preparation: Preparation, precision: Precision
) -> Plan:
    """The plan that fills a budget, from the measured time of steps and validations.

    Measuring is a rehearsal on a copy of the network, so that the training that follows starts
    from the same weights whatever was measured.
    """
    rehearsal = deepcopy(module)
    optimizer = rehearsal.configure_optimizers()
    validation = ValidationBatches(preparation.validation, VALIDATION_BATCH)
    autocast = torch.autocast(
        rehearsal.device.type, torch.bfloat16, enabled=precision == "bfloat16"
    )

    def step(number: int) -> None:
        images, targets = (part.to(rehearsal.device) for part in preparation.batches(number))
        with autocast:
            rehearsal.segmenter.train()
            rehearsal.optimise(images, targets, optimizer, torch.Tensor.backward)

    def validate(number: int) -> None:
        with autocast, torch.no_grad():
            images, targets = validation[number % len(validation)]
            rehearsal.validation_step((images.to(rehearsal.device), targets), number)

    at_most = budget.seconds * REHEARSAL
    with torch.random.fork_rng(devices=[]):
        step_seconds = measure_seconds(step, at_most=at_most)
        validation_seconds = measure_seconds(validate, at_most=at_most / 4)
    return budget.first_plan(
        step_seconds=step_seconds,
        validation_seconds=validation_seconds * len(validation),
        pass_steps=preparation.batches.steps_per_pass,
    )


def fit(
    module: TrainingModule,
    preparation: Preparation,
    folder: Path,
    *,
    budget: Budget | None,
    precision: Precision,
    device: torch.device,
    console: Console,
    callbacks: Sequence[pl.Callback] = (),
) -> bool:
    """Train from where the module's state stands to the end of its plan.

    Args:
        module: What is trained.
        preparation: The data.
        folder: The run folder.
        budget: The time that the plan is to fill, or None.
        precision: Of the computation.
        device: Where to compute.
        console: Where to show the progress.
        callbacks: What Lightning calls besides, after those that steer the training.

    Returns:
        Whether the training came to its end; False where it was interrupted.
    """
    recipe, state = module.recipe, module.state
    write_json(folder / PLAN, state.plan.to_json())
    if state.finished:  # killed after its last step
        return True
    own: list[pl.Callback] = [
        TrainingProgress(console, batch_size=preparation.batches.batch_size),
        BatchStatistics(preparation.batches, seed=recipe.training.seed),
        StopWhenDone(),
        RunKeeper(folder, keep=recipe.training.keep, started=time.monotonic()),
    ]
    if budget:
        pass_steps = preparation.batches.steps_per_pass
        own.insert(0, PlanCorrection(budget, pass_steps=pass_steps))
    _quieten_lightning()
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        callbacks=[*own, *callbacks],
        max_epochs=-1,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        barebones=False,
    )
    loaders = Loaders(
        preparation.batches, ValidationBatches(preparation.validation, VALIDATION_BATCH), state
    )
    try:
        trainer.fit(module, datamodule=loaders)
    except (KeyboardInterrupt, SystemExit):  # Lightning turns the first into the second
        if not (folder / WEIGHTS).is_file():
            save_weights(folder / WEIGHTS, module)
        return False
    return True


def _class_weights(recipe: Recipe, preparation: Preparation, taxonomy: Taxonomy) -> torch.Tensor:
    """Weights by the recipe's scheme; a background that is void takes no part."""
    pixels = preparation.pixels.copy()
    if recipe.data.background == "void":
        pixels[:, taxonomy.background] = 0
    in_scene = pixels.sum(axis=1, keepdims=True)
    return class_weights(
        pixels.sum(axis=0),
        recipe.class_weights.scheme,
        pixels_where_present=((pixels > 0) * in_scene).sum(axis=0),
        cap=recipe.class_weights.cap,
    )


def _quieten_lightning() -> None:
    """Lightning's hints about loaders and hardware say nothing to a user of areoseg."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="lightning_fabric")
