"""Evaluation of runs, bundled models and exported files on labeled samples."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console

from areoseg.data.load import Source, find_source, read_with_progress
from areoseg.data.options import DataFormat, DataOptions, LabelSet, data_options
from areoseg.data.samples import LoadedData, SegmentationDataset, fingerprint
from areoseg.data.split import check_split_name
from areoseg.errors import AreosegError
from areoseg.evaluation.model_under_test import (
    ModelUnderTest,
    check_split_is_known,
    open_model_under_test,
)
from areoseg.evaluation.score import evaluate_masks, select_split
from areoseg.inference.load import load
from areoseg.metrics.scores import Scores
from areoseg.runs.compatibility import check_same_samples, check_same_split
from areoseg.runs.lineage import check_not_trained_on, count_trained_on
from areoseg.runs.own_data import own_source
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike, path_list

RESAMPLES = 1000
"""Number of bootstrap resamples for the 95 % intervals."""


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model, or of an ensemble.

    Attributes:
        name: The model, or a description of the ensemble.
        scores: Its scores.
        milliseconds: Mean time per image on this machine.
    """

    name: str
    scores: Scores
    milliseconds: float


def evaluate(
    models: ModelPath | Sequence[ModelPath],
    data: PathLike | Sequence[PathLike] | None = None,
    *,
    split: str | None = None,
    tta_flip: bool = False,
    background: bool = True,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> Scores:
    """Evaluate a model, or an ensemble of models whose probabilities are averaged.

    Args:
        models: A run folder, the name of a bundled model, or an exported file; or several of these,
            trained on the same dataset and split.
        data: The dataset, or several; see `read`. None: the data that the first run was trained on.
            Exported files do not record their dataset: give `data`, and to evaluate a file on
            the dataset of its run, give that run as well.
        split: `train`, `val` or `test`, if `data` is the dataset of the models. None: `test` on
            their own dataset, and all labeled samples on any other.
        tta_flip: Average over each image and its mirror image.
        background: Whether pixels may be background. False: every pixel has a terrain class, which
            helps under protocols that count background on labeled ground as an error.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Raises:
        AreosegError: Models or data cannot be used, `split` is given for another dataset, or the
            samples may have been used to train one of the models.

    Examples:
        >>> areoseg.evaluate("flagship-256", "ai4mars").score  # doctest: +SKIP
        0.7719
    """
    use_threads(threads)
    opened = _open_models(models, device)
    console = console or standard_error()
    options = data_options(groups, data_format, label_set, missions, classes)
    dataset = _load_dataset(opened, data, split, options, console)
    return _evaluate(
        opened, dataset, tta_flip=tta_flip, background=background, device=device
    ).scores


def evaluate_each(
    models: ModelPath | Sequence[ModelPath],
    data: PathLike | Sequence[PathLike] | None = None,
    *,
    split: str | None = None,
    tta_flip: bool = False,
    background: bool = True,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> list[Evaluation]:
    """Evaluate models one by one and as an ensemble; the arguments are those of `evaluate`.

    Returns:
        Each model alone; the ensemble if there are several models; and with `tta_flip`, the last of
        these again with test-time augmentation.
    """
    use_threads(threads)
    opened = _open_models(models, device)
    console = console or standard_error()
    options = data_options(groups, data_format, label_set, missions, classes)
    dataset = _load_dataset(opened, data, split, options, console)
    variants = [([model], False) for model in opened]
    if len(opened) > 1:
        variants.append((opened, False))
    if tta_flip:
        variants.append((opened, True))
    return [
        _evaluate(some, dataset, tta_flip=flip, background=background, device=device)
        for some, flip in variants
    ]


def _open_models(models: ModelPath | Sequence[ModelPath], device: str) -> list[ModelUnderTest]:
    paths = path_list(models)
    if not paths:
        raise AreosegError("no model to evaluate: name at least one run or bundled model")
    return [open_model_under_test(path, device=device) for path in paths]


def _load_dataset(
    models: Sequence[ModelUnderTest],
    data: PathLike | Sequence[PathLike] | None,
    split: str | None,
    options: DataOptions,
    console: Console,
) -> SegmentationDataset:
    """Load data that no model was trained on, or one split of the models' own dataset."""
    if split is not None:
        check_split_name(split)
    first = models[0]
    runs = [model.run for model in models if model.run is not None]
    if data is None and not runs:
        raise AreosegError(f"{first.path}: exported files do not record their data: give --data")
    given = data is not None or replace(options, groups=None) != DataOptions()
    if given:
        paths = [each.path for each in runs[0].source.each] if data is None else data
        source = find_source(paths, options, console)
        if runs:
            classes = runs[0].source.classes
            source = source.changed(lambda each: replace(each, classes=each.classes or classes))
        source = source.cut(first.recipe.data.tile, first.recipe.data.scale)
    else:
        source = own_source(runs[0], None, options.groups)
    loaded = read_with_progress(source, console)
    if loaded.taxonomy.names != first.taxonomy.names:
        raise AreosegError(
            f"{source.paths}: the classes are {', '.join(loaded.taxonomy.names)}, but {first.path}"
            f" predicts {', '.join(first.taxonomy.names)}: give --classes if the masks have these"
        )
    dataset, data_hash = _as_trained_on(models, loaded, source)
    trained_on = any(data_hash in (model.fingerprint, *model.parts) for model in models)
    if not (trained_on or given):
        check_same_samples(runs[0], dataset)
    if trained_on:
        check_split_is_known(models)
        check_same_split(runs, split or "test")
        dataset = select_split(dataset, runs[0], split or "test")
    elif split is not None:
        raise AreosegError(
            f"--split {split}: {source.paths} is not the dataset that {first.path} was trained on,"
            " so it has no splits: omit --split to evaluate all of it"
        )
    else:
        check_not_trained_on(runs, data_hash)
        if same_names := count_trained_on(runs, dataset.names):
            console.print(
                f"note: {same_names} of {len(dataset)} samples have the names of training samples:"
                " if they are the same samples, the scores are too high"
            )
    if not len(dataset):
        raise AreosegError(f"{source.paths}: no labeled samples to evaluate in this split")
    return dataset


def _as_trained_on(
    models: Sequence[ModelUnderTest], data: LoadedData, source: Source
) -> tuple[SegmentationDataset, str]:
    """Return the labeled samples and their hash, as the models know them.

    If they are one of several datasets that a run was trained on, their names begin with that of
    the dataset, as in the split of the run.

    Raises:
        AreosegError: Some of several datasets, but not exactly those, were trained on.
    """
    dataset, data_hash = data.labeled, fingerprint(data.labeled)
    by_run = sorted(models, key=lambda model: model.run is not None)  # only these know the names
    known = {each: name for model in by_run for each, name in model.parts.items()}
    if name := known.get(data_hash, ""):
        renamed = tuple(f"{name}/{each}" for each in dataset.names)
        return replace(dataset, names=renamed), data_hash
    whole = {model.fingerprint for model in models}
    seen = [part.name for part in data.parts if part.fingerprint in {*known, *whole}]
    if seen and data_hash not in whole:
        raise AreosegError(
            f"{source.paths}: a model was trained on {', '.join(seen)}, but not on these datasets"
            " together: evaluate it on each dataset alone"
        )
    return dataset, data_hash


def _evaluate(
    models: Sequence[ModelUnderTest],
    dataset: SegmentationDataset,
    *,
    tta_flip: bool,
    background: bool,
    device: str,
) -> Evaluation:
    predictor = load(
        [model.path for model in models],
        device=device,
        accelerate=False,
        tta_flip=tta_flip,
        scale=1.0,
        background=background,
    )
    started = time.perf_counter()
    masks = list(predictor.masks(dataset.images))
    milliseconds = 1000 * (time.perf_counter() - started) / len(dataset)
    scores = evaluate_masks(
        masks,
        dataset,
        models[0].taxonomy,
        protocol=models[0].recipe.protocol,
        resamples=RESAMPLES,
    )
    kind = "runs" if all(model.run for model in models) else "models"
    name = str(models[0].path) if len(models) == 1 else f"mean of {len(models)} {kind}"
    return Evaluation(f"{name} with --tta-flip" if tta_flip else name, scores, milliseconds)
