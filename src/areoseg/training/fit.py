"""Fitting a network with Lightning: by epochs, for a budget, or by a plan."""

import logging
import time
import warnings
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.loggers import TensorBoardLogger
from rich.console import Console

from areoseg.losses.class_weights import class_weights
from areoseg.losses.combined import build_loss
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.recipes import stage_recipes
from areoseg.runs.run import PLAN
from areoseg.runs.run import WEIGHTS
from areoseg.taxonomy import Taxonomy
from areoseg.training.budget import Budget
from areoseg.training.budget import measure_seconds
from areoseg.training.callbacks import BatchStatistics
from areoseg.training.callbacks import PlanCorrection
from areoseg.training.callbacks import RunKeeper
from areoseg.training.callbacks import StopWhenDone
from areoseg.training.loaders import Loaders
from areoseg.training.loaders import ValidationBatches
from areoseg.training.loop import save_weights
from areoseg.training.module import TrainingModule
from areoseg.training.plan import Plan
from areoseg.training.prepare import Preparation
from areoseg.training.progress import Interruption
from areoseg.training.progress import TrainingProgress
from areoseg.training.rounds import Rounds
from areoseg.training.stages import make_stages
from areoseg.training.state import TrainingState
from areoseg.utils.device import Precision
from areoseg.utils.files import write_json

VALIDATION_BATCH = 64
REHEARSAL = 0.02  # share of the budget that measuring may take


def make_module(
    recipe: Recipe,
    preparation: Preparation,
    segmenter: Segmenter,
    taxonomy: Taxonomy,
) -> TrainingModule:
    """The Lightning module of a training that has not begun; its plan is made by `plan_steps`."""
    recipes = stage_recipes(recipe)
    stages = list(zip(recipes, preparation.stages, strict=True))
    losses = [
        build_loss(
            each.loss,
            class_weights=_class_weights(each, data.pixels, taxonomy),
            classes=len(taxonomy),
            background=taxonomy.background,
            auxiliary_weights=getattr(segmenter.network, "auxiliary_weights", ()),
        )
        for each, data in stages
    ]
    steps = [each.training.epochs * data.batches.steps_per_pass for each, data in stages]
    stretch = recipe.training.epochs / sum(each.training.epochs for each in recipes)
    plan = Plan.of(
        total=recipe.training.steps or round(stretch * sum(steps)),
        epoch_steps=preparation.pass_steps,
    )
    return TrainingModule(
        segmenter,
        make_stages(recipes, losses, steps),
        recipe,
        taxonomy,
        TrainingState(plan, patience=recipe.training.patience),
    )


def plan_for(
    budget: Budget, module: TrainingModule, preparation: Preparation, precision: Precision
) -> Plan:
    """The plan that fills a budget, from the measured time of steps and validations.

    Measuring is a rehearsal on a copy of the network, so that the training that follows starts
    from the same weights whatever was measured.
    """
    rehearsal = deepcopy(module)
    batches = preparation.stages[0].batches
    optimizer = rehearsal.configure_optimizers()
    validation = ValidationBatches(preparation.validation, VALIDATION_BATCH)
    autocast = torch.autocast(
        rehearsal.device.type, torch.bfloat16, enabled=precision == "bfloat16"
    )

    def step(number: int) -> None:
        images, targets = (part.to(rehearsal.device) for part in batches(number))
        with autocast:
            rehearsal.segmenter.train()
            rehearsal.optimize(images, targets, optimizer, torch.Tensor.backward)

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
        pass_steps=preparation.pass_steps,
    )


def fit(
    module: TrainingModule,
    preparation: Preparation,
    folder: Path,
    *,
    rounds: Rounds,
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
        rounds: The pseudo-labels of the training.
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
    batches = [stage.batches for stage in preparation.stages]
    own: list[pl.Callback] = [
        TrainingProgress(console),
        BatchStatistics(batches, seed=recipe.training.seed),
        StopWhenDone(),
        RunKeeper(folder, keep=recipe.training.checkpoint, started=time.monotonic()),
    ]
    if budget:
        own.insert(0, PlanCorrection(budget, pass_steps=preparation.pass_steps))
    interruption = Interruption()
    _quieten_lightning()
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
        logger=TensorBoardLogger(folder, name="", version="tensorboard"),
        callbacks=[*own, *callbacks, interruption],
        max_epochs=-1,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        barebones=False,
    )
    validation = ValidationBatches(preparation.validation, VALIDATION_BATCH)
    loaders = Loaders(batches, validation, module, rounds)
    try:
        with interruption.listening():
            trainer.fit(module, datamodule=loaders)
        interruption.check()
    except (KeyboardInterrupt, SystemExit):  # Lightning turns the first into the second
        if not (folder / WEIGHTS).is_file():
            save_weights(folder / WEIGHTS, module)
        return False
    return True


def _class_weights(recipe: Recipe, pixels: NDArray[np.int64], taxonomy: Taxonomy) -> torch.Tensor:
    """Weights by the recipe's scheme; a background that is void takes no part.

    Args:
        recipe: Of a stage.
        pixels: (N, C) pixels of each class in each of its samples.
        taxonomy: The classes.
    """
    pixels = pixels.copy()
    if recipe.data.background == "void":
        pixels[:, taxonomy.background] = 0
    in_sample = pixels.sum(axis=1, keepdims=True)
    return class_weights(
        pixels.sum(axis=0),
        recipe.class_weights.scheme,
        pixels_where_present=((pixels > 0) * in_sample).sum(axis=0),
        cap=recipe.class_weights.cap,
    )


def _quieten_lightning() -> None:
    """Lightning's hints about loaders and hardware say nothing to a user of areoseg."""
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    warnings.filterwarnings("ignore", module="lightning_fabric")
