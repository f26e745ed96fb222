"""Training of a recipe on a dataset, from the user's options to a run folder with a report.

`train` and `resume` take paths; `train_on` and `resume_on` take data in memory. The training loop
is `areoseg.training.loop.fit`.
"""

import math
import platform
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg import __version__
from areoseg.audit import Exclusions, read_exclusions, write_audit
from areoseg.data.appearance import measure_appearance
from areoseg.data.description import describe
from areoseg.data.load import Source, find_source, read_with_progress
from areoseg.data.missions.navcam import common_navcam_scale
from areoseg.data.options import DataFormat, LabelSet, data_options
from areoseg.data.samples import LoadedData, fingerprint
from areoseg.data.split import assigned_splits
from areoseg.errors import AreosegError, one_line
from areoseg.models import model_cost
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe, load_recipe, write_recipe
from areoseg.runs.compatibility import (
    check_initial_weights,
    check_same_samples,
    check_same_unlabeled,
)
from areoseg.runs.info import DataInfo, ModelInfo, RoundsInfo, RunInfo, Versions
from areoseg.runs.lineage import check_held_out, describe_initial_weights
from areoseg.runs.lock import check_unlocked, locked
from areoseg.runs.own_data import own_data, own_source
from areoseg.runs.run import (
    APPEARANCE,
    AUDIT,
    PLAN,
    RECIPE,
    REPORT,
    RESUME,
    RUN_INFO,
    SPLIT,
    WEIGHTS,
    Run,
    build_segmenter,
    check_no_run_in,
    check_resumable,
    initial_segmenter,
    is_run,
    open_run,
)
from areoseg.training.calibration import calibrate_segmenter
from areoseg.training.checkpoint import load_resume_state, save_resume_state
from areoseg.training.finish import finish_run
from areoseg.training.gate_calibration import calibrate_gate
from areoseg.training.health import DivergedError
from areoseg.training.loop import OnValidation, Trainer, fit, plan_for, save_weights
from areoseg.training.notes import end_notes, start_notes
from areoseg.training.plan import Budget, Plan, parse_budget
from areoseg.training.prepare import Preparation, favor_rarest_class, prepare
from areoseg.training.pseudo_labels import PSEUDO, PseudoSamples
from areoseg.training.rounds import ROUND, Rounds
from areoseg.training.stages import check_stages_not_empty
from areoseg.utils.console import standard_error
from areoseg.utils.device import (
    choose_device,
    choose_precision,
    fork_rng,
    precision_of_training,
    use_threads,
)
from areoseg.utils.files import PathLike, read_json, write_json


def train(
    recipe: Recipe | PathLike,
    data: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    plan: PathLike | None = None,
    decisions: PathLike | None = None,
    init_from: PathLike | None = None,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Train a recipe, score the run on validation and test, and write a report.

    Args:
        recipe: A recipe, its name, or its file.
        data: The dataset, or several with the same classes; see `read`.
        out: The run folder to create.
        overrides: Values of the recipe to change, for example `"optimizer.lr=1e-3"`.
        budget: A duration such as `"15m"`, instead of the recipe's epochs; it includes reading
            the data.
        plan: A run whose steps are repeated, instead of epochs or budget.
        decisions: A decisions.json saved by the audit page, or an audit.json: exactly the samples
            that it rejects are excluded, and the audit is not run.
        init_from: A run or bundled model that provides the initial weights; None: random weights.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, stored in the run.
        console: Console for progress and notes; None: standard error.

    Raises:
        AreosegError: Recipe or data cannot be used, or `out` contains a run.
        KeyboardInterrupt: The user interrupted the training; `resume` continues it.

    Examples:
        >>> run = train("flagship", "mars.npz", "runs/first", budget="15m")  # doctest: +SKIP
        >>> run.info.validation_score  # doctest: +SKIP
        0.7719
    """
    # Check everything possible before reading the data, which may take minutes.
    console = console or standard_error()
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    if budget is not None and plan is not None:
        raise AreosegError("cannot use --budget and --plan together: a plan fixes the steps")
    seconds = None if budget is None else parse_budget(budget)
    repeated = None if plan is None else _read_plan(plan)
    exclusions = None if decisions is None else read_exclusions(decisions)
    initial = None if init_from is None else open_run(init_from)
    check_no_run_in(out)
    choose_device(device)
    use_threads(threads)
    options = data_options(groups, data_format, label_set, missions, classes)
    source = find_source(data, options, console)
    source = source.cut(recipe.data.tile, recipe.data.scale)
    check_initial_weights(initial, recipe, describe(source.classes).taxonomy)

    clock = None if seconds is None else Budget(seconds)
    loaded = read_with_progress(source, console)
    if exclusions is not None:
        exclusions.check(loaded.labeled)
    return train_on(
        recipe,
        loaded,
        out,
        source=source,
        budget=clock,
        plan=repeated,
        exclusions=exclusions,
        init_from=initial,
        device=device,
        threads=threads,
        command=command,
        console=console,
        report=True,
    )


def resume(
    run: PathLike,
    *,
    data: PathLike | Sequence[PathLike] | None = None,
    groups: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Continue a run that was interrupted or killed, score it, and write its report.

    If only the scores or the report are missing, only these are created.

    Args:
        run: The run folder.
        data: The current path of its data, or the paths of all its datasets in their order; None:
            the paths stored in the run.
        groups: The current path of its groups file; None: the path stored in the run.
        threads: CPU threads; None: as many as before.
        console: Console for progress and notes; None: standard error.

    Raises:
        AreosegError: There is nothing to resume, or the data have changed.
    """
    console = console or standard_error()
    if (Path(run) / RESUME).is_file() and not is_run(Path(run)):
        raise AreosegError(
            f"cannot resume {run}: its training was stopped before it began. Run the command that"
            " started it again"
        )
    opened = open_run(run, unfinished=True)
    trained = opened.info.status == "finished" and not (opened.path / RESUME).is_file()
    if trained and not (opened.is_bundle or (opened.path / REPORT).is_file()):
        with locked(opened.path):
            labeled = own_data(opened, data, groups, console).labeled
            use_threads(threads or opened.info.threads)
            finish_run(opened, labeled, console)
        return opened
    check_resumable(opened)  # before reading the data
    check_unlocked(opened.path)
    loaded = read_with_progress(own_source(opened, data, groups), console)
    return resume_on(run, loaded, threads=threads, console=console, report=True)


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
            data=_data_info(source, data, prepared),
            taxonomy=taxonomy,
            model=_model_info(model, prepared),
            device=device,
            threads=threads,
            precision=precision,
            budget_seconds=budget.seconds if budget else None,
            notes=(*data.warnings, *notes),
        )
        run = _create_run(out, info, trainer, pseudo=pseudo, init_from=init_from)
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


