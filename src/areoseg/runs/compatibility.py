"""Checks of compatibility between runs: data, split and network."""

from collections.abc import Mapping, Sequence
from typing import Any

from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.runs.run import Run
from areoseg.taxonomy import Taxonomy

TRAINING_OPTIONS = ("dropout",)
"""Model options that affect training, but not the function of the trained network."""


def check_same_samples(run: Run, labeled: SegmentationDataset) -> None:
    """Check that a run was trained on the given labeled samples.

    Raises:
        AreosegError: Names, images or masks differ.
    """
    if fingerprint(labeled) != run.info.data.fingerprint:
        raise AreosegError(
            f"cannot use these data for {run.path}: the run was trained on other data; give its"
            " own data with --data"
        )


def check_same_unlabeled(run: Run, unlabeled: SegmentationDataset) -> None:
    """Check that a run, if it learns from unlabeled samples, was given the same ones.

    Raises:
        AreosegError: Names or images differ.
    """
    known = run.info.data.unlabeled_fingerprint
    if not run.recipe.pseudo_labels.batch_fraction or known is None:
        return
    if not len(unlabeled) or fingerprint(unlabeled) != known:
        raise AreosegError(
            f"cannot use these data for {run.path}: its unlabeled images, which it learns from,"
            " were others; give its own data with --data"
        )


def check_same_data(runs: Sequence[Run]) -> None:
    """Check that runs were trained on the same data with the same split.

    Raises:
        AreosegError: Data, or one of the splits, differ from those of the first run.
    """
    for split in ("val", "test", "train"):
        check_same_split(runs, split)


def check_same_split(runs: Sequence[Run], split: str) -> None:
    """Check that runs have the same data and the same `train`, `val` or `test` split.

    The folds of a cross-validation share `test`, but each has its own `val`.

    Raises:
        AreosegError: Data or split differ from those of the first run.
    """
    first, *others = runs
    for run in others:
        if run.info.data.fingerprint != first.info.data.fingerprint:
            difference = "they were trained on different data"
        elif set(run.split.get(split, ())) != set(first.split.get(split, ())):
            difference = f"their splits have different {split!r} samples"
        else:
            continue
        raise AreosegError(
            f"cannot combine {run.path} with {first.path}: {difference}, so one may have been"
            " trained on held-out samples of the other; give runs with the same dataset and split"
        )


def check_same_architecture(runs: Sequence[Run]) -> None:
    """Check that the weights of runs can be averaged.

    Raises:
        AreosegError: Model, model options, classes or the treatment of background differ.
    """
    first, *others = runs
    for run in others:
        difference = _difference(run.recipe, run.taxonomy, first)
        if difference is not None:
            raise AreosegError(
                f"cannot average the weights of {run.path} and {first.path}: they differ in"
                f" {difference}; average their predictions: repeat --model of `areoseg predict`"
            )


def check_initial_weights(start: Run | None, recipe: Recipe, taxonomy: Taxonomy) -> None:
    """Check that the weights of a run fit the network of a recipe.

    A recipe may add a background gate to weights that never predict background.

    Args:
        start: The run; None: random weights, which fit unless only some modules are trained.
        recipe: The recipe to train.
        taxonomy: The classes of the data.

    Raises:
        AreosegError: Model, model options, classes or the treatment of background differ.
    """
    if start is None:
        if recipe.training.trainable:
            raise AreosegError(
                "training.trainable: the other modules would keep random weights: give the run or"
                " bundled model that provides theirs with --init-from"
            )
        return
    if taxonomy.identity != start.taxonomy.identity:
        raise AreosegError(
            f"cannot start from the weights of {start.path}: they predict"
            f" {', '.join(start.taxonomy.names)}, but the data have {', '.join(taxonomy.names)};"
            " train without --init-from"
        )
    adds_gate = (recipe.data.background, start.recipe.data.background) == ("gate", "void")
    difference = _difference(_without_gate(recipe) if adds_gate else recipe, taxonomy, start)
    if difference is not None:
        raise AreosegError(
            f"cannot start from the weights of {start.path}: it differs from the recipe in"
            f" {difference}; train its own recipe, {start.path}/recipe.yaml"
        )


def _without_gate(recipe: Recipe) -> Recipe:
    """Return a recipe with the same network, which never predicts background."""
    options = {name: value for name, value in recipe.model.options.items() if name != "gate_width"}
    return recipe.model_copy(
        update={
            "model": type(recipe.model)(name=recipe.model.name, **options),
            "data": recipe.data.model_copy(update={"background": "void"}),
        }
    )


def _difference(recipe: Recipe, taxonomy: Taxonomy, run: Run) -> str | None:
    """Return what makes the weights of a run incompatible with a recipe; None if they fit.

    Dropout, stochastic depth and weight initialization may differ: they only affect training.
    """
    standardized = "weight_standardization"
    compared = {
        "taxonomy": (taxonomy.identity, run.taxonomy.identity),
        "model.name": (recipe.model.name, run.recipe.model.name),
        "model options": (_lasting(recipe.model.options), _lasting(run.recipe.model.options)),
        f"network.{standardized}": (
            getattr(recipe.network, standardized),
            getattr(run.recipe.network, standardized),
        ),
        "data.background": (recipe.data.background, run.recipe.data.background),
    }
    return next((name for name, (own, other) in compared.items() if own != other), None)


def _lasting(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in TRAINING_OPTIONS}
