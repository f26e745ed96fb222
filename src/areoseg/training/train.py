"""A whole training, from a data set to a run folder: the story in one place."""

import math
import platform
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from areoseg.audit import Exclusions
from areoseg.audit import read_exclusions
from areoseg.audit import write_audit
from areoseg.data.load import Source
from areoseg.data.missions.navcam import common_navcam_scale
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.models import model_cost
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe
from areoseg.recipes import write_recipe
from areoseg.runs.compatibility import check_initial_weights
from areoseg.runs.compatibility import check_same_samples
from areoseg.runs.info import DataInfo
from areoseg.runs.info import ModelInfo
from areoseg.runs.info import RoundsInfo
from areoseg.runs.info import RunInfo
from areoseg.runs.info import Versions
from areoseg.runs.lineage import check_held_out
from areoseg.runs.lineage import describe_initial_weights
from areoseg.runs.run import AUDIT
from areoseg.runs.run import RECIPE
from areoseg.runs.run import RESUME
from areoseg.runs.run import RUN_INFO
from areoseg.runs.run import SPLIT
from areoseg.runs.run import Run
from areoseg.runs.run import build_segmenter
from areoseg.runs.run import check_no_run_in
from areoseg.runs.run import check_resumable
from areoseg.runs.run import initial_segmenter
from areoseg.runs.run import open_run
from areoseg.taxonomy import Taxonomy
from areoseg.training.calibration import calibrate_run
from areoseg.training.checkpoint import load_resume_state
from areoseg.training.loop import OnValidation
from areoseg.training.loop import Trainer
from areoseg.training.loop import fit
from areoseg.training.loop import plan_for
from areoseg.training.plan import Budget
from areoseg.training.plan import Plan
from areoseg.training.prepare import Preparation
from areoseg.training.prepare import prepare
from areoseg.training.pseudo_labels import PseudoSamples
from areoseg.training.rounds import ROUND
from areoseg.training.rounds import Rounds
from areoseg.training.stages import check_stages_not_empty
from areoseg.utils.device import choose_device
from areoseg.utils.device import choose_precision
from areoseg.utils.device import fork_rng
from areoseg.utils.device import use_threads
from areoseg.utils.files import write_json
from areoseg.version import __version__


def train(
    recipe: Recipe,
    data: LoadedData,
    out: str | Path,
    *,
    source: Source,
    budget: Budget | None = None,
    plan: Plan | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
    on_validation: OnValidation | None = None,
    exclusions: Exclusions | None = None,
    pseudo: PseudoSamples | None = None,
    start: Run | None = None,
) -> Run:
    """Train a recipe on a data set.

    Args:
        recipe: What to train.
        data: Labeled samples of one size, with their classes.
        out: The run folder to make; it must not hold a run yet.
        source: Where the data came from, to be noted in the run.
        budget: A time that takes the place of the recipe's epochs.
        plan: The plan of an earlier run to replay, step for step; neither epochs nor budget then
            count.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: as many as PyTorch takes.
        command: The command line, to be noted in the run.
        console: Where to show the progress; None: standard error.
        on_validation: Called after each validation; returns whether to stop the training.
        exclusions: The samples to leave out; None: `find_exclusions`, if the recipe asks for it.
        pseudo: Pseudo-labeled samples to train on besides; kept in the run folder.
        start: The run whose weights to start with; None: random weights.

    Returns:
        The finished run.

    Raises:
        AreosegError: Data or recipe cannot be used, or `out` holds a run already.
        KeyboardInterrupt: The training was interrupted; the folder is a usable run all the same.
    """
    out = Path(out)
    taxonomy = data.taxonomy
    console = console or Console(stderr=True)
    check_no_run_in(out)
    threads = use_threads(threads)
    where = choose_device(device)
    precision = choose_precision(recipe.training.precision, where)
    preparation = prepare(
        recipe,
        data.labeled,
        taxonomy,
        unlabeled=data.unlabeled,
        exclusions=exclusions,
        pseudo=pseudo,
    )
    notes = preparation.notes
    if start is not None:
        check_initial_weights(start, recipe, taxonomy)
        notes += check_held_out(start, preparation.names(), preparation.fingerprint)
    for note in notes:
        console.print(f"note: {note}")

    with fork_rng(where):
        torch.manual_seed(recipe.training.seed)
        segmenter = (
            build_segmenter(recipe, taxonomy, mean=preparation.mean, std=preparation.std)
            if start is None
            else initial_segmenter(start, recipe)
        )
    trainer = Trainer(recipe, preparation, segmenter, taxonomy, device=where, precision=precision)
    if plan is not None:
        trainer.state.plan, trainer.state.patience = plan, 0
    elif budget is not None:
        trainer.state.plan, trainer.state.patience = plan_for(budget, trainer), 0
    check_stages_not_empty(trainer.stages, trainer.state.plan)

    info = RunInfo(
        versions=Versions(
            areoseg=__version__, torch=torch.__version__, python=platform.python_version()
        ),
        command=command,
        status="training",
        data=_data_info(source, data, preparation, taxonomy),
        taxonomy=taxonomy,
        model=_model_info(segmenter, preparation),
        device=device,
        threads=threads,
        precision=precision,
        budget_seconds=budget.seconds if budget else None,
    )
    write_recipe(recipe, out / RECIPE)
    write_json(out / SPLIT, preparation.names())
    if pseudo is not None:
        pseudo.save(out)
        info = info.model_copy(update={"self_training": pseudo.info})
    if start is not None:
        initial = {
            "initial_weights": describe_initial_weights(start),
            "previously_trained_on": start.trained_on,
        }
        info = info.model_copy(update=initial)
    if preparation.exclusions is not None:
        write_audit(preparation.exclusions, out)
    info.write(out / RUN_INFO)
    run = Run(out, recipe, info)
    return _carry_out(trainer, run, budget, console, on_validation)


