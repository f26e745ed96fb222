"""Scoring runs and exported files on labeled samples."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.model_under_test import check_split_names
from areoseg.api.reading import find_source
from areoseg.api.reading import read_with_progress
from areoseg.api.scoring import score_masks
from areoseg.api.scoring import select_split
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.evaluation.model_under_test import ModelUnderTest
from areoseg.evaluation.model_under_test import open_model_under_test
from areoseg.runs.own_data import own_source
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

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
        split: `train`, `val` or `test` of the run's own data; None: all labeled samples of data
            that no model was trained on, and `test` of their own.
        flips: Whether each image is predicted mirrored as well.
        groups: As for `read`.
        format: As for `read`.
        labels: As for `read`.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: Models or data cannot be used, `split` is asked of other data, or a sample
            that is scored may have been in the training part of one of the models.
    """
    from areoseg.utils.device import use_threads

    use_threads(threads)
    opened = _opened(models, device)
    samples = _samples_to_score(
        opened, data, split, groups, format, labels, console or standard_error()
    )
    return _evaluated(opened, samples, flips=flips, device=device).scores


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
    from areoseg.utils.device import use_threads

    use_threads(threads)
    opened = _opened(models, device)
    samples = _samples_to_score(
        opened, data, split, groups, format, labels, console or standard_error()
    )
    ways = [([each], False) for each in opened]
    if len(opened) > 1:
        ways.append((opened, False))
    if flips:
        ways.append((opened, True))
    return [_evaluated(some, samples, flips=mirrored, device=device) for some, mirrored in ways]


def _opened(models: PathLike | Sequence[PathLike], device: str) -> list[ModelUnderTest]:
    paths = [models] if isinstance(models, str | Path) else list(models)
    if not paths:
        raise AreosegError("no run to score: name at least one run folder")
    return [open_model_under_test(path, device=device) for path in paths]


def _samples_to_score(
    models: Sequence[ModelUnderTest],
    data: PathLike | None,
    split: str | None,
    groups: PathLike | None,
    format: str,
    labels: str,
    console: Console,
) -> SegmentationDataset:
    """The samples that `evaluate` scores: data that no model knows, or one part of their own."""
    from areoseg.data.fingerprint import fingerprint
    from areoseg.data.split import check_split_name
    from areoseg.runs.compatibility import check_same_samples
    from areoseg.runs.compatibility import check_same_split
    from areoseg.runs.lineage import check_not_trained_on
    from areoseg.runs.lineage import count_trained_on

    if split is not None:
        check_split_name(split)
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
        source = own_source(runs[0], None, groups)
    samples = read_with_progress(source, console).labeled
    known = fingerprint(samples)
    own = any(each.fingerprint == known for each in models)
    if not (own or others):
        check_same_samples(runs[0], samples)
    if own:
        check_split_names(models)
        check_same_split(runs, split or "test")
        samples = select_split(samples, runs[0], split or "test")
    elif split is not None:
        raise AreosegError(
            f"--split {split}: {source.path} is not what {first.path} was trained on, so it has"
            " no such part: leave --split away to score all of it"
        )
    else:
        check_not_trained_on(runs, known)
        if met := count_trained_on(runs, samples.names):
            console.print(
                f"note: {met} of {len(samples)} samples have the names of samples that were trained"
                " on: if they are the same, the score is too high"
            )
    if not len(samples):
        raise AreosegError(f"{source.path}: no labeled samples to score in this part")
    return samples


def _evaluated(
    models: Sequence[ModelUnderTest], samples: SegmentationDataset, *, flips: bool, device: str
) -> Evaluated:
    from areoseg.inference import Predictor

    predictor = Predictor.load(*(each.path for each in models), device=device, flips=flips)
    started = time.perf_counter()
    predictions = list(predictor.masks(samples.images))
    milliseconds = 1000 * (time.perf_counter() - started) / len(samples)
    what = "runs" if all(each.run for each in models) else "models"
    name = str(models[0].path) if len(models) == 1 else f"mean of {len(models)} {what}"
    return Evaluated(
        name=f"{name}, mirrored too" if flips else name,
        scores=score_masks(predictions, samples, models[0]),
        milliseconds=milliseconds,
    )
