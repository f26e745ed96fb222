"""Write the predictions of many images to a folder: outputs, shares, failures and settings."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.appearance import Appearance
from areoseg.errors import AreosegError, plural
from areoseg.inference.gallery import GalleryFile, Pictures
from areoseg.inference.image_warnings import image_warnings
from areoseg.inference.inputs import Input, InputImage
from areoseg.inference.predictor import Predictor
from areoseg.inference.resampling import ScaleChoice
from areoseg.inference.settings import created_ns, keep_images, model_names
from areoseg.inference.summary import SummaryCounter, json_summary, shares_header
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import (
    DEFAULT_OUTPUTS,
    GALLERY,
    OUTPUTS,
    SHARES,
    open_outputs,
    output_paths,
)
from areoseg.inference.writers.styles import write_styles
from areoseg.inference.writers.tables import AddRow, earlier_rows, remove_table, table_rows
from areoseg.report.gallery import write_gallery

SHARES_TABLE = "shares.csv"
ERRORS_TABLE = "errors.csv"
_ERRORS_HEADER = ["image", "reason"]

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


class _UnusableError(Exception):
    """Raised when one image cannot be read or segmented; the others may be fine."""


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
    names = [name for name in OUTPUTS if name in outputs]
    shares = SHARES in outputs
    header = shares_header(predictor.taxonomy)
    rows = earlier_rows(out / SHARES_TABLE, header) if shares else []
    _check_same_images(rows, inputs, out)
    listed = {row[0] for row in rows}
    since = created_ns(out)
    gallery = GalleryFile(out) if GALLERY in outputs else None
    pending = [
        each
        for each in inputs
        if not (
            resume
            and _is_done(out, names, each.name, since)
            and (not shares or each.name in listed)
            and (gallery is None or each.name in gallery.entries)
        )
    ]
    written: list[Path] = []
    notes = _Notes()
    eight_bit = any(getattr(engine, "eight_bit", False) for engine in predictor.engines)
    with ExitStack() as tables:
        add_shares: AddRow | None = None
        if shares:
            add_shares = tables.enter_context(table_rows(out / SHARES_TABLE, header))
            pending_names = {each.name for each in pending}
            for row in rows:
                if row[0] not in pending_names:
                    add_shares(row)
        failures = _Failures(out, inputs, tables, log)
        images = _readable(track(pending), failures)
        for image, blocks in predictor.stream(images):
            paths = output_paths(names, out, image.name, image)
            counter = SummaryCounter(image, predictor.taxonomy)
            pictures = Pictures(image, predictor.taxonomy)
            try:
                with open_outputs(paths, image, predictor.taxonomy) as write:
                    for block in _usable(blocks):
                        write(block)
                        counter.add(block)
                        if gallery is not None:
                            pictures.add(block)
            except _UnusableError as error:
                failures.add(image.path, str(error))
                continue
            choices = predictor.scale_choices(image.size)
            factors = [choice.factor for choice in choices]
            warnings = image_warnings(image, max(factors), appearance)
            summary = counter.summary(format_scale(factors), warnings)
            notes.add(image.name, choices, warnings, json_summary(summary))
            if eight_bit and image.pixels.dtype != np.uint8:
                notes.rounded += 1
            if add_shares is not None:
                add_shares(summary.row())
            if gallery is not None:
                gallery.add(pictures.entry(summary))
            written.extend(paths.values())
    if shares:
        written.append(out / SHARES_TABLE)
    if gallery is not None and gallery.entries:
        written += write_gallery(
            out, list(gallery.entries.values()), predictor.taxonomy, models=model_names(out)
        )
        gallery.remove_part()
    if notes.images:
        keep_images(notes.images, out)
        write_styles(out, tuple(names), predictor.taxonomy)
    for line in notes.lines():
        log(line)
    skipped = len(inputs) - len(pending)
    return Predictions(out, tuple(written), len(notes.images), skipped, failures.count)


def format_scale(factors: Sequence[float]) -> str:
    """Return the scale factor of an image as text; several models may have different ones."""
    return " ".join(dict.fromkeys(f"{factor:.6g}" for factor in factors))


def _check_same_images(rows: Sequence[Sequence[str]], inputs: Sequence[Input], out: Path) -> None:
    """Check that no input would replace the predictions of another image of the same name.

    An image that was moved since is still the same.
    """
    paths = {row[0]: row[1] for row in rows}
    for each in inputs:
        earlier = paths.get(each.name)
        if earlier and earlier != str(each.path.absolute()) and Path(earlier).exists():
            raise AreosegError(
                f"{each.path}: {out} has predictions of another image of this name, {earlier}:"
                " choose another --out"
            )


class _Notes:
    """What there is to say about the images: assumed scales, warnings, entries for a file."""

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.rounded = 0
        self._scales: dict[tuple[float, str], list[str]] = {}
        self._warnings: dict[str, tuple[str, ...]] = {}

    def add(
        self,
        name: str,
        choices: Sequence[ScaleChoice],
        warnings: tuple[str, ...],
        entry: dict[str, Any],
    ) -> None:
        self.images[name] = entry
        for choice in dict.fromkeys(choices):
            if choice.assumed:
                self._scales.setdefault((choice.factor, choice.reason), []).append(name)
        if warnings:
            self._warnings[name] = warnings

    def lines(self) -> Iterator[str]:
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
        rows = earlier_rows(self._path, _ERRORS_HEADER)
        remove_table(self._path)
        self._tables = tables
        self._log = log
        self._add: AddRow | None = None
        for row in rows:
            if row[0] not in tried:
                self._row(row)

    def add(self, path: Path | None, reason: str) -> None:
        assert path is not None
        reason = reason.removeprefix(f"{path}: ")
        self._row([str(path.absolute()), reason])
        self._log(f"failed: {path}: {reason}")
        self.count += 1

    def _row(self, row: Sequence[str]) -> None:
        if self._add is None:
            self._add = self._tables.enter_context(table_rows(self._path, _ERRORS_HEADER))
        self._add(row)


def _readable(inputs: Iterable[Input], failures: _Failures) -> Iterator[InputImage]:
    """Read the images, and record those that cannot be read."""
    for each in inputs:
        try:
            image = each.read()
        except AreosegError as error:
            failures.add(each.path, str(error))
            continue
        except MemoryError:
            failures.add(each.path, "too large for the memory: split it into parts")
            continue
        yield image


def _usable(blocks: Iterable[RowBlock]) -> Iterator[RowBlock]:
    """Distinguish prediction errors, which concern one image, from write errors."""
    try:
        yield from blocks
    except AreosegError as error:
        raise _UnusableError(str(error)) from None


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
        return file.stat().st_mtime_ns >= since and _is_whole(file)
    except OSError:
        return False


_ENDS = {
    ".png": (8, b"IEND\xaeB`\x82"),
    ".npz": (22, b"PK\x05\x06"),
    ".geojson": (2, b"}\n"),
}
"""By suffix: how many bytes the last part of a file has, and how it starts."""


def _is_whole(file: Path) -> bool:
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