def resume(
    path: str | Path,
    data: LoadedData,
    *,
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Go on with a training that was interrupted or killed.

    With the same data, threads and machine, the weights at the end are those of a run that was
    never interrupted. A time budget counts only the time in which the run was training.

    Args:
        path: The run folder.
        data: What the run was trained on.
        threads: Cores to compute on; None: as many as the run used.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: There is nothing to go on from, or the data have changed.
    """
    run = open_run(path, unfinished=True)
    console = console or Console(stderr=True)
    check_resumable(run)
    state, tensors = load_resume_state(run.path / RESUME)
    check_same_samples(run, data.labeled)
    use_threads(threads or run.info.threads)
    # What was rejected at the start stays so, whoever or whichever version decided it.
    found = run.path / AUDIT
    exclusions = read_exclusions(found) if found.is_file() else None
    pseudo = PseudoSamples.of_run(run)
    preparation = prepare(
        run.recipe,
        data.labeled,
        run.taxonomy,
        unlabeled=data.unlabeled,
        exclusions=exclusions,
        pseudo=pseudo,
    )
    if preparation.names() != run.split:
        raise AreosegError(
            f"{path}: these data would be split in another way than in {SPLIT}: give the groups"
            " that the run was trained with by --groups"
        )
    trainer = Trainer(
        run.recipe,
        preparation,
        build_segmenter(run.recipe, run.taxonomy),
        run.taxonomy,
        device=choose_device(run.info.device),
        precision=run.info.precision,
    )
    trainer.load(state, tensors)
    seconds = run.info.budget_seconds
    budget = Budget(seconds, started=time.monotonic() - state.seconds) if seconds else None
    return _carry_out(trainer, run, budget, console)


def _carry_out(
    trainer: Trainer,
    run: Run,
    budget: Budget | None,
    console: Console,
    on_validation: OnValidation | None = None,
) -> Run:
    """Fit, and write down how it ended."""
    preparation = trainer.data
    rounds = Rounds(
        run.recipe.pseudo_labels,
        preparation.unlabeled,
        trainer.ema_model,
        run.taxonomy,
        run.path,
        run.info.precision,
    )
    ended = fit(
        trainer,
        run.path,
        rounds=rounds,
        budget=budget,
        console=console,
        on_validation=on_validation,
    )
    state = trainer.state
    used = time.monotonic() - budget.started if budget else state.seconds
    result: dict[str, Any] = {
        "status": "finished" if ended else "interrupted",
        "steps": state.step,
        "epochs": len(state.history),
        "best_step": state.best_step,
        "validation_score": state.best_score if math.isfinite(state.best_score) else None,
        "protocol": run.recipe.protocol,
        "training_seconds": round(used, 2),
    }
    if rounds.tables:
        result["rounds"] = RoundsInfo(samples=len(preparation.unlabeled), classes=rounds.tables)
    info = run.info.model_copy(update=result)
    finished = Run(run.path, run.recipe, info)
    if ended and run.recipe.calibration:
        info.model_copy(update={"status": "training"}).write(run.path / RUN_INFO)
        validation = preparation.samples.select(preparation.split.val)
        finished = calibrate_run(finished, validation, device=info.device)  # writes the info
    else:
        info.write(run.path / RUN_INFO)
    if not ended:
        raise KeyboardInterrupt
    for done in (RESUME, ROUND):
        (run.path / done).unlink(missing_ok=True)
    return finished


def _data_info(
    source: Source, data: LoadedData, preparation: Preparation, taxonomy: Taxonomy
) -> DataInfo:
    """Describe the data of the run."""
    pixels = preparation.pixels.sum(axis=0)
    shares = pixels / pixels.sum()
    exclusions = preparation.exclusions
    return DataInfo(
        source=source,
        working_directory=str(Path.cwd()),
        fingerprint=preparation.fingerprint,
        labeled=len(data.labeled),
        unlabeled=len(data.unlabeled),
        rejected=0 if exclusions is None else len(exclusions.indices),
        decisions=None if exclusions is None else exclusions.path,
        dropped=preparation.division.dropped,
        groups=None if data.labeled.groups is None else len(set(data.labeled.groups)),
        training_shares=dict(zip(taxonomy.names, shares.round(6).tolist(), strict=True)),
        navcam_scale=common_navcam_scale(
            data.labeled.names, [image.shape for image in data.labeled.images]
        ),
        mean=preparation.mean,
        std=preparation.std,
    )


def _model_info(segmenter: Segmenter, preparation: Preparation) -> ModelInfo:
    """Describe the network of the run."""
    height, width = (int(side) for side in preparation.validation.images.shape[1:])
    cost = model_cost(segmenter.network, 1, height, width)
    return ModelInfo(size=(height, width), parameters=cost.parameters, macs=cost.macs)
