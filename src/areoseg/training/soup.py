"""Model soups: the mean of the weights of several models.

Wortsman et al. 2022, arXiv 2203.05482. Averaging weights works if the models are in the same basin
of the loss, for example after a common initialization; models trained from different random weights
mostly are not.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.evaluation.score import evaluate_model, select_split
from areoseg.inference import Predictor, TorchEngine
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import write_recipe
from areoseg.runs.compatibility import check_same_architecture, check_same_data
from areoseg.runs.info import RunInfo, SoupInfo, SoupIngredient
from areoseg.runs.lineage import previously_trained_on
from areoseg.runs.own_data import own_data
from areoseg.runs.run import (
    AUDIT,
    RECIPE,
    RUN_INFO,
    SPLIT,
    WEIGHTS,
    Run,
    check_no_run_in,
    open_runs,
    write_weights,
)
from areoseg.training.averaging import estimate_batch_statistics
from areoseg.training.batches import Tensors
from areoseg.training.calibration.calibrate import calibrate_segmenter
from areoseg.training.finish import finish_run
from areoseg.utils.console import standard_error
from areoseg.utils.device import choose_device, precision_of_training, use_threads
from areoseg.utils.files import PathLike

MAX_STATISTICS_SAMPLES = 1024
"""Number of training samples from which the batch statistics of a soup are estimated."""

STATISTICS_BATCH_SIZE = 32

NOT_INHERITED = {"steps", "epochs", "best_step", "budget_seconds", "calibration", "background"}
"""Info of the best run that does not apply to the soup."""


@dataclass(frozen=True)
class Ingredient:
    """A trained model that may enter a soup.

    Attributes:
        name: Its name, usually the run folder.
        segmenter: The model, not calibrated.
        score: Its own validation score.
    """

    name: str
    segmenter: Segmenter
    score: float


@dataclass(frozen=True)
class Soup:
    """A model with the mean weights of the selected ingredients.

    Attributes:
        segmenter: The model.
        score: Its validation score.
        ingredients: The score of each ingredient and whether it was selected, best first.
    """

    segmenter: Segmenter
    score: float
    ingredients: tuple[SoupIngredient, ...]

    @property
    def selected(self) -> tuple[str, ...]:
        """The names of the ingredients in the soup."""
        return tuple(each.name for each in self.ingredients if each.selected)


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
    """Average the weights of runs into a new run, as long as the validation score does not drop.

    Calibrations of the runs are discarded; the soup is calibrated if the best run was. A background
    gate is calibrated in any case.

    Args:
        runs: Run folders with the same model, dataset and split.
        out: The new run folder.
        data: The current path of their data; None: the path stored in the first run.
        groups: The current path of their groups file; None: the path stored in the first run.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, stored in the run.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The new run; its `info.soup` lists the runs that were selected.

    Raises:
        AreosegError: The runs cannot be averaged, or `out` already contains a run.

    Examples:
        >>> run = areoseg.soup(["runs/a", "runs/b"], "runs/soup")  # doctest: +SKIP
        >>> [each.selected for each in run.info.soup.ingredients]  # doctest: +SKIP
        [True, True]
    """
    use_threads(threads)
    console = console or standard_error()
    opened = open_runs(runs)
    check_same_architecture(opened)
    check_same_data(opened)
    check_no_run_in(out)
    first, where = opened[0], choose_device(device)
    labeled = own_data(first, data, groups, console).labeled
    validation = select_split(labeled, first, "val")
    precision = precision_of_training(first.info.precision, where)

    def score(segmenter: Segmenter) -> float:
        engine = TorchEngine(segmenter, first.taxonomy, device=where, precision=precision)
        masks = Predictor([engine], scale=1.0).masks
        protocol = first.recipe.protocol
        return evaluate_model(masks, validation, first.taxonomy, protocol=protocol).score

    def estimate_statistics(segmenter: Segmenter) -> None:
        training = select_split(labeled, first, "train")
        batches = _statistics_batches(training, where)
        estimate_batch_statistics(segmenter.to(where), batches, seed=0)

    ingredients = []
    for run in opened:
        segmenter = run.segmenter(fold=False)
        segmenter.uncalibrate()
        ingredients.append(Ingredient(str(run.path), segmenter, score(segmenter)))
        console.print(f"{run.path}: validation {ingredients[-1].score:.4f}")
    made = greedy_soup(ingredients, score, estimate_statistics)

    best = next(run for run in opened if str(run.path) == made.selected[0])
    info = _soup_info(made, best, opened, command)
    calibrated = best.info.calibration is not None
    if calibrated or made.segmenter.gated_class is not None:
        results = calibrate_segmenter(
            made.segmenter,
            validation,
            best.taxonomy,
            classes=calibrated,
            protocol=best.recipe.protocol,
            device=where,
            precision=precision,
        )
        info = info.model_copy(update=results)
    new = Run(Path(out), best.recipe, info)
    write_weights(new.path / WEIGHTS, made.segmenter.cpu().state_dict())
    for name in (SPLIT, AUDIT):
        if (best.path / name).is_file():
            shutil.copyfile(best.path / name, new.path / name)
    info.write(new.path / RUN_INFO)
    # Last, since a folder with a recipe is a run: before, the same command makes the soup again.
    write_recipe(best.recipe, new.path / RECIPE)
    finish_run(new, labeled, console)
    return new


def greedy_soup(
    ingredients: Sequence[Ingredient],
    score: Callable[[Segmenter], float],
    estimate_statistics: Callable[[Segmenter], None],
) -> Soup:
    """Select the best model, and each further one that does not lower the score of the mean.

    Algorithm 1 of the paper, on the validation score.

    Args:
        ingredients: Models of one architecture; duplicates of earlier weights are skipped.
        score: Scores a model on the validation split.
        estimate_statistics: Recomputes the batch statistics of averaged weights.
    """
    best, *others = sorted(ingredients, key=lambda each: -each.score)
    selected = [best.segmenter]
    made, made_score = best.segmenter, best.score
    results = [_result(best, best.score, selected=True)]
    for each in others:
        if any(equal_weights(each.segmenter, other) for other in selected):
            results.append(_result(each, None, selected=False))
            continue
        candidate = mean_of([*selected, each.segmenter])
        estimate_statistics(candidate)
        candidate_score = score(candidate)
        helps = candidate_score >= made_score
        results.append(_result(each, candidate_score, selected=helps))
        if helps:
            selected.append(each.segmenter)
            made, made_score = candidate, candidate_score
    return Soup(made, made_score, tuple(results))


def _result(each: Ingredient, soup_score: float | None, *, selected: bool) -> SoupIngredient:
    return SoupIngredient(
        name=each.name, score=each.score, soup_score=soup_score, selected=selected
    )


@torch.no_grad()
def mean_of(segmenters: Sequence[Segmenter]) -> Segmenter:
    """Return a model with the mean of all weights and statistics; integers come from the first."""
    mean = deepcopy(segmenters[0])
    states: list[dict[str, Any]] = [each.state_dict() for each in segmenters]
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.stack([state[name] for state in states]).mean(dim=0))
    return mean


def equal_weights(one: Segmenter, other: Segmenter) -> bool:
    """Return whether two models of one architecture have bit-identical weights."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)


def _statistics_batches(training: SegmentationDataset, device: torch.device) -> Iterator[Tensor]:
    """Yield images (n, 1, H, W) of a random choice of training samples."""
    drawn = np.random.default_rng(0).permutation(len(training))[:MAX_STATISTICS_SAMPLES]
    tensors = Tensors.of(training.select(drawn))
    n_batches = -(-len(tensors) // STATISTICS_BATCH_SIZE)
    for indices in np.array_split(np.arange(len(tensors)), n_batches):
        yield tensors.batch(indices, void=None)[0].to(device)


def _soup_info(made: Soup, best: Run, runs: Sequence[Run], command: str | None) -> RunInfo:
    """Describe the soup; data, classes and model are those of its best run."""
    inherited = best.info.model_dump(exclude=NOT_INHERITED, exclude_unset=True)
    return RunInfo.model_validate(
        {
            **inherited,
            "command": command,
            "status": "finished",
            "validation_score": made.score,
            "training_seconds": round(sum(run.info.training_seconds or 0.0 for run in runs), 2),
            "previously_trained_on": previously_trained_on(runs),
            "soup": SoupInfo(ingredients=list(made.ingredients)),
        }
    )
