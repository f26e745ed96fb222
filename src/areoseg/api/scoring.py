"""Scoring baselines, and the masks of runs."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.reading import find_source
from areoseg.api.reading import read_with_progress
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import Split
from areoseg.data.split import check_split_name
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.runs.own_data import own_data
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.images import Mask

if TYPE_CHECKING:
    from areoseg.evaluation.model_under_test import ModelUnderTest
    from areoseg.inference.predictor import Predictor
    from areoseg.metrics.scores import Scores


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
    labels: str = "crowd",
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
        labels: As for `read`.
        console: Where to show progress and warnings; None: standard error.

    Returns:
        The scores by name.

    Raises:
        AreosegError: No such baseline or part, or data and recipe cannot be used.
    """
    from areoseg.audit import check_decisions
    from areoseg.audit import read_decisions
    from areoseg.baselines import baseline_scores
    from areoseg.baselines.registry import BASELINES
    from areoseg.baselines.registry import baseline
    from areoseg.training.division import divide

    check_split_name(split)
    console = console or standard_error()
    chosen = [baseline(name).name for name in (BASELINES if names is None else names)]
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    decisions = None if audit is None else read_decisions(audit)
    source = find_source(data, groups, format, console, labels)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    samples = read_with_progress(source, console).labeled
    if decisions is not None:
        check_decisions(decisions, samples)
    division = divide(recipe, samples, audit=decisions)
    for note in division.notes:
        console.print(f"note: {note}")
    return {
        name: baseline_scores(name, samples, division.split, part=split, protocol=recipe.protocol)
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

    opened = open_run(run)
    samples = own_data(opened, None, None, console or standard_error()).labeled
    position = {sample: index for index, sample in enumerate(samples.names)}
    parts = {
        part: tuple(position[sample] for sample in members)
        for part, members in opened.split.items()
    }
    return baseline_scores(
        name,
        samples,
        Split(**parts),
        part=split,
        protocol=opened.recipe.protocol,
        resamples=0,
        taxonomy=opened.taxonomy,
    ).score


def score_samples(
    predictor: "Predictor", samples: SegmentationDataset, run: Run
) -> tuple["Scores", list[Mask]]:
    """Scores of the predictor on labeled samples, and its masks."""
    predictions = list(predictor.masks(samples.images))
    return score_masks(predictions, samples, run), predictions


def score_masks(
    predictions: Sequence[Mask], samples: SegmentationDataset, run: "Run | ModelUnderTest"
) -> "Scores":
    """Scores of masks by the protocol of a run or file, with intervals by group."""
    from areoseg.metrics.scores import evaluate_predictions

    assert samples.masks is not None
    return evaluate_predictions(
        predictions,
        samples.masks,
        groups=samples.groups,
        taxonomy=run.taxonomy,
        protocol=run.recipe.protocol,
    )


def select_split(samples: SegmentationDataset, run: Run, part: str) -> SegmentationDataset:
    """The samples of one part of the run's split."""
    check_split_name(part)
    wanted = set(run.split[part])
    return samples.select([i for i, name in enumerate(samples.names) if name in wanted])
