"""Baselines on the split that training would make."""

from collections.abc import Sequence

from rich.console import Console

from areoseg.audit import read_exclusions
from areoseg.data.load import find_source, read_with_progress
from areoseg.data.options import DataFormat, LabelSet, data_options
from areoseg.data.split import check_split_name
from areoseg.evaluation.baselines import BASELINES, baseline, evaluate_baseline
from areoseg.metrics.scores import Scores
from areoseg.recipes import Recipe, load_recipe
from areoseg.training.prepare import divide
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import PathLike


def baselines(
    names: Sequence[str] | None,
    data: PathLike,
    *,
    recipe: Recipe | PathLike = "flagship",
    overrides: Sequence[str] = (),
    split: str = "test",
    decisions: PathLike | None = None,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> dict[str, Scores]:
    """Evaluate baselines on the split that training would make.

    Args:
        names: Names in `areoseg.evaluation.BASELINES`; None: all of them.
        data: The dataset; see `load`.
        recipe: The recipe that defines data preparation and split: a recipe, its name or its
            file.
        overrides: Values of the recipe to change, for example `"split.seed=3"`.
        split: The split that is scored: `train`, `val` or `test`.
        decisions: Audit decisions, as for `train`.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The scores by name of the baseline.

    Raises:
        AreosegError: There is no such baseline or split, or data or recipe cannot be used.
    """
    check_split_name(split)
    use_threads(threads)
    console = console or standard_error()
    names = [baseline(name).name for name in (BASELINES if names is None else names)]
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    exclusions = None if decisions is None else read_exclusions(decisions)
    options = data_options(groups, data_format, label_set, missions, classes)
    source = find_source(data, options, console)
    source = source.cut(recipe.data.tile, recipe.data.scale)
    loaded = read_with_progress(source, console)
    dataset, taxonomy = loaded.labeled, loaded.taxonomy
    if exclusions is not None:
        exclusions.check(dataset)
    division = divide(recipe, dataset, taxonomy, exclusions=exclusions)
    for note in division.notes:
        console.print(f"note: {note}")
    return {
        name: evaluate_baseline(
            name,
            dataset,
            division.split,
            scored_split=split,
            protocol=recipe.protocol,
            taxonomy=taxonomy,
        )
        for name in names
    }
