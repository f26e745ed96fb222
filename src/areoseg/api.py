"""What the command line does, in Python.

```python
import areoseg

run = areoseg.train("unet-l", "mars.npz", "runs/first", budget="15m")
print(areoseg.evaluate(run.path).score)
areoseg.predict(["runs/first"], ["photos/"], "masks/")
areoseg.submit("runs/first", "mars.npz", "submission.csv")
```
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from areoseg.data.scenes import DataSet, Mask, SceneSet
from areoseg.data.sources import SYNTHETIC, Source, companion_groups, read_source
from areoseg.errors import AreosegError, one_line
from areoseg.recipes import Recipe, check_model, load_recipe
from areoseg.run import PLAN, SCORES, Run, open_run, read_json, write_json

if TYPE_CHECKING:
    from areoseg.audit import Audit
    from areoseg.inference.predictor import Predictor
    from areoseg.metrics.scores import Scores
    from areoseg.search import Search
    from areoseg.studies import Table
    from areoseg.training.plan import Plan

PathLike = str | Path


def read(
    data: PathLike,
    *,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    console: Console | None = None,
) -> DataSet:
    """Read a data set.

    Args:
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        groups: A file with the group of each labelled scene, a line a scene.
        format: A reader's name, or `auto` to find out by looking.
        labels: Which labels of AI4Mars as distributed: `crowd`, or `expert-1`, `expert-2`,
            `expert-3` for pixels on which at least that many experts agree.
        tile: Height and width of the tiles that frames are cut into.
        scale: Factor by which frames are reduced before.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: The data cannot be read.
    """
    console = console or _notes()
    source = _source(data, groups, format, console, labels)
    return _read(replace(source, tile=tile, scale=scale), console)


def audit(scenes: SceneSet, out: PathLike | None = None) -> "Audit":
    """Find out what is wrong with labelled scenes; write `audit.json` and `audit.png` to `out`."""
    from areoseg.audit import audit_scenes, write_audit

    found = audit_scenes(scenes)
    if out is not None:
        write_audit(found, scenes, Path(out))
    return found


def train(
    recipe: Recipe | PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    plan: PathLike | None = None,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Train a recipe, score it on validation and test, and write the report.

    Args:
        recipe: A recipe, its name, or its file.
        data: As for `read`.
        out: The run folder to make.
        overrides: Values of the recipe to change, such as `"optimizer.lr=1e-3"`.
        budget: A time such as `"15m"` that takes the place of the recipe's epochs; it counts from
            the first read of the data to the last weights.
        plan: A run whose steps are replayed.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the run as the command that made it.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: Recipe or data cannot be used, or there is a run in `out` already.
    """
    from areoseg.device import choose_device, use_threads
    from areoseg.training.budget import Budget, parse_budget
    from areoseg.training.train import refuse_run
    from areoseg.training.train import train as train_network

    # What is wrong with the options shows before the data are read, which may take minutes.
    console = console or _notes()
    if not isinstance(recipe, Recipe):
        name, recipe = str(recipe), load_recipe(recipe, overrides)
        check_model(recipe, source=name)
    if budget is not None and plan is not None:
        raise AreosegError("--budget and --plan exclude each other: a plan says its own steps")
    seconds = None if budget is None else parse_budget(budget)
    replayed = None if plan is None else _plan_of(plan)
    refuse_run(out)
    choose_device(device)
    use_threads(threads)
    source = _source(data, groups, format, console, labels)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)

    clock = None if seconds is None else Budget(seconds)
    found = _read(source, console)
    run = train_network(
        recipe,
        found,
        out,
        budget=clock,
        plan=replayed,
        device=device,
        threads=threads,
        source=source,
        command=command,
        console=console,
    )
    _finish(run, found.labelled, console)
    return run


