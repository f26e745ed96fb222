"""Training on data in memory: preparation, loop, calibration and scores of a run."""

import math
import platform
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg import __version__
from areoseg.audit import Exclusions, read_exclusions
from areoseg.data.load import Source
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.runs.compatibility import (
    check_initial_weights,
    check_same_samples,
    check_same_unlabeled,
)
from areoseg.runs.info import RoundsInfo, RunInfo, Versions
from areoseg.runs.lineage import check_held_out
from areoseg.runs.lock import locked
from areoseg.runs.run import (
    AUDIT,
    RESUME,
    RUN_INFO,
    SPLIT,
    WEIGHTS,
    Run,
    build_segmenter,
    check_no_run_in,
    check_resumable,
    initial_segmenter,
    open_run,
)
from areoseg.training.calibration.calibrate import calibrate_segmenter
from areoseg.training.checkpoint import load_resume_state
from areoseg.training.finish import finish_run
from areoseg.training.health import DivergedError
from areoseg.training.loop import OnValidation, Trainer, fit, plan_for, save_weights
from areoseg.training.new_run import create_run, data_info, model_info
from areoseg.training.notes import end_notes, start_notes
from areoseg.training.plan import Budget, Plan
from areoseg.training.prepare import favor_rarest_class, prepare
from areoseg.training.self_training.pseudo_labels import PseudoSamples
from areoseg.training.self_training.rounds import ROUND, Rounds
from areoseg.training.stages import check_stages_not_empty
from areoseg.utils.console import standard_error
from areoseg.utils.device import (
    choose_device,
    choose_precision,
    fork_rng,
    precision_of_training,
    use_threads,
)
from areoseg.utils.files import PathLike


def train_on(
    recipe: Recipe,
    data: LoadedData,
    out: PathLike,
    *,
    source: Source,
    budget: Budget | None = None,
    plan: Plan | None = None,
    exclusions: Exclusions | None = None,
    pseudo: PseudoSamples | None = None,
    init_from: Run | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
    on_validation: OnValidation | None = None,
    report: bool = False,
) -> Run:
    """Train a recipe on data in memory, and calibrate the result if the recipe enables it.

    Args:
        recipe: The recipe to train.
        data: Labeled samples of one size, with their classes.
        out: The run folder to create.
        source: Where the data came from, stored in the run.
        budget: The time budget, instead of the recipe's epochs.
        plan: The plan of an earlier run to repeat, instead of epochs or budget.
        exclusions: The samples to exclude; None: `find_exclusions`, if the recipe enables it.
        pseudo: Pseudo-labeled samples to train on as well; saved in the run folder.
        init_from: The run that provides the initial weights; None: random weights.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: unchanged.
        command: The command line, stored in the run.
        console: Where to show the progress; None: standard error.
        on_validation: Called after each validation; returns whether to stop the training.
        report: Score the run on validation and test, and write its report.

    Raises:
        AreosegError: Data or recipe cannot be used, `out` contains a run, another process trains
            in it, or the loss is not finite; the last good weights are kept.
        KeyboardInterrupt: The user interrupted the training. The folder is a usable run
            nevertheless, once the first step is done.
    """
    out = Path(out)
    console = console or standard_error()
    taxonomy = data.taxonomy
    check_no_run_in(out)
    with locked(out):
        check_no_run_in(out)
        threads = use_threads(threads)
        torch_device = choose_device(device)
        precision = choose_precision(recipe.training.precision, torch_device)
        check_initial_weights(init_from, recipe, taxonomy)
        recipe = favor_rarest_class(recipe, data.labeled, taxonomy)
        prepared = prepare(
            recipe,
            data.labeled,
            taxonomy,
            unlabeled=data.unlabeled,
            exclusions=exclusions,
            pseudo=pseudo,
        )
        notes = [*prepared.notes]
        if init_from is not None:
            notes += check_held_out(init_from, prepared.names(), prepared.fingerprint)

        with fork_rng(torch_device):
            torch.manual_seed(recipe.training.seed)
            if init_from is None:
                model = build_segmenter(recipe, taxonomy, mean=prepared.mean, std=prepared.std)
            else:
                model = initial_segmenter(init_from, recipe)
        trainer = Trainer(
            recipe, prepared, model, taxonomy, device=torch_device, precision=precision
        )
        if plan is not None:
            trainer.state.plan, trainer.state.patience = plan, 0
        elif budget is not None:
            trainer.state.plan = plan_for(budget, trainer, report=report)
            trainer.state.patience = 0
        check_stages_not_empty(trainer.stages, trainer.state.plan)
        notes += start_notes(
            prepared,
            trainer.state,
            requested=recipe.training.precision,
            precision=precision,
            budget=budget,
        )
        for note in notes:
            console.print(f"note: {note}")
        if budget is not None:
            end = datetime.now() + timedelta(seconds=budget.left + budget.finishing)
            console.print(f"ends at {end:%H:%M:%S}{', with the report' if report else ''}")

        info = RunInfo(
            versions=Versions(
                areoseg=__version__, torch=torch.__version__, python=platform.python_version()
            ),
            command=command,
            status="training",
            data=data_info(source, data, prepared),
            taxonomy=taxonomy,
            model=model_info(model, prepared),
            device=device,
            threads=threads,
            precision=precision,
            budget_seconds=budget.seconds if budget else None,
            notes=(*data.warnings, *notes),
        )
        run = create_run(out, info, trainer, pseudo=pseudo, init_from=init_from)
        return _fit(trainer, run, budget, console, on_validation=on_validation, report=report)


