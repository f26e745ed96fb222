"""Scoring runs and baselines."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
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


@dataclass(frozen=True)
class Evaluated:
    """The scores of one way to predict.

    Attributes:
        name: The run, or what was done with all of them.
        scores: Its scores.
        milliseconds: Time an image took on average, on this machine.
    """

    name: str
    scores: "Scores"
    milliseconds: float


def evaluate(
    run: PathLike | Sequence[PathLike],
    data: PathLike | None = None,
    *,
    split: str | None = None,
    flips: bool = False,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> "Scores":
    """Score a run, or several whose probabilities are averaged.

    Args:
        run: The run folder, or several of one data set and split.
        data: As for `read`; None: what the run was trained on.
        split: `train`, `val` or `test` of the run's own data; None: all labelled scenes of data
            that no run was trained on, and `test` of their own.
        flips: Whether each image is predicted mirrored as well.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: Run or data cannot be used, `split` is asked of other data, or a scene that
            is scored may have been in the training part of one of the runs.
    """
    from areoseg.device import use_threads

    use_threads(threads)
    runs = _opened(run)
    scenes = _scenes_to_score(
        runs, data, split, groups, format, labels, console or standard_error()
    )
    return _evaluated(runs, scenes, flips=flips, device=device).scores


def evaluate_each(
    runs: Sequence[PathLike],
    data: PathLike | None = None,
    *,
    split: str | None = None,
    flips: bool = False,
    groups: PathLike | None = None,
    format: str = "auto",
    labels: str = "crowd",
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> list[Evaluated]:
    """What averaging runs and mirroring images gain, and what they cost.

    Args:
        runs: Run folders of one data set and split.
        data: As for `evaluate`, as are the others.
        split: As for `evaluate`.
        flips: Whether to score with mirrored images too.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Returns:
        Each run alone; where there are several, their mean; and with `flips` the last again with
        mirrored images.

    Raises:
        AreosegError: As for `evaluate`.
    """
    from areoseg.device import use_threads

    use_threads(threads)
    opened = _opened(runs)
    scenes = _scenes_to_score(
        opened, data, split, groups, format, labels, console or standard_error()
    )
    ways = [([run], False) for run in opened]
    if len(opened) > 1:
        ways.append((opened, False))
    if flips:
        ways.append((opened, True))
    return [_evaluated(some, scenes, flips=mirrored, device=device) for some, mirrored in ways]


def _opened(runs: PathLike | Sequence[PathLike]) -> list[Run]:
    paths = [runs] if isinstance(runs, str | Path) else list(runs)
    if not paths:
        raise AreosegError("no run to score: name at least one run folder")
    return [open_run(path) for path in paths]


def _scenes_to_score(
    runs: Sequence[Run],
    data: PathLike | None,
    split: str | None,
    groups: PathLike | None,
    format: str,
    labels: str,
    console: Console,
) -> SceneSet:
    """The scenes that `evaluate` scores: data that no run knows, or one part of their own."""
    from areoseg.data.fingerprint import fingerprint
    from areoseg.same_data import refuse_other_part

    source = runs[0].source
    if data is not None or (groups, format, labels) != (None, "auto", "crowd"):
        chosen = find_source(data or source.path, groups, format, console, labels)
        source = replace(chosen, tile=source.tile, scale=source.scale)
    scenes = read_with_progress(source, console).labelled
    known = fingerprint(scenes)
    own = any(run.facts["data"]["fingerprint"] == known for run in runs)
    if not own and split is not None:
        raise AreosegError(
            f"--split {split}: {source.path} is not what {runs[0].path} was trained on, so it has"
            " no such part: leave --split away to score all of it"
        )
    if own:
        refuse_other_part(runs, split or "test")
        scenes = part_of(scenes, runs[0], split or "test")
    if not len(scenes):
        raise AreosegError(f"{source.path}: no labelled scenes to score in this part")
    return scenes


def _evaluated(runs: Sequence[Run], scenes: SceneSet, *, flips: bool, device: str) -> Evaluated:
    from areoseg.inference import Predictor

    predictor = Predictor.load(*(run.path for run in runs), device=device, flips=flips)
    started = time.perf_counter()
    predictions = list(predictor.masks(scenes.images))
    milliseconds = 1000 * (time.perf_counter() - started) / len(scenes)
    name = str(runs[0].path) if len(runs) == 1 else f"mean of {len(runs)} runs"
    return Evaluated(
        name=f"{name}, mirrored too" if flips else name,
        scores=score_masks(predictions, scenes, runs[0]),
        milliseconds=milliseconds,
    )


def baselines(
    names: Sequence[str] | None,
    data: PathLike,
    *,
    recipe: Recipe | PathLike = "unet",
    overrides: Sequence[str] = (),
    split: str = "test",
    audit: PathLike | None = None,
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
        audit: Decisions about the data, as for `train`.
        groups: As for `read`.
        format: As for `read`.
        console: Where to show progress and warnings; None: standard error.

    Returns:
        The scores by name.

    Raises:
        AreosegError: No such baseline or part, or data and recipe cannot be used.
    """
    from areoseg.audit import check_decisions, read_decisions
    from areoseg.baselines import BASELINES, baseline, baseline_scores
    from areoseg.training.division import divide

    console = console or standard_error()
    chosen = [baseline(name).name for name in (BASELINES if names is None else names)]
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    decisions = None if audit is None else read_decisions(audit)
    source = find_source(data, groups, format, console)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    scenes = read_with_progress(source, console).labelled
    if decisions is not None:
        check_decisions(decisions, scenes)
    division = divide(recipe, scenes, audit=decisions)
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
    predictions = list(predictor.masks(scenes.images))
    return score_masks(predictions, scenes, run), predictions


def score_masks(predictions: Sequence[Mask], scenes: SceneSet, run: Run) -> "Scores":
    """Scores of masks by the run's protocol, with intervals by group."""
    from areoseg.metrics.scores import evaluate_predictions

    assert scenes.masks is not None
    return evaluate_predictions(
        predictions,
        scenes.masks,
        groups=scenes.groups,
        taxonomy=run.taxonomy,
        protocol=run.recipe.protocol,
    )


def part_of(scenes: SceneSet, run: Run, part: str) -> SceneSet:
    """The scenes of one part of the run's split."""
    if part not in run.split:
        raise AreosegError(f"there is no part {part!r} of a split: use {', '.join(run.split)}")
    wanted = set(run.split[part])
    return scenes.select([i for i, name in enumerate(scenes.names) if name in wanted])