def resume(
    run: PathLike,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Go on with a run that was interrupted or killed, then score it and write the report.

    Args:
        run: The run folder.
        data: Where the run's data lie now; None: where they were.
        groups: Where its groups file lies now; None: where it was.
        threads: Cores to compute on; None: as many as before.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: There is nothing to go on from, or the data are others.
    """
    from areoseg.training.train import resume as resume_network

    console = console or _notes()
    source = open_run(run, unfinished=True).source
    if data is not None:
        source = replace(source, path=str(data))
    if groups is not None:
        source = replace(source, groups=str(groups))
    found = _read(source, console)
    finished = resume_network(run, found, threads=threads, console=console)
    _finish(finished, found.labelled, console)
    return finished


def evaluate(
    run: PathLike,
    data: PathLike | None = None,
    *,
    split: str | None = None,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> "Scores":
    """Score a run.

    Args:
        run: The run folder.
        data: As for `read`; None: what the run was trained on.
        split: `train`, `val` or `test` of the run's own data; None: all labelled scenes of data
            that the run was not trained on, and `test` of its own.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: Run or data cannot be used, or `split` is asked of other data.
    """
    from areoseg.device import use_threads
    from areoseg.inference import Predictor
    from areoseg.training.prepare import fingerprint

    use_threads(threads)
    console = console or _notes()
    opened = open_run(run)
    source = opened.source
    if data is not None or (groups, format, labels) != (None, "auto", "crowd"):
        chosen = _source(data or source.path, groups, format, console, labels)
        source = replace(chosen, tile=source.tile, scale=source.scale)
    scenes = _read(source, console).labelled
    own = fingerprint(scenes) == opened.facts["data"]["fingerprint"]
    if not own and split is not None:
        raise AreosegError(
            f"--split {split}: {source.path} is not what {run} was trained on, so it has no such"
            " part: leave --split away to score all of it"
        )
    if own:
        scenes = _part(scenes, opened, split or "test")
    if not len(scenes):
        raise AreosegError(f"{source.path}: no labelled scenes to score in this part")
    scores, _ = _score(Predictor.load(run, device=device), scenes, opened)
    return scores


def compare(
    study: PathLike,
    data: PathLike | None = None,
    out: PathLike | None = None,
    *,
    part: str = "test",
    protocol: str = "terrain",
    groups: PathLike | None = None,
    format: str = "auto",
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> "Table":
    """Train what a study lacks, and put its results into one table, written beside them.

    Args:
        study: A study file.
        data: As for `read`; None: nothing is trained.
        out: The folder for the run folders; None: `runs/STUDY`.
        part: `train`, `val` or `test`: the part whose scores are compared.
        protocol: The protocol of these scores.
        groups: As for `read`.
        format: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: Study or data cannot be used, or some rows could not be trained; the others
            then are done, and in the table that was written.
    """
    from areoseg.studies import build_table, load_study, read_results, write_table

    console = console or _notes()
    opened = load_study(study)
    build_table(opened, {}, part=part, protocol_name=protocol)  # a wrong name shows before hours
    faults: list[str] = []
    data_of = None
    if data is not None:
        from areoseg.studies.running import Trainings, run_study

        trainings = Trainings(
            _source(data, groups, format, console),
            lambda source: _read(source, console),
            Path(out or Path("runs") / opened.name),
            device=device,
            threads=threads,
            command=command,
            console=console,
        )
        faults = run_study(opened, trainings)
        data_of = trainings.data_of
    results = read_results(opened, data_of)
    table = build_table(opened, results, part=part, protocol_name=protocol)
    for path in write_table(table, opened):
        console.print(f"table: {path}")
    if faults:
        raise AreosegError("\n".join(faults))
    return table


def search(
    recipe: PathLike,
    space: PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    budget: str | None = None,
    trials: int | None = None,
    trial_budget: str | None = None,
    pruner: str = "median",
    seed: int = 0,
    groups: PathLike | None = None,
    format: str = "auto",
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> "Search":
    """Try values of a recipe, guided by the validation score; go on where `out` holds a search.

    The best recipe is written to `best.yaml`, all trials to `trials.csv` and `search.html`. The
    test part is not looked at.

    Args:
        recipe: The name of a recipe, or its file.
        space: A YAML file with a range or choices for each value that is tried.
        data: As for `read`.
        out: The folder of the search; several processes may search in one at the same time.
        overrides: Values of the recipe to change in all trials.
        budget: The time of this call, such as `"2h"`, from the first read of the data.
        trials: So many trials in all, those of earlier calls included. Either this or `budget`
            must be given.
        trial_budget: The time of each training, such as `"2m"`; None: the recipe's length counts.
        pruner: `median`, `hyperband` or `none`: when a training is given up.
        seed: Of the choice of values.
        groups: As for `read`.
        format: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the runs as the command that made them.
        console: Where to say what happens; None: standard error.

    Raises:
        AreosegError: Optuna is missing; recipe, space or data cannot be used; or `out` holds
            another search.
    """
    from areoseg.search import load_space, prepare_trainings, run_search, search_times, vary_recipe

    console = console or _notes()
    clock, seconds = search_times(budget, trial_budget, trials)
    varied = vary_recipe(recipe, load_space(space), overrides)
    source = _source(data, groups, format, console)
    source = replace(source, tile=varied.base.data.tile, scale=varied.base.data.scale)
    trainings = prepare_trainings(
        varied,
        _read(source, console),
        source,
        seconds=seconds,
        device=device,
        threads=threads,
        command=command,
    )
    return run_search(
        trainings, Path(out), seed=seed, pruner=pruner, budget=clock, trials=trials, console=console
    )


def predict(
    models: Sequence[PathLike],
    inputs: Sequence[PathLike],
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment images into `masks/`, `overlays/` and `shares.csv`.

    Args:
        models: Run folders; the probabilities of several are averaged.
        inputs: Image files, folders of images, or npz files.
        out: The folder to write to.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show the progress; None: standard error.

    Returns:
        The number of images.

    Raises:
        AreosegError: A model or an input cannot be used.
    """
    from areoseg.device import use_threads
    from areoseg.inference import Predictor
    from areoseg.inference.folders import predict_to_folder
    from areoseg.inference.inputs import find_inputs

    use_threads(threads)
    console = console or _notes()
    found = find_inputs(inputs, out=Path(out))
    predictor = Predictor.load(*models, device=device)
    with _progress(console) as progress:
        for each in progress.track(found, description="checking"):
            each.read()  # an image that cannot be read shows before anything is written
        images = progress.track(found, description="predicting")
        return predict_to_folder(predictor, images, Path(out))


def submit(
    run: PathLike,
    data: PathLike,
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment the unlabelled images of a data set into the homework's CSV.

    Returns:
        The number of rows.

    Raises:
        AreosegError: There are no unlabelled images, or the file cannot be written.
    """
    from areoseg.device import use_threads
    from areoseg.inference import Predictor
    from areoseg.inference.submission import write_submission

    use_threads(threads)
    console = console or _notes()
    predictor = Predictor.load(run, device=device)
    source = open_run(run).source
    source = Source(path=str(data), tile=source.tile, scale=source.scale)
    images = _read(source, console).unlabelled.images
    if not len(images):
        raise AreosegError(f"{data}: no unlabelled images to submit: it needs a test_set")
    with _progress(console) as progress:
        masks = progress.track(predictor.masks(images), total=len(images), description="predicting")
        return write_submission(Path(out), masks)


def draw_augmentation(
    recipe: Recipe | PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    scenes: int = 6,
    seed: int = 0,
    format: str = "auto",
    console: Console | None = None,
) -> list[str]:
    """Draw what the augmentation of a recipe does to a few labelled scenes.

    Returns:
        The names of the transforms, in the order in which they are applied.

    Raises:
        AreosegError: Recipe or data cannot be used, or there are no labelled scenes.
    """
    import numpy as np

    from areoseg.data.augmentation.build import augmentation_sheet
    from areoseg.data.augmentation.rare_objects import rare_object_bank
    from areoseg.report.augmentation import draw_augmentation as draw
    from areoseg.taxonomy import MARS
    from areoseg.training.batches import Tensors

    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    console = console or _notes()
    source = _source(data, None, format, console)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    labelled = _read(source, console).labelled
    if not len(labelled):
        raise AreosegError(f"{data}: no labelled scenes to show an augmentation on")
    tensors = Tensors.of(labelled)
    settings = recipe.augment
    bank = None
    if settings.needs_rare_bank:
        bank = rare_object_bank(tensors.images.numpy(), tensors.masks.numpy(), settings.rare_class)
    chosen = np.random.default_rng(seed).permutation(len(labelled))[:scenes]
    images, masks = tensors.batch(chosen, void=None)
    rows = augmentation_sheet(images, masks, settings, seed=seed, rare_bank=bank)
    draw(rows, Path(out), taxonomy=MARS, title=f"augment: {settings.policy}")
    return list(settings.transforms)


def baselines(
    names: Sequence[str] | None,
    data: PathLike,
    *,
    recipe: Recipe | PathLike = "unet",
    overrides: Sequence[str] = (),
    split: str = "test",
    groups: PathLike | None = None,
    format: str = "auto",
    console: Console | None = None,
) -> "dict[str, Scores]":
    """Score what a network has to beat, on the split that a training would make.

    Args:
        names: Names in `areoseg.baselines.BASELINES`; None: all of them.
        data: As for `read`.
        recipe: The recipe whose data preparation and split are taken: itself, its name or file.
        overrides: Values of the recipe to change, such as `"split.seed=3"`.
        split: `train`, `val` or `test`: the part that is scored.
        groups: As for `read`.
        format: As for `read`.
        console: Where to show progress and warnings; None: standard error.

    Returns:
        The scores by name.

    Raises:
        AreosegError: No such baseline or part, or data and recipe cannot be used.
    """
    from areoseg.baselines import BASELINES, baseline, baseline_scores
    from areoseg.training.division import divide

    console = console or _notes()
    chosen = [baseline(name).name for name in (BASELINES if names is None else names)]
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    source = _source(data, groups, format, console)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    scenes = _read(source, console).labelled
    division = divide(recipe, scenes)
    for note in division.notes:
        console.print(f"note: {note}")
    return {
        name: baseline_scores(name, scenes, division.split, part=split, protocol=recipe.protocol)
        for name in chosen
    }


def baseline_score(
    run: PathLike,
    name: str = "logistic-regression",
    *,
    split: str = "test",
    console: Console | None = None,
) -> float:
    """What a baseline scores where a run was trained and tested, by the run's protocol."""
    from areoseg.baselines import baseline_scores
    from areoseg.data.split import Split

    opened = open_run(run)
    scenes = _read(opened.source, console or _notes()).labelled
    position = {scene: index for index, scene in enumerate(scenes.names)}
    parts = {
        part: tuple(position[scene] for scene in members) for part, members in opened.split.items()
    }
    return baseline_scores(
        name,
        scenes,
        Split(**parts),
        part=split,
        protocol=opened.recipe.protocol,
        resamples=0,
        taxonomy=opened.taxonomy,
    ).score


def _finish(run: Run, scenes: SceneSet, console: Console) -> None:
    """Score the kept weights on validation and test, and write the report."""
    from areoseg.inference import Predictor
    from areoseg.report import choose_examples, write_report

    predictor = Predictor.load(run.path, device=run.facts["device"])
    scores = {}
    examples = {}
    for part in ("val", "test"):
        held_back = _part(scenes, run, part)
        if not len(held_back):
            continue
        found, predictions = _score(predictor, held_back, run)
        scores[part] = found.to_json()
        console.print(f"{part}: {found.protocol} score {found.score:.4f}")
        assert held_back.masks is not None
        examples = choose_examples(
            held_back.images,
            held_back.masks,
            predictions,
            held_back.names,
            taxonomy=run.taxonomy,
        )
    write_json(run.path / SCORES, scores)
    samples = _part(scenes, run, "train").select(range(min(8, len(run.split["train"]))))
    report = write_report(run, scores=scores, examples=examples, samples=samples)
    console.print(f"report: {report}")


def _score(predictor: "Predictor", scenes: SceneSet, run: Run) -> tuple["Scores", list[Mask]]:
    """Scores of the predictor on labelled scenes, and its masks."""
    from areoseg.metrics.scores import evaluate_predictions

    assert scenes.masks is not None
    predictions = list(predictor.masks(scenes.images))
    scores = evaluate_predictions(
        predictions,
        scenes.masks,
        groups=scenes.groups,
        taxonomy=run.taxonomy,
        protocol=run.recipe.protocol,
    )
    return scores, predictions


def _part(scenes: SceneSet, run: Run, part: str) -> SceneSet:
    """The scenes of one part of the run's split."""
    if part not in run.split:
        raise AreosegError(f"there is no part {part!r} of a split: use {', '.join(run.split)}")
    wanted = set(run.split[part])
    return scenes.select([i for i, name in enumerate(scenes.names) if name in wanted])


def _plan_of(run: PathLike) -> "Plan":
    """The steps of an earlier run."""
    from areoseg.training.plan import Plan

    path = open_run(run, unfinished=True).path / PLAN
    try:
        return Plan.from_json(read_json(path))
    except (ValueError, TypeError, AttributeError) as error:
        raise AreosegError(f"{path}: not the plan of a run: {one_line(error)}") from None


def _source(
    data: PathLike,
    groups: PathLike | None,
    format: str,
    console: Console,
    labels: str = "crowd",
) -> Source:
    """What `data` names; a groups file beside it is taken by itself, and said so."""
    if groups is None and str(data) != SYNTHETIC:
        groups = companion_groups(Path(data))
        if groups is not None:
            console.print(f"groups: taken from {groups}, beside the data")
    groups = None if groups is None else str(groups)
    return Source(path=str(data), format=format, groups=groups, labels=labels)


def _read(source: Source, console: Console) -> DataSet:
    with _progress(console) as progress:
        task = progress.add_task("reading", total=None)
        found = read_source(
            source,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for warning in found.warnings:
        console.print(f"warning: {warning}")
    return found


def _progress(console: Console) -> Progress:
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _notes() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)
