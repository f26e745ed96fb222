"""Self-training: train a run on the confident predictions of earlier runs."""

import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from areoseg.audit import Exclusions, find_exclusions, read_exclusions
from areoseg.data.load import Source, read_with_progress
from areoseg.data.samples import LoadedData, SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.inference.load import load
from areoseg.recipes import Recipe, load_recipe
from areoseg.runs.compatibility import check_same_data
from areoseg.runs.info import SelfTrainingInfo
from areoseg.runs.own_data import own_data, own_source
from areoseg.runs.run import AUDIT, Run, check_no_run_in, open_runs
from areoseg.training.in_memory import train_on
from areoseg.training.plan import Budget, parse_budget
from areoseg.training.prepare import divide
from areoseg.training.self_training.pseudo_labels import (
    PseudoSamples,
    check_pseudo_label_options,
    check_same_size,
    pseudo_label,
    unseen_samples,
)
from areoseg.utils.console import standard_error
from areoseg.utils.device import choose_device, use_threads
from areoseg.utils.files import PathLike

MAX_LABELING_SHARE = 0.5
"""Share of a time budget that reading and labeling may take."""


def self_train(
    teachers: PathLike | Sequence[PathLike],
    unlabeled: PathLike,
    out: PathLike,
    *,
    recipe: Recipe | PathLike | None = None,
    keep_fraction: float = 0.5,
    min_confidence: float = 0.5,
    labeled_share: float = 0.5,
    tta_flip: bool = False,
    budget: str | None = None,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Label unlabeled images with trained runs, and train from scratch on both kinds of samples.

    Validation and test splits are those of the teachers and contain labeled samples only.

    Args:
        teachers: A run folder, or several with the same dataset and split, whose probabilities
            are averaged.
        unlabeled: An npz file with a test_set, or a folder of images.
        out: The new run folder.
        recipe: The recipe to train, its name or its file; None: that of the first teacher.
        keep_fraction: Share of the predictions of each class that become labels, the most confident
            ones.
        min_confidence: Confidence in 0..1 below which no prediction becomes a label.
        labeled_share: Share of labeled samples in each batch, above 0 and below 1.
        tta_flip: Average the teachers' predictions over each image and its mirror image.
        budget: As for `train`; it includes labeling.
        data: The current path of the teachers' data; None: the path stored in the first teacher.
        groups: The current path of their groups file; None: the path stored in the first teacher.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        command: The command line, stored in the run.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The new run; its `info.self_training` describes the pseudo-labels.

    Raises:
        AreosegError: Teachers, images or options cannot be used, labeling takes most of the budget,
            or `out` already contains a run.

    Examples:
        >>> run = areoseg.self_train("runs/first", "mars.npz", "runs/second")  # doctest: +SKIP
        >>> run.info.self_training.classes["soil"].kept  # doctest: +SKIP
        0.5
    """
    console = console or standard_error()
    if not 0 < labeled_share < 1:
        raise AreosegError(f"labeled share {labeled_share}: give one above 0 and below 1")
    check_pseudo_label_options(keep_fraction, min_confidence)
    runs = open_runs(teachers)
    check_same_data(runs)
    first = runs[0]
    seconds = None if budget is None else parse_budget(budget)
    student = _student(first, recipe)
    check_no_run_in(out)
    choose_device(device)
    use_threads(threads)

    clock = None if seconds is None else Budget(seconds)
    source = own_source(first, data, groups)
    loaded = own_data(first, data, groups, console)
    exclusions = _exclusions(first, student, loaded.labeled)
    samples = _unlabeled_samples(unlabeled, source, first, loaded, console)
    console.print(f"labeling {len(samples)} images")
    predictor = load(
        [run.path for run in runs], device=device, accelerate=False, tta_flip=tta_flip, scale=1.0
    )
    labels = pseudo_label(
        predictor.probabilities,
        samples,
        classes=len(predictor.taxonomy),
        keep_fraction=keep_fraction,
        min_confidence=min_confidence,
    )
    if clock is not None:
        _check_time_left(clock)
    info = SelfTrainingInfo(
        teachers=[str(run.path) for run in runs],
        commands=[line for run in runs for line in _commands(run)],
        training_seconds=sum(run.info.training_seconds or 0.0 for run in runs),
        unlabeled=str(unlabeled),
        keep_fraction=keep_fraction,
        min_confidence=min_confidence,
        tta_flip=tta_flip,
        classes=labels.info(first.taxonomy),
        samples=len(labels.samples),
        labeled_share=labeled_share,
        fingerprint=fingerprint(labels.samples),
    )
    return train_on(
        student,
        loaded,
        out,
        source=source,
        budget=clock,
        device=device,
        threads=threads,
        command=command,
        console=console,
        exclusions=exclusions,
        pseudo=PseudoSamples(labels.samples, info),
        report=True,
    )


def _check_time_left(clock: Budget) -> None:
    """Check that labeling has left most of the budget for training.

    Raises:
        AreosegError: Labeling took too much of it.
    """
    used = time.monotonic() - clock.started
    if used > MAX_LABELING_SHARE * clock.seconds:
        raise AreosegError(
            f"cannot self-train within --budget {clock.seconds:g}s: reading and labeling took"
            f" {used:.0f} s of it; give at least {used / MAX_LABELING_SHARE:.0f}s"
        )


def _commands(teacher: Run) -> list[str]:
    """Return the command lines that produced a teacher, including its calibration."""
    calibrated = [f"areoseg calibrate {shlex.quote(str(teacher.path))}"]
    return [*teacher.commands, *(calibrated if teacher.calibrated_later else ())]


def _student(teacher: Run, recipe: Recipe | PathLike | None) -> Recipe:
    """Return the recipe to train, with the samples and split of the teacher."""
    if recipe is None:
        return teacher.recipe
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    own = teacher.recipe.data
    data = recipe.data.model_copy(update={"tile": own.tile, "scale": own.scale, "audit": own.audit})
    return recipe.model_copy(update={"data": data, "split": teacher.recipe.split})


def _exclusions(teacher: Run, student: Recipe, labeled: SegmentationDataset) -> Exclusions | None:
    """Return the samples excluded from the teacher's training, so that the split is the same.

    Raises:
        AreosegError: The student would be validated or tested on samples that the teacher may
            have been trained on.
    """
    exclusions = None
    if student.data.audit:
        audit = teacher.path / AUDIT
        exclusions = read_exclusions(audit) if audit.is_file() else find_exclusions(labeled)
    split = divide(student, labeled, teacher.taxonomy, exclusions=exclusions).split
    for name in ("val", "test"):
        if {labeled.names[index] for index in split.indices(name)} != set(teacher.split[name]):
            raise AreosegError(
                f"cannot reproduce the {name!r} samples of {teacher.path} from these data; use"
                " --groups to give the groups that it was trained with"
            )
    return exclusions


def _unlabeled_samples(
    path: PathLike, source: Source, teacher: Run, own: LoadedData, console: Console
) -> SegmentationDataset:
    """Read the unlabeled samples, tiled like the teacher's, except those that overlap its data.

    Raises:
        AreosegError: No sample is left, or the size differs from that of the labeled samples.
    """
    if Path(path).absolute() == Path(source.path).absolute():
        samples = own.unlabeled
    else:
        other = Source(path=str(path), tile=source.tile, scale=source.scale)
        samples = read_with_progress(other, console).unlabeled
    unseen = unseen_samples(samples, own.labeled, [*teacher.split["val"], *teacher.split["test"]])
    if len(unseen) < len(samples):
        console.print(
            f"{len(samples) - len(unseen)} images left out: they are labeled samples, or belong to"
            " a held-out group"
        )
    if not len(unseen):
        raise AreosegError(
            f"no unlabeled images in {path}: give an npz file with a test_set, or a folder of"
            " images"
        )
    check_same_size(unseen, own.labeled.images[0].shape)
    return unseen
