"""Soups: one run with the mean of the weights of several."""

import shutil
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from areoseg.api.training import finish_run
from areoseg.data.samples import SegmentationDataset
from areoseg.evaluation.score import select_split
from areoseg.recipes import write_recipe
from areoseg.runs.compatibility import check_same_architecture
from areoseg.runs.compatibility import check_same_data
from areoseg.runs.info import RunInfo
from areoseg.runs.info import SoupInfo
from areoseg.runs.info import TrainedOn
from areoseg.runs.own_data import own_data
from areoseg.runs.run import AUDIT
from areoseg.runs.run import RECIPE
from areoseg.runs.run import RUN_INFO
from areoseg.runs.run import SPLIT
from areoseg.runs.run import WEIGHTS
from areoseg.runs.run import Run
from areoseg.runs.run import open_runs
from areoseg.runs.run import write_weights
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from torch import Tensor

    from areoseg.models.segmenter import Segmenter
    from areoseg.training.soup import Soup

STATISTICS_SAMPLES = 1024
"""Training samples on which the batch normalization of a soup is measured, at most."""

STATISTICS_BATCH = 32

NOT_OF_A_SOUP = {"steps", "epochs", "best_step", "budget_seconds", "calibration"}
"""Facts of the best run that say nothing of its soup."""


def soup(
    runs: Sequence[PathLike],
    out: PathLike,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Average the weights of runs of one model, as far as the validation score does not fall.

    Calibrations of the runs are left out; the soup is calibrated anew if the best run was.

    Args:
        runs: Run folders of one model, data set and split.
        out: The run folder to make.
        data: Where the runs' data lie now; None: where they were.
        groups: Where their groups file lies now; None: where it was.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the run as the command that made it.
        console: Where to show the progress; None: standard error.

    Returns:
        The new run; its fact `soup` says what became of each ingredient.

    Raises:
        AreosegError: Runs cannot be averaged, or there is a run in `out` already.
    """
    from areoseg.runs.run import check_no_run_in
    from areoseg.training.calibration import calibrate_run
    from areoseg.training.soup import Ingredient
    from areoseg.training.soup import greedy_soup
    from areoseg.utils.device import use_threads

    use_threads(threads)
    console = console or standard_error()
    opened = open_runs(runs)
    check_same_architecture(opened)
    check_same_data(opened)
    check_no_run_in(out)
    labeled = own_data(opened[0], data, groups, console).labeled
    validation = select_split(labeled, opened[0], "val")

    def score(segmenter: "Segmenter") -> float:
        return _validation_score(segmenter, validation, opened[0], device)

    def measure_statistics(segmenter: "Segmenter") -> None:
        _measure_statistics(segmenter, select_split(labeled, opened[0], "train"), device)

    ingredients = []
    for run in opened:
        segmenter = run.segmenter(fold=False)
        segmenter.uncalibrate()
        ingredients.append(Ingredient(str(run.path), segmenter, score(segmenter)))
        console.print(f"{run.path}: validation {ingredients[-1].score:.4f}")
    made = greedy_soup(ingredients, score, measure_statistics)

    best = next(run for run in opened if str(run.path) == made.taken[0])
    info = _soup_info(made, best, opened, command)
    run = _write_soup(made, best, info, Path(out))
    if best.info.calibration is not None:
        run = calibrate_run(run, validation, device=device)
    else:
        info.write(run.path / RUN_INFO)
    finish_run(run, labeled, console)
    return run


def _validation_score(
    segmenter: "Segmenter", validation: SegmentationDataset, run: Run, device: str
) -> float:
    """The score of the run's protocol, without intervals."""
    from areoseg.inference import Predictor
    from areoseg.inference.engines import TorchEngine
    from areoseg.metrics.confusion import confusion_per_image
    from areoseg.metrics.rates import score
    from areoseg.utils.device import choose_device
    from areoseg.utils.device import precision_of_training

    where = choose_device(device)
    precision = precision_of_training(run.info.precision, where)
    engine = TorchEngine(segmenter, run.taxonomy, device=where, precision=precision)
    assert validation.masks is not None
    confusions = confusion_per_image(
        list(Predictor([engine]).masks(validation.images)), validation.masks, len(run.taxonomy)
    )
    return score(confusions.sum(axis=0), run.recipe.protocol, run.taxonomy)


def _measure_statistics(segmenter: "Segmenter", training: SegmentationDataset, device: str) -> None:
    """Measure batch normalization anew on some training samples."""
    from areoseg.training.averaging import estimate_batch_statistics
    from areoseg.training.batches import Tensors
    from areoseg.utils.device import choose_device

    drawn = np.random.default_rng(0).permutation(len(training))[:STATISTICS_SAMPLES]
    tensors = Tensors.of(training.select(drawn))
    where = choose_device(device)

    def batches() -> "Iterator[Tensor]":
        for chosen in np.array_split(np.arange(len(tensors)), -(-len(tensors) // STATISTICS_BATCH)):
            yield tensors.batch(chosen, void=None)[0].to(where)

    estimate_batch_statistics(segmenter.to(where), batches(), seed=0)


def _soup_info(made: "Soup", best: Run, runs: Sequence[Run], command: str | None) -> RunInfo:
    """The info of a soup, with what it takes over from the best of its runs."""
    seconds = [run.info.training_seconds or 0.0 for run in runs]
    before: list[TrainedOn] = []
    for run in runs:
        before += [each for each in run.info.previously_trained_on if each not in before]
    kept = best.info.model_dump(exclude=NOT_OF_A_SOUP, exclude_unset=True)
    return RunInfo.model_validate(
        {
            **kept,
            "command": command,
            "status": "finished",
            "validation_score": made.score,
            "training_seconds": round(sum(seconds), 2),
            "previously_trained_on": before,
            "soup": SoupInfo(ingredients=list(made.tried)),
        }
    )


def _write_soup(made: "Soup", best: Run, info: RunInfo, out: Path) -> Run:
    """The run folder of a soup but for its info, which end it."""
    write_weights(out / WEIGHTS, made.segmenter.cpu().state_dict())
    write_recipe(best.recipe, out / RECIPE)
    for name in (SPLIT, AUDIT):
        if (best.path / name).is_file():
            shutil.copyfile(best.path / name, out / name)
    return Run(out, best.recipe, info)