def resume_on(
    path: PathLike,
    data: LoadedData,
    *,
    threads: int | None = None,
    console: Console | None = None,
    report: bool = False,
) -> Run:
    """Continue a training that was interrupted or killed.

    With the same data, threads and machine, the final weights are those of a run that was never
    interrupted. A time budget counts only the time in which the run was training.

    Args:
        path: The run folder.
        data: The data that the run was trained on.
        threads: CPU threads; None: as many as the run used.
        console: Where to show the progress; None: standard error.
        report: As for `train_on`.

    Raises:
        AreosegError: There is nothing to resume, or the data have changed.
    """
    run = open_run(path, unfinished=True)
    console = console or standard_error()
    with locked(run.path):
        check_resumable(run)
        state, tensors = load_resume_state(run.path / RESUME)
        check_same_samples(run, data.labeled)
        check_same_unlabeled(run, data.unlabeled)
        use_threads(threads or run.info.threads)
        # Samples excluded at the start stay excluded, regardless of who or which version did it.
        audit = run.path / AUDIT
        prepared = prepare(
            run.recipe,
            data.labeled,
            run.taxonomy,
            unlabeled=data.unlabeled,
            exclusions=read_exclusions(audit) if audit.is_file() else None,
            pseudo=PseudoSamples.of_run(run),
        )
        if prepared.names() != run.split:
            raise AreosegError(
                f"{path}: these data would be split differently than in {SPLIT}: use --groups to"
                " give the groups that the run was trained with, and restore the `splits` of its"
                " dataset description, if it had some"
            )
        torch_device = choose_device(run.info.device)
        with fork_rng(torch_device):
            model = build_segmenter(run.recipe, run.taxonomy)
        trainer = Trainer(
            run.recipe,
            prepared,
            model,
            run.taxonomy,
            device=torch_device,
            precision=run.info.precision,
        )
        trainer.load(state, tensors)
        seconds = run.info.budget_seconds
        budget = Budget(seconds, started=time.monotonic() - state.seconds) if seconds else None
        return _fit(trainer, run, budget, console, report=report)


def _fit(
    trainer: Trainer,
    run: Run,
    budget: Budget | None,
    console: Console,
    *,
    on_validation: OnValidation | None = None,
    report: bool = False,
) -> Run:
    """Run the training loop, calibrate the model, save the results, and write the report."""
    prepared, state = trainer.data, trainer.state
    rounds = Rounds(
        run.recipe.pseudo_labels,
        prepared.unlabeled,
        trainer.ema_model,
        run.taxonomy,
        run.path,
        run.info.precision,
    )
    diverged: DivergedError | None = None
    completed = False
    try:
        completed = fit(
            trainer,
            run.path,
            rounds=rounds,
            budget=budget,
            console=console,
            on_validation=on_validation,
        )
    except DivergedError as error:
        diverged = error
    used = time.monotonic() - budget.started if budget else state.seconds
    results: dict[str, Any] = {
        "status": "finished" if completed else "interrupted",
        "steps": state.step,
        "epochs": len(state.history),
        "best_step": state.best_step,
        "validation_score": state.best_score if math.isfinite(state.best_score) else None,
        "protocol": run.recipe.protocol,
        "training_seconds": round(used, 2),
    }
    if rounds.tables:
        results["rounds"] = RoundsInfo(samples=len(prepared.unlabeled), classes=rounds.tables)
    finished = Run(run.path, run.recipe, run.info.model_copy(update=results))
    if not completed:
        finished.info.write(run.path / RUN_INFO)
        if diverged is not None:
            kept = (run.path / WEIGHTS).is_file()
            told = f"{run.path} keeps the last good weights" if kept else "no weights were saved"
            raise DivergedError(f"{diverged}; {told}")
        raise KeyboardInterrupt
    model = trainer.ema_model.eval()
    if run.recipe.training.checkpoint == "best":  # those in memory are the last
        model.load_state_dict(load_file(run.path / WEIGHTS))
    if run.recipe.calibration or model.gated_class is not None:
        results |= calibrate_segmenter(
            model,
            prepared.samples.select(prepared.split.val),
            run.taxonomy,
            classes=run.recipe.calibration,
            protocol=run.recipe.protocol,
            device=trainer.device,
            precision=precision_of_training(run.info.precision, trainer.device),
        )
        save_weights(run.path / WEIGHTS, model)
        finished = Run(run.path, run.recipe, run.info.model_copy(update=results))
    notes = tuple(end_notes(finished.info, state, rounds, stopped=state.stopped, budget=budget))
    for note in notes:
        console.print(f"note: {note}")
    info = finished.info.model_copy(update={"notes": (*finished.info.notes, *notes)})
    info.write(run.path / RUN_INFO)
    finished = Run(run.path, run.recipe, info)
    for name in (RESUME, ROUND):
        (run.path / name).unlink(missing_ok=True)
    if report:
        finish_run(
            finished, prepared.samples, console, segmenter=model, exclusions=prepared.exclusions
        )
    return finished
