"""A whole training, from a data set to a run folder: the story in one place."""

import math
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from rich.console import Console

from areoseg.audit import Audit, read_decisions, write_audit
from areoseg.calibration import calibrate_run
from areoseg.data.fingerprint import fingerprint
from areoseg.data.scale import common_navcam_scale
from areoseg.data.scenes import DataSet
from areoseg.data.sources import Source
from areoseg.device import choose_device, choose_precision, use_threads
from areoseg.errors import AreosegError
from areoseg.files import write_json, write_text
from areoseg.models import model_cost
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import Recipe, dump_recipe
from areoseg.run import AUDIT, FACTS, RECIPE, RESUME, SPLIT, Run, build_segmenter, open_run
from areoseg.same_data import refuse_other_scenes
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.training.budget import Budget
from areoseg.training.fit import fit, make_module, plan_for
from areoseg.training.module import TrainingModule
from areoseg.training.plan import Plan
from areoseg.training.prepare import Preparation, prepare
from areoseg.training.pseudo_scenes import PseudoScenes
from areoseg.training.rounds import ROUND, Rounds
from areoseg.training.stages import refuse_empty_stages
from areoseg.training.start import (
    refuse_other_start,
    seen_before,
    start_facts,
    starting_segmenter,
)
from areoseg.training.state import load_resume_state
from areoseg.version import __version__


def train(
    recipe: Recipe,
    data: DataSet,
    out: str | Path,
    *,
    source: Source,
    budget: Budget | None = None,
    plan: Plan | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    taxonomy: Taxonomy = MARS,
    console: Console | None = None,
    callbacks: Sequence[pl.Callback] = (),
    audit: Audit | None = None,
    pseudo: PseudoScenes | None = None,
    start: Run | None = None,
) -> Run:
    """Train a recipe on a data set.

    Args:
        recipe: What to train.
        data: Labelled scenes of one size.
        out: The run folder to make; it must not hold a run yet.
        source: Where the data came from, to be noted in the run.
        budget: A time that takes the place of the recipe's epochs.
        plan: The plan of an earlier run to replay, step for step; neither epochs nor budget then
            count.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: as many as PyTorch takes.
        command: The command line, to be noted in the run.
        taxonomy: The classes.
        console: Where to show the progress; None: standard error.
        callbacks: What Lightning calls besides, after the training's own.
        audit: What `rejecting_audit` found in the same scenes, so that it is not done again; or
            what a person decided, which then holds in its place.
        pseudo: Pseudo-labelled scenes to train on besides; kept in the run folder.
        start: The run whose weights to start with; None: random weights.

    Returns:
        The finished run.

    Raises:
        AreosegError: Data or recipe cannot be used, or `out` holds a run already.
        KeyboardInterrupt: The training was interrupted; the folder is a usable run all the same.
    """
    out = Path(out)
    console = console or Console(stderr=True)
    refuse_run(out)
    threads = use_threads(threads)
    where = choose_device(device)
    precision = choose_precision(recipe.training.precision, where)
    preparation = prepare(
        recipe,
        data.labelled,
        taxonomy,
        unlabelled=data.unlabelled,
        audit=audit,
        pseudo=pseudo,
    )
    notes = preparation.notes
    if start is not None:
        refuse_other_start(start, recipe, taxonomy)
        notes += seen_before(start, preparation.names(), fingerprint(data.labelled))
    for note in notes:
        console.print(f"note: {note}")

    torch.manual_seed(recipe.training.seed)
    segmenter = (
        build_segmenter(recipe, taxonomy, mean=preparation.mean, deviation=preparation.deviation)
        if start is None
        else starting_segmenter(start, recipe)
    )
    module = make_module(recipe, preparation, segmenter.to(where), taxonomy)
    if plan is not None:
        module.state.plan, module.state.patience = plan, 0
    elif budget is not None:
        module.state.plan = plan_for(budget, module, preparation, precision)
        module.state.patience = 0
    refuse_empty_stages(module.stages, module.state.plan)

    facts: dict[str, Any] = {
        "areoseg": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "command": command,
        "status": "training",
        "data": {"source": source.to_json(), **_data_facts(data, preparation, taxonomy)},
        "taxonomy": {
            "names": list(taxonomy.names),
            "colours": [list(colour) for colour in taxonomy.colours],
            "background": taxonomy.background,
        },
        "model": _model_facts(segmenter, preparation),
        "device": device,
        "threads": threads,
        "precision": precision,
        "budget_seconds": budget.seconds if budget else None,
    }
    write_text(out / RECIPE, dump_recipe(recipe))
    write_json(out / SPLIT, preparation.names())
    if pseudo is not None:
        pseudo.save(out)
        facts["self_training"] = pseudo.to_json()
    if start is not None:
        facts["start"] = start_facts(start)
        facts["learnt_before"] = start.learnt
    if preparation.audit is not None:
        write_audit(preparation.audit, out)
    write_json(out / FACTS, facts)
    run = Run(out, recipe, facts)
    return _carry_out(module, preparation, run, budget, console, callbacks)


