"""Scoring runs and baselines."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.reading import (
    PathLike,
    find_source,
    read_with_progress,
    standard_error,
)
from areoseg.data.scenes import Mask, SceneSet
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe, load_recipe
from areoseg.run import Run, open_run

if TYPE_CHECKING:
    from areoseg.inference.predictor import Predictor
    from areoseg.metrics.scores import Scores


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
    console = console or standard_error()
    opened = open_run(run)
    source = opened.source
    if data is not None or (groups, format, labels) != (None, "auto", "crowd"):
        chosen = find_source(data or source.path, groups, format, console, labels)
        source = replace(chosen, tile=source.tile, scale=source.scale)
    scenes = read_with_progress(source, console).labelled
    own = fingerprint(scenes) == opened.facts["data"]["fingerprint"]
    if not own and split is not None:
        raise AreosegError(
            f"--split {split}: {source.path} is not what {run} was trained on, so it has no such"
            " part: leave --split away to score all of it"
        )
    if own:
        scenes = part_of(scenes, opened, split or "test")
    if not len(scenes):
        raise AreosegError(f"{source.path}: no labelled scenes to score in this part")
    scores, _ = score_scenes(Predictor.load(run, device=device), scenes, opened)
    return scores


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

    console = console or standard_error()
    chosen = [baseline(name).name for name in (BASELINES if names is None else names)]
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    source = find_source(data, groups, format, console)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    scenes = read_with_progress(source, console).labelled
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
    scenes = read_with_progress(opened.source, console or standard_error()).labelled
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


def score_scenes(predictor: "Predictor", scenes: SceneSet, run: Run) -> tuple["Scores", list[Mask]]:
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


def part_of(scenes: SceneSet, run: Run, part: str) -> SceneSet:
    """The scenes of one part of the run's split."""
    if part not in run.split:
        raise AreosegError(f"there is no part {part!r} of a split: use {', '.join(run.split)}")
    wanted = set(run.split[part])
    return scenes.select([i for i, name in enumerate(scenes.names) if name in wanted])