def _create_run(
    out: Path,
    info: RunInfo,
    trainer: Trainer,
    *,
    pseudo: PseudoSamples | None,
    init_from: Run | None,
) -> Run:
    """Write everything that is known about a run before its first step, the recipe last.

    A folder with a recipe is a run. A process that is killed before leaves a folder that the same
    command may use again; after, one that can be resumed.
    """
    recipe, prepared = trainer.recipe, trainer.data
    _remove_unfinished_start(out)
    save_resume_state(out / RESUME, trainer.state, trainer.state_tensors())
    write_json(out / SPLIT, prepared.names())
    appearance = measure_appearance(prepared.samples.select(prepared.split.train).images)
    if appearance is not None:
        write_json(out / APPEARANCE, appearance.to_json())
    if pseudo is not None:
        pseudo.save(out)
        info = info.model_copy(update={"self_training": pseudo.info})
    if init_from is not None:
        lineage = {
            "initial_weights": describe_initial_weights(init_from),
            "previously_trained_on": init_from.trained_on,
        }
        info = info.model_copy(update=lineage)
    if prepared.exclusions is not None:
        write_audit(prepared.exclusions, out)
    info.write(out / RUN_INFO)
    write_recipe(recipe, out / RECIPE)
    return Run(out, recipe, info)


def _remove_unfinished_start(out: Path) -> None:
    """Remove what a process left that was killed between its first file and the recipe.

    The next training may have other options, and so not replace every file.
    """
    if (out / RESUME).is_file():
        for name in (RUN_INFO, AUDIT, PSEUDO, APPEARANCE, SPLIT, PLAN, RESUME):
            (out / name).unlink(missing_ok=True)


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
    if run.recipe.calibration:
        calibration = calibrate_segmenter(
            model,
            prepared.samples.select(prepared.split.val),
            run.taxonomy,
            protocol=run.recipe.protocol,
            device=trainer.device,
            precision=precision_of_training(run.info.precision, trainer.device),
        )
        results["calibration"] = calibration.info(run.taxonomy)
    if model.gated_class is not None:
        results["background"] = calibrate_gate(
            model,
            prepared.samples.select(prepared.split.val),
            run.taxonomy,
            device=trainer.device,
            precision=precision_of_training(run.info.precision, trainer.device),
        )
    if run.recipe.calibration or model.gated_class is not None:
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


def _read_plan(run: PathLike) -> Plan:
    """Read the plan of an earlier run."""
    path = open_run(run, unfinished=True).path / PLAN
    try:
        return Plan.from_json(read_json(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise AreosegError(f"{path}: not the plan of a run: {one_line(error)}") from None


def _data_info(source: Source, data: LoadedData, prepared: Preparation) -> DataInfo:
    """Describe the data of the run."""
    pixels = prepared.pixels.sum(axis=0)
    shares = pixels / pixels.sum()
    exclusions, labeled = prepared.exclusions, data.labeled
    return DataInfo(
        source=source,
        working_directory=str(Path.cwd()),
        fingerprint=prepared.fingerprint,
        labeled=len(labeled),
        unlabeled=len(data.unlabeled),
        unlabeled_fingerprint=fingerprint(data.unlabeled) if len(data.unlabeled) else None,
        rejected=0 if exclusions is None else len(exclusions.indices),
        decisions=None if exclusions is None else exclusions.path,
        dropped=prepared.division.dropped,
        groups=None if labeled.groups is None else len(set(labeled.groups)),
        assigned_splits=list(assigned_splits(labeled)),
        parts=list(data.parts),
        training_shares=dict(zip(data.taxonomy.names, shares.round(6).tolist(), strict=True)),
        navcam_scale=common_navcam_scale(labeled.names, [image.shape for image in labeled.images]),
        mean=prepared.mean,
        std=prepared.std,
    )


def _model_info(segmenter: Segmenter, prepared: Preparation) -> ModelInfo:
    """Describe the network of the run."""
    height, width = (int(side) for side in prepared.validation.images.shape[1:])
    cost = model_cost(segmenter.network, 1, height, width)
    return ModelInfo(size=(height, width), parameters=cost.parameters, macs=cost.macs)
