"""Scoring runs and exported files on labelled scenes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.judged import Judged, open_judged, refuse_unknown_parts
from areoseg.api.own_data import moved_source
from areoseg.api.reading import PathLike, find_source, read_with_progress, standard_error
from areoseg.api.scoring import part_of, score_masks
from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError

if TYPE_CHECKING:
    from areoseg.metrics.scores import Scores


@dataclass(frozen=True)
class Evaluated:
    """The scores of one way to predict.

    Attributes:
        name: The model, or what was done with all of them.
        scores: Its scores.
        milliseconds: Time an image took on average, on this machine.
    """

    name: str
    scores: "Scores"
    milliseconds: float


def evaluate(
    models: PathLike | Sequence[PathLike],
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
    """Score a run or an exported file, or several whose probabilities are averaged.

    Args:
        models: A run folder, the name of a bundled model, or an exported file; or several, of one
            data set and split.
        data: As for `read`; None: what the first run was trained on. An exported file knows no data
            of its own; with those of its run, that run has to be named beside it.
        split: `train`, `val` or `test` of the run's own data; None: all labelled scenes of data
            that no model was trained on, and `test` of their own.
        flips: Whether each image is predicted mirrored as well.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: Models or data cannot be used, `split` is asked of other data, or a scene that
            is scored may have been in the training part of one of the models.
    """
    from areoseg.device import use_threads

    use_threads(threads)
    opened = _opened(models, device)
    scenes = _scenes_to_score(
        opened, data, split, groups, format, labels, console or standard_error()
    )
    return _evaluated(opened, scenes, flips=flips, device=device).scores


def evaluate_each(
    models: Sequence[PathLike],
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
    """What averaging models and mirroring images gain, and what they cost.

    Args:
        models: As for `evaluate`.
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
        Each model alone; where there are several, their mean; and with `flips` the last again with
        mirrored images.

    Raises:
        AreosegError: As for `evaluate`.
    """
    from areoseg.device import use_threads

    use_threads(threads)
    opened = _opened(models, device)
    scenes = _scenes_to_score(
        opened, data, split, groups, format, labels, console or standard_error()
    )
    ways = [([each], False) for each in opened]
    if len(opened) > 1:
        ways.append((opened, False))
    if flips:
        ways.append((opened, True))
    return [_evaluated(some, scenes, flips=mirrored, device=device) for some, mirrored in ways]


def _opened(models: PathLike | Sequence[PathLike], device: str) -> list[Judged]:
    paths = [models] if isinstance(models, str | Path) else list(models)
    if not paths:
        raise AreosegError("no run to score: name at least one run folder")
    return [open_judged(path, device=device) for path in paths]


def _scenes_to_score(
    models: Sequence[Judged],
    data: PathLike | None,
    split: str | None,
    groups: PathLike | None,
    format: str,
    labels: str,
    console: Console,
) -> SceneSet:
    """The scenes that `evaluate` scores: data that no model knows, or one part of their own."""
    from areoseg.data.fingerprint import fingerprint
    from areoseg.data.split import refuse_unknown_part
    from areoseg.same_data import (
        count_learnt,
        refuse_learnt,
        refuse_other_part,
        refuse_other_scenes,
    )

    if split is not None:
        refuse_unknown_part(split)
    first = models[0]
    runs = [each.run for each in models if each.run is not None]
    if data is None and not runs:
        raise AreosegError(
            f"{first.path}: an exported file does not know where its data lie: give --data"
        )
    others = (data, format, labels) != (None, "auto", "crowd")
    if others:
        chosen = find_source(data or runs[0].source.path, groups, format, console, labels)
        source = replace(chosen, tile=first.recipe.data.tile, scale=first.recipe.data.scale)
    else:
        source = moved_source(runs[0].source, None, groups)
    scenes = read_with_progress(source, console).labelled
    known = fingerprint(scenes)
    own = any(each.fingerprint == known for each in models)
    if not (own or others):
        refuse_other_scenes(runs[0], scenes)
    if own:
        refuse_unknown_parts(models)
        refuse_other_part(runs, split or "test")
        scenes = part_of(scenes, runs[0], split or "test")
    elif split is not None:
        raise AreosegError(
            f"--split {split}: {source.path} is not what {first.path} was trained on, so it has"
            " no such part: leave --split away to score all of it"
        )
    else:
        refuse_learnt(runs, known)
        if met := count_learnt(runs, scenes.names):
            console.print(
                f"note: {met} of {len(scenes)} scenes have the names of scenes that were trained"
                " on: if they are the same, the score is too high"
            )
    if not len(scenes):
        raise AreosegError(f"{source.path}: no labelled scenes to score in this part")
    return scenes


def _evaluated(
    models: Sequence[Judged], scenes: SceneSet, *, flips: bool, device: str
) -> Evaluated:
    from areoseg.inference import Predictor

    predictor = Predictor.load(*(each.path for each in models), device=device, flips=flips)
    started = time.perf_counter()
    predictions = list(predictor.masks(scenes.images))
    milliseconds = 1000 * (time.perf_counter() - started) / len(scenes)
    what = "runs" if all(each.run for each in models) else "models"
    name = str(models[0].path) if len(models) == 1 else f"mean of {len(models)} {what}"
    return Evaluated(
        name=f"{name}, mirrored too" if flips else name,
        scores=score_masks(predictions, scenes, models[0]),
        milliseconds=milliseconds,
    )
