"""Write the predictions of many images to a folder: outputs, shares, failures and settings."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from areoseg.data.appearance import Appearance
from areoseg.errors import AreosegError, plural
from areoseg.inference.gallery import GalleryFile, remove_part
from areoseg.inference.image_outputs import ImageFailure, ImageOutputs, segment_to_files
from areoseg.inference.inputs import Input
from areoseg.inference.predictor import Predictor
from areoseg.inference.settings import created_ns, keep_images, model_names
from areoseg.inference.summary import shares_header
from areoseg.inference.writers import DEFAULT_OUTPUTS, GALLERY, OUTPUTS, SHARES
from areoseg.inference.writers.styles import write_styles
from areoseg.inference.writers.tables import AddRow, earlier_rows, remove_table, table_rows
from areoseg.report.gallery import Entry, write_gallery
from areoseg.taxonomy import Taxonomy
from areoseg.utils.storage import shown_path

SHARES_TABLE = "shares.csv"
ERRORS_TABLE = "errors.csv"
ERRORS_HEADER = ["image", "reason"]

_LISTED = 3
"""Number of image names in a message."""

Log = Callable[[str], None]
"""Shows one line to the user."""


@dataclass(frozen=True, repr=False)
class Predictions:
    """The outcome of predicting images to a folder.

    Attributes:
        out: The folder.
        paths: The files that were written, without prediction.json.
        done: Number of images whose outputs were written.
        skipped: Number of images whose outputs already existed.
        failed: Number of images that could not be read or segmented; `errors.csv` lists them.
    """

    out: Path
    paths: tuple[Path, ...]
    done: int
    skipped: int
    failed: int

    def __repr__(self) -> str:
        counts = f"done={self.done}, skipped={self.skipped}, failed={self.failed}"
        return f"Predictions({str(self.out)!r}, {counts}, {len(self.paths)} files)"


def predict_to_folder(
    predictor: Predictor,
    inputs: Sequence[Input],
    out: Path,
    *,
    outputs: Sequence[str] = DEFAULT_OUTPUTS,
    appearance: Appearance | None = None,
    resume: bool = False,
    log: Log = lambda line: None,
    track: Callable[[Sequence[Input]], Iterable[Input]] = lambda inputs: inputs,
) -> Predictions:
    """Segment images one at a time and write the outputs of each.

    Each output has its own folder: `out/masks/NAME.png`. `out/shares.csv` has the class shares and
    metadata of each image, `out/errors.csv` the images that failed and the reasons. Rows of images
    that are not among the inputs are kept.

    Args:
        predictor: The predictor.
        inputs: The images.
        out: The folder to write to, which has `prediction.json`; see `keep_settings`.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        appearance: Description of the training images, to warn about images unlike them; or None.
        resume: Whether to skip images whose outputs all exist, and to keep their rows.
        log: Called with one line per failed image, and finally with one per scale factor and
            reason, and one about images with warnings.
        track: Wraps the iterable of images to show progress.

    Raises:
        AreosegError: The folder cannot be written, or has predictions of another image of the same
            name.
    """
    shares = SHARES in outputs
    header = shares_header(predictor.taxonomy)
    rows = earlier_rows(out / SHARES_TABLE, header) if shares else []
    check_same_images(rows, inputs, out)
    gallery = GalleryFile(out) if GALLERY in outputs else None
    entries = None if gallery is None else gallery.entries
    finished = finished_names(inputs, out, outputs, rows, entries) if resume else set()
    pending = [each for each in inputs if each.name not in finished]
    block_of = {each.name: index // predictor.batch_size for index, each in enumerate(inputs)}
    written: list[Path] = []
    notes = ImageNotes()
    with ExitStack() as tables:
        add_shares: AddRow | None = None
        if shares:
            add_shares = tables.enter_context(table_rows(out / SHARES_TABLE, header))
            pending_names = {each.name for each in pending}
            for row in rows:
                if row[0] not in pending_names:
                    add_shares(row)
        failures = _Failures(out, inputs, tables, log)
        # A batch never extends over two blocks of the inputs, so that results are the same if
        # several processes share the blocks.
        for _, block in groupby(track(pending), lambda each: block_of[each.name]):
            for result in segment_to_files(
                predictor, block, out, outputs=outputs, appearance=appearance
            ):
                if isinstance(result, ImageFailure):
                    failures.add(result)
                    continue
                notes.add(result)
                if add_shares is not None:
                    add_shares(result.row)
                if gallery is not None and result.gallery is not None:
                    gallery.add(result.gallery)
                written.extend(out / file for file in result.files)
    if shares:
        written.append(out / SHARES_TABLE)
    written += finish_folder(out, outputs, predictor.taxonomy, notes, entries)
    for line in notes.lines():
        log(line)
    skipped = len(inputs) - len(pending)
    return Predictions(out, tuple(written), len(notes.images), skipped, failures.count)


def finished_names(
    inputs: Sequence[Input],
    out: Path,
    outputs: Sequence[str],
    rows: Sequence[Sequence[str]],
    entries: Mapping[str, Entry] | None,
) -> set[str]:
    """Return the names of the images that earlier calls finished: outputs, rows and pictures.

    Args:
        inputs: The images.
        out: The output folder.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        rows: The rows of `shares.csv`.
        entries: The entries of the gallery; None without a gallery.
    """
    files = [name for name in OUTPUTS if name in outputs]
    since = created_ns(out)
    names = {each.name for each in inputs}
    if SHARES in outputs:
        names &= {row[0] for row in rows}
    if entries is not None:
        names &= entries.keys()
    return {name for name in names if _is_done(out, files, name, since)}


def finish_folder(
    out: Path,
    outputs: Sequence[str],
    taxonomy: Taxonomy,
    notes: "ImageNotes",
    entries: Mapping[str, Entry] | None,
) -> list[Path]:
    """Write the gallery, `prediction.json` and the styles after the last image.

    Args:
        out: The output folder.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        taxonomy: The classes.
        notes: The images of this call.
        entries: The entries of the gallery, also of earlier calls; None without a gallery.

    Returns:
        The pages of the gallery.
    """
    pages: list[Path] = []
    if entries:
        pages = write_gallery(out, list(entries.values()), taxonomy, models=model_names(out))
        remove_part(out)
    if notes.images:
        keep_images(notes.images, out)
        write_styles(out, tuple(name for name in OUTPUTS if name in outputs), taxonomy)
    return pages


def check_same_images(rows: Sequence[Sequence[str]], inputs: Sequence[Input], out: Path) -> None:
    """Check that no input would replace the predictions of another image of the same name.

    An image that was moved since is still the same.
    """
    paths = {row[0]: row[1] for row in rows}
    for each in inputs:
        earlier = paths.get(each.name)
        if earlier and earlier != str(each.path.absolute()) and shown_path(earlier).exists():
            raise AreosegError(
                f"{each.path}: {out} has predictions of another image of this name, {earlier}:"
                " choose another --out"
            )


class ImageNotes:
    """What there is to say about the images: assumed scales, warnings, entries for a file.

    Attributes:
        images: Entries of `prediction.json` by name.
    """

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.rounded = 0
        self._scales: dict[tuple[float, str], list[str]] = {}
        self._warnings: dict[str, tuple[str, ...]] = {}

    def add(self, image: ImageOutputs) -> None:
        """Add an image."""
        self.images[image.name] = image.entry
        self.rounded += image.rounded
        for choice in dict.fromkeys(image.choices):
            if choice.assumed:
                self._scales.setdefault((choice.factor, choice.reason), []).append(image.name)
        if image.entry["warnings"]:
            self._warnings[image.name] = tuple(image.entry["warnings"])

    def lines(self) -> Iterator[str]:
        """Yield a line about rounding, one per scale factor and reason, and one about warnings."""
        if self.rounded:
            yield (
                f"note: {plural(self.rounded, 'image')} with more than 8 bits were rounded to 8,"
                " which exported files take"
            )
        for (factor, reason), names in self._scales.items():
            yield (
                f"scale {factor:g} for {plural(len(names), 'image')}, {reason}; --camera or --scale"
                f" changes it: {_some(names)}"
            )
        if self._warnings:
            kinds = Counter(kind for warnings in self._warnings.values() for kind in warnings)
            counts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
            yield (
                f"warning: do not trust the predictions of {len(self._warnings)} of"
                f" {plural(len(self.images), 'image')} ({counts}): {_some(list(self._warnings))}"
            )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


class _Failures:
    """The table of failed images, which exists if there are any; others keep their rows."""

    def __init__(self, out: Path, inputs: Sequence[Input], tables: ExitStack, log: Log) -> None:
        self.count = 0
        self._path = out / ERRORS_TABLE
        tried = {str(each.path.absolute()) for each in inputs}
        rows = earlier_rows(self._path, ERRORS_HEADER)
        remove_table(self._path)
        self._tables = tables
        self._log = log
        self._add: AddRow | None = None
        for row in rows:
            if row[0] not in tried:
                self._row(row)

    def add(self, failure: ImageFailure) -> None:
        self._row(failure.row)
        self._log(str(failure))
        self.count += 1

    def _row(self, row: Sequence[str]) -> None:
        if self._add is None:
            self._add = self._tables.enter_context(table_rows(self._path, ERRORS_HEADER))
        self._add(row)


def _is_done(out: Path, outputs: Sequence[str], name: str, since: int) -> bool:
    """Return whether all outputs of an image are there and no older than the folder's settings."""
    return all(
        any(
            _made_since(since, out / output / f"{name}{suffix}")
            for suffix in OUTPUTS[output].suffixes
        )
        for output in outputs
    )


def _made_since(since: int, file: Path) -> bool:
    try:
        return file.stat().st_mtime_ns >= since and is_whole(file)
    except OSError:
        return False


_ENDS = {
    ".png": (8, b"IEND\xaeB`\x82"),
    ".npz": (22, b"PK\x05\x06"),
    ".geojson": (2, b"}\n"),
}
"""By suffix: how many bytes the last part of a file has, and how it starts."""


def is_whole(file: Path) -> bool:
    """Return whether a file has its end.

    Small outputs are not synced to the disk one by one, so that a power failure may cut off the
    latest ones.
    """
    length, start = _ENDS.get(file.suffix, (64, b""))
    with file.open("rb") as opened:
        size = opened.seek(0, 2)
        opened.seek(max(0, size - length))
        end = opened.read()
    return end.startswith(start) and any(end)