def refuse_run(out: str | Path) -> None:
    """Refuse a folder to train into that cannot be made, or that holds a run already.

    Raises:
        AreosegError: `out` is a file, or the folder of a run.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise AreosegError(f"{out}: this is a file: choose another --out")
    if (out / RECIPE).exists():
        go_on = f", or go on with it by `areoseg train --resume {out}`"
        raise AreosegError(
            f"{out}: there is a run here already: choose another --out"
            + (go_on if (out / RESUME).exists() else "")
        )


def resume(
    path: str | Path, data: DataSet, *, threads: int | None = None, console: Console | None = None
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
    refuse_nothing_to_resume(run)
    state, tensors = load_resume_state(run.path / RESUME)
    refuse_other_scenes(run, data.labelled)
    use_threads(threads or run.facts["threads"])
    # What was rejected at the start stays so, whoever or whichever version decided it.
    found = run.path / AUDIT
    audit = read_decisions(found) if found.is_file() else None
    pseudo = PseudoScenes.of_run(run)
    preparation = prepare(
        run.recipe,
        data.labelled,
        run.taxonomy,
        unlabelled=data.unlabelled,
        audit=audit,
        pseudo=pseudo,
    )
    if preparation.names() != run.split:
        raise AreosegError(
            f"{path}: these data would be split in another way than in {SPLIT}: give the groups"
            " that the run was trained with by --groups"
        )
    segmenter = build_segmenter(run.recipe, run.taxonomy).to(choose_device(run.facts["device"]))
    module = make_module(run.recipe, preparation, segmenter, run.taxonomy)
    module.state = state
    module.load_state_tensors(tensors)
    seconds = run.facts["budget_seconds"]
    budget = Budget(seconds, started=time.monotonic() - state.seconds) if seconds else None
    return _carry_out(module, preparation, run, budget, console)


def refuse_nothing_to_resume(run: Run) -> None:
    """Refuse a run whose training has ended, or of which no state was kept.

    Raises:
        AreosegError: It is one.
    """
    if not (run.path / RESUME).is_file():
        raise AreosegError(
            f"{run.path}: nothing to resume: its status is {run.facts['status']!r} and it has no"
            f" {RESUME}; train anew into another folder"
        )


def _carry_out(
    module: TrainingModule,
    preparation: Preparation,
    run: Run,
    budget: Budget | None,
    console: Console,
    callbacks: Sequence[pl.Callback] = (),
) -> Run:
    """Fit, and write down how it ended."""
    rounds = Rounds(
        run.recipe.unlabelled,
        preparation.unlabelled,
        module.kept,
        run.taxonomy,
        run.path,
        run.facts["precision"],
    )
    ended = fit(
        module,
        preparation,
        run.path,
        rounds=rounds,
        budget=budget,
        precision=run.facts["precision"],
        device=choose_device(run.facts["device"]),
        console=console,
        callbacks=callbacks,
    )
    state = module.state
    used = time.monotonic() - budget.started if budget else state.seconds
    facts = {
        **run.facts,
        "status": "finished" if ended else "interrupted",
        "steps": state.step,
        "epochs": len(state.history),
        "best_step": state.best_step,
        "validation_score": state.best_score if math.isfinite(state.best_score) else None,
        "protocol": run.recipe.protocol,
        "training_seconds": round(used, 2),
    }
    if rounds.tables:
        facts["rounds"] = {"scenes": len(preparation.unlabelled), "classes": rounds.tables}
    finished = Run(run.path, run.recipe, facts)
    if ended and run.recipe.calibration:
        write_json(run.path / FACTS, {**facts, "status": "training"})
        validation = preparation.scenes.select(preparation.split.val)
        finished = calibrate_run(finished, validation, device=facts["device"])  # writes the facts
    else:
        write_json(run.path / FACTS, facts)
    if not ended:
        raise KeyboardInterrupt
    for done in (RESUME, ROUND):
        (run.path / done).unlink(missing_ok=True)
    return finished


def _data_facts(data: DataSet, preparation: Preparation, taxonomy: Taxonomy) -> dict[str, Any]:
    """What the run notes about its data."""
    pixels = preparation.pixels.sum(axis=0)
    shares = pixels / pixels.sum()
    audit = preparation.audit
    return {
        "labelled": len(data.labelled),
        "unlabelled": len(data.unlabelled),
        "rejected": 0 if audit is None else len(audit.rejected),
        "decisions": None if audit is None else audit.decisions,
        "dropped": preparation.dropped,
        "groups": None if data.labelled.groups is None else len(set(data.labelled.groups)),
        "training_shares": dict(zip(taxonomy.names, shares.round(6).tolist(), strict=True)),
        "fingerprint": fingerprint(data.labelled),
        "navcam_scale": common_navcam_scale(
            data.labelled.names, [image.shape for image in data.labelled.images]
        ),
        "mean": preparation.mean,
        "deviation": preparation.deviation,
    }


def _model_facts(segmenter: Segmenter, preparation: Preparation) -> dict[str, Any]:
    """What the run notes about its network."""
    height, width = (int(side) for side in preparation.validation.images.shape[1:])
    cost = model_cost(segmenter.network, 1, height, width)
    return {"size": [height, width], "parameters": cost.parameters, "macs": cost.macs}
