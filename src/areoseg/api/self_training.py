"""Self-training: a run that learns from what earlier runs answer with confidence."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.training import finish_run
from areoseg.data.load import Source
from areoseg.data.load import read_with_progress
from areoseg.data.samples import LoadedData
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.runs.compatibility import check_same_data
from areoseg.runs.own_data import own_data
from areoseg.runs.own_data import own_source
from areoseg.runs.run import AUDIT
from areoseg.runs.run import Run
from areoseg.runs.run import open_runs
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from areoseg.audit import Exclusions


def self_train(
    teachers: Sequence[PathLike],
    unlabeled: PathLike,
    out: PathLike,
    *,
    recipe: Recipe | PathLike | None = None,
    keep: float = 0.5,
    floor: float = 0.5,
    labeled_share: float = 0.5,
    flips: bool = False,
    budget: str | None = None,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    command: str | None = None,
    console: Console | None = None,
) -> Run:
    """Label unlabeled images with trained runs, and train from scratch on both kinds of samples.

    Validation and test stay those of the teachers: samples that people labeled.

    Args:
        teachers: Run folders of one data set and split; the probabilities of several are averaged.
        unlabeled: An npz file with a test_set, or a folder of images.
        out: The run folder to make.
        recipe: What to train: itself, its name or file; None: as the first teacher.
        keep: Share of the answers of each class that become labels, the most confident ones.
        floor: Confidence, 0 to 1, below which no answer becomes a label.
        labeled_share: Share of each batch that people labeled, above 0 and below 1.
        flips: Whether teachers predict each image mirrored as well.
        budget: As for `train`; labeling counts too.
        data: Where the teachers' data lie now; None: where they were.
        groups: Where their groups file lies now; None: where it was.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        command: What to note in the run as the command that made it.
        console: Where to show the progress; None: standard error.

    Returns:
        The new run; its fact `self_training` says what share of each class was kept.

    Raises:
        AreosegError: Teachers, images or options cannot be used, or there is a run in `out`.
    """
    from areoseg.inference import Predictor
    from areoseg.runs.run import check_no_run_in
    from areoseg.training.plan import Budget
    from areoseg.training.plan import parse_budget
    from areoseg.training.pseudo_labels import PseudoSamples
    from areoseg.training.pseudo_labels import check_same_size
    from areoseg.training.pseudo_labels import check_shares
    from areoseg.training.pseudo_labels import pseudo_label
    from areoseg.training.pseudo_labels import unseen_samples
    from areoseg.training.train import train
    from areoseg.utils.device import choose_device
    from areoseg.utils.device import use_threads

    console = console or standard_error()
    if not 0 < labeled_share < 1:
        raise AreosegError(f"labeled share {labeled_share}: give one above 0 and below 1")
    check_shares(keep, floor)
    opened = open_runs(teachers)
    check_same_data(opened)
    seconds = None if budget is None else parse_budget(budget)
    student = _student(opened[0], recipe)
    check_no_run_in(out)
    choose_device(device)
    use_threads(threads)

    clock = None if seconds is None else Budget(seconds)
    found = own_data(opened[0], data, groups, console)
    exclusions = _same_exclusions(opened[0], student, found.labeled)
    images = _unlabeled(unlabeled, opened[0], found, console)
    held_out = [*opened[0].split["val"], *opened[0].split["test"]]
    unseen = unseen_samples(images, found.labeled, held_out)
    if len(unseen) < len(images):
        console.print(f"{len(images) - len(unseen)} images left out: they are labeled, or near one")
    if not len(unseen):
        raise AreosegError(f"{unlabeled}: no unlabeled images: it needs a test_set, or images")
    check_same_size(unseen, found.labeled.images[0].shape)
    predictor = Predictor.load(
        *(run.path for run in opened), device=device, tta_flip=flips, scale=1.0
    )
    console.print(f"labeling {len(unseen)} images")
    labels = pseudo_label(
        predictor.probabilities,
        unseen,
        classes=len(predictor.taxonomy),
        keep=keep,
        floor=floor,
    )
    origin = {
        "teachers": [str(run.path) for run in opened],
        "commands": [command for run in opened for command in _commands(run)],
        "training_seconds": sum(run.info.training_seconds or 0.0 for run in opened),
        "unlabeled": str(unlabeled),
        "keep_fraction": keep,
        "min_confidence": floor,
        "tta_flip": flips,
        "classes": labels.info(opened[0].taxonomy),
    }
    run = train(
        student,
        found,
        out,
        source=own_source(opened[0], data, groups),
        budget=clock,
        device=device,
        threads=threads,
        command=command,
        console=console,
        exclusions=exclusions,
        pseudo=PseudoSamples(labels.samples, labeled_share, origin),
    )
    finish_run(run, found.labeled, console)
    return run


def _commands(teacher: Run) -> list[str]:
    """The command lines that made a teacher, its calibration too."""
    calibrated = [f"areoseg calibrate {shlex.quote(str(teacher.path))}"]
    return [*teacher.commands, *(calibrated if teacher.calibrated_later else ())]


def _student(teacher: Run, recipe: Recipe | PathLike | None) -> Recipe:
    """The recipe to train, with samples and split of the teacher."""
    if recipe is None:
        return teacher.recipe
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe)
    own = teacher.recipe.data
    data = recipe.data.model_copy(update={"tile": own.tile, "scale": own.scale, "audit": own.audit})
    return recipe.model_copy(update={"data": data, "split": teacher.recipe.split})


def _same_exclusions(
    teacher: Run, student: Recipe, labeled: SegmentationDataset
) -> "Exclusions | None":
    """Return what the teacher's training left out, which makes the split the same.

    Raises:
        AreosegError: The student would be validated or tested on other samples than the teacher,
            which may have been trained on them.
    """
    from areoseg.audit import find_exclusions
    from areoseg.audit import read_exclusions
    from areoseg.training.division import divide

    exclusions = None
    if student.data.audit:
        try:
            exclusions = read_exclusions(teacher.path / AUDIT)
        except AreosegError:  # there is none, or one of an earlier version
            exclusions = find_exclusions(labeled)
    split = divide(student, labeled, teacher.taxonomy, exclusions=exclusions).split
    for part in ("val", "test"):
        names = {labeled.names[index] for index in split.indices(part)}
        if names != set(teacher.split[part]):
            raise AreosegError(
                f"{teacher.path}: its part {part!r} cannot be made again from these data: give the"
                " groups that it was trained with by --groups"
            )
    return exclusions


def _unlabeled(
    path: PathLike, teacher: Run, own: LoadedData, console: Console
) -> SegmentationDataset:
    """The unlabeled samples at a path, cut as those of the teacher were."""
    source = teacher.source
    if str(path) in (source.path, teacher.info.data.source.path):
        return own.unlabeled
    chosen = Source(path=str(path), tile=source.tile, scale=source.scale)
    return read_with_progress(chosen, console).unlabeled
