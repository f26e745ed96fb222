"""Join the records of all blocks to the tables of a folder, after checking that none is missing."""

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from rich.console import Console

from areoseg.errors import AreosegError, plural, shorten
from areoseg.inference.folder import (
    ERRORS_HEADER,
    ERRORS_TABLE,
    SHARES_TABLE,
    ImageNotes,
    Predictions,
    finish_folder,
    is_whole,
)
from areoseg.inference.gallery import GalleryFile
from areoseg.inference.parallel.blocks import BLOCKS, BlockFolder, BlockRecord, Fingerprint, Plan
from areoseg.inference.parallel.staging import lock_folder, staged
from areoseg.inference.summary import shares_header
from areoseg.inference.writers import GALLERY, OUTPUTS, SHARES
from areoseg.inference.writers.tables import AddRow, earlier_rows, remove_table, table_rows
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.storage import Folder, LocalFolder, open_folder, shown_path
from areoseg.utils.temporary import remove_abandoned


def gather(out: PathLike, *, console: Console | None = None) -> Predictions:
    """Join the parts of a prediction: write the tables and the gallery of all images.

    Checks first that each image of the list was processed once, and that all outputs are there.

    Args:
        out: The folder that the parts were written to.
        console: Console for warnings; None: standard error.

    Returns:
        The written paths, and the numbers of images that were done, skipped and failed.

    Raises:
        AreosegError: There are no parts, an image or an output is missing, or a file cannot be
            written.

    Examples:
        >>> areoseg.predict("photos/", "masks", part="1/2")  # doctest: +SKIP
        >>> areoseg.predict("photos/", "masks", part="2/2")  # doctest: +SKIP
        >>> areoseg.gather("masks")  # doctest: +SKIP
        Predictions('masks', done=12, skipped=0, failed=0, 27 files)
    """
    console = console or standard_error()
    if not BlockFolder(open_folder(out)).exists():
        raise AreosegError(
            f"{out}: no parts to gather: write them with `areoseg predict --part` first"
        )
    with lock_folder(out):
        found = gather_records(out)
        for line in found.notes.lines():
            console.print(line, markup=False)
    return found.predictions


@dataclass(frozen=True)
class Gathered:
    """The result of `gather_records`.

    Attributes:
        predictions: The files, and the numbers of images.
        notes: What there is to say about the images.
    """

    predictions: Predictions
    notes: ImageNotes


def gather_records(out: PathLike) -> Gathered:
    """Write the tables from the records of all blocks, and remove the records.

    The caller holds the lock of the folder.

    Args:
        out: The output folder, or its URL.

    Raises:
        AreosegError: See `gather`.
    """
    folder = BlockFolder(open_folder(out))
    plan = folder.plan()
    _check_blocks(folder, plan)
    with staged(out) as stage:
        found = _write_tables(folder, plan, shown_path(out), stage)
    folder.remove()
    return found


def _write_tables(folder: BlockFolder, plan: Plan, out: Path, stage: Path) -> Gathered:
    """Write the tables to `stage`; the paths that are returned are below `out`."""
    predicted: set[str] = set()
    tried: set[str] = set()
    failures: list[list[str]] = []
    kept = 0
    for record in _checked(folder, plan):
        if record.kept:
            kept += len(record.images)
        else:
            predicted |= {name for name, _ in record.images}
        tried |= {path for _, path in record.images}
        failures += [failure.row for failure in record.failures]
    notes = ImageNotes()
    written: list[Path] = []
    entries = GalleryFile(stage).entries if GALLERY in plan.outputs else None
    with _shares_table(stage, plan, predicted) as add_row:
        for record in folder.records(plan):
            for image in record.done:
                notes.add(image)
                add_row(image.row)
                if entries is not None and image.gallery is not None:
                    entries[image.name] = image.gallery
                written.extend(out / file for file in image.files)
    tables = [stage / SHARES_TABLE] if SHARES in plan.outputs else []
    _write_failures(stage / ERRORS_TABLE, tried, failures)
    tables += finish_folder(stage, plan.outputs, plan.taxonomy, notes, entries)
    written += [out / table.name for table in tables]
    predictions = Predictions(out, tuple(written), len(notes.images), kept, len(failures))
    return Gathered(predictions, notes)


def _check_blocks(folder: BlockFolder, plan: Plan) -> None:
    """Check that all blocks are finished."""
    finished = folder.finished().keys()
    if missing := [number for number in plan.blocks if number not in finished]:
        images = sum(
            min(plan.block_size, plan.images - number * plan.block_size) for number in missing
        )
        raise AreosegError(
            f"{folder.folder}: {images} of {plural(plan.images, 'image')} are not predicted"
            f" yet, in {plural(len(missing), 'block')} ({shorten(missing)}): run the unfinished"
            " parts again with --resume"
        )


def _checked(folder: BlockFolder, plan: Plan) -> Iterator[BlockRecord]:
    """Yield all records, and check that each image is in one of them, and each output in a folder.

    Records of missing outputs are removed, so that `--resume` predicts the images again.
    """
    whole = _whole_outputs(folder.folder)
    missing: dict[int, list[str]] = {}
    hashed = Fingerprint()
    for number, record in zip(plan.blocks, folder.records(plan), strict=True):
        hashed.add(record.images)
        if absent := [file for image in record.done for file in image.files if not whole(file)]:
            missing[number] = absent
        yield record
    if missing:
        folder.forget(missing)
        files = [file for absent in missing.values() for file in absent]
        raise AreosegError(
            f"{folder.folder}: outputs are missing or cut off: {shorten(files)}: run the parts"
            " again with --resume"
        )
    if hashed.text != plan.fingerprint:
        raise AreosegError(
            f"{folder.folder}/{BLOCKS}: the records are not those of the images of the plan: delete"
            " this folder and predict again"
        )


def _whole_outputs(folder: Folder) -> Callable[[str], bool]:
    """Return a function that tells whether an output is there, and on a disk, whether it is whole.

    One listing takes far fewer requests than asking for each file.
    """
    found = {file for output in OUTPUTS for file in folder.files(output)}
    if not isinstance(folder, LocalFolder):
        return found.__contains__
    path = folder.path
    for below in {PurePosixPath(file).parent for file in found}:
        remove_abandoned(path / below)
    # Outputs are not synced one by one, so that a power failure may cut off the latest ones.
    return lambda file: file in found and is_whole(path / file)


@contextmanager
def _shares_table(out: Path, plan: Plan, predicted: Container[str]) -> Iterator[AddRow]:
    """Yield a function that adds rows after those of earlier calls; without a table, it does not.

    Args:
        out: The output folder.
        plan: The plan.
        predicted: The images whose earlier rows are replaced.
    """
    if SHARES not in plan.outputs:
        yield lambda row: None
        return
    path = out / SHARES_TABLE
    header = shares_header(plan.taxonomy)
    rows = earlier_rows(path, header)
    with table_rows(path, header) as add_row:
        for row in rows:
            if row[0] not in predicted:
                add_row(row)
        yield add_row


def _write_failures(path: Path, tried: Container[str], failures: list[list[str]]) -> None:
    """Write the table of failed images if there are any; those of other calls keep their rows."""
    rows = [row for row in earlier_rows(path, ERRORS_HEADER) if row[0] not in tried] + failures
    remove_table(path)
    if rows:
        with table_rows(path, ERRORS_HEADER) as add_row:
            for row in rows:
                add_row(row)
