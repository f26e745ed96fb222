"""Predictions as files: the outputs of each image, and tables of shares and of failures."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import FIELDS
from areoseg.data.readers.rover_image import RoverImage
from areoseg.errors import AreosegError
from areoseg.inference.inputs import Input
from areoseg.inference.predictor import BATCH_PIXELS
from areoseg.inference.predictor import Predictor
from areoseg.inference.settings import made_since
from areoseg.inference.writers import DEFAULT_OUTPUTS
from areoseg.inference.writers import OUTPUTS
from areoseg.inference.writers import SHARES
from areoseg.inference.writers import Rows
from areoseg.inference.writers import Write
from areoseg.inference.writers import open_outputs
from areoseg.inference.writers.tables import AddRow
from areoseg.inference.writers.tables import earlier_rows
from areoseg.inference.writers.tables import remove_table
from areoseg.inference.writers.tables import table_rows
from areoseg.taxonomy import Taxonomy

SHARES_TABLE = "shares.csv"
ERRORS_TABLE = "errors.csv"

SMALL = 256 * 256
"""Images of at most this many pixels are predicted many at a time."""

Tell = Callable[[str], None]
"""Shows a line to the user."""


@dataclass(frozen=True)
class Predicted:
    """What became of the images.

    Attributes:
        done: Images whose outputs were written.
        skipped: Images whose outputs were there already.
        failed: Images that could not be read or segmented; `errors.csv` lists them.
    """

    done: int
    skipped: int
    failed: int


class _UnusableError(Exception):
    """An image that cannot be used, whereas the others can."""


def predict_to_folder(
    predictor: Predictor,
    inputs: Sequence[Input],
    out: Path,
    *,
    write: Sequence[str] = DEFAULT_OUTPUTS,
    resume: bool = False,
    tell: Tell = lambda line: None,
    track: Callable[[Sequence[Input]], Iterable[Input]] = lambda inputs: inputs,
) -> Predicted:
    """Segment images one after the other and write what was found.

    Each output has its folder, such as `out/masks/NAME.png`. `out/shares.csv` has the share of
    each class and the metadata of each image, `out/errors.csv` the images that failed and why.

    Args:
        predictor: What segments them.
        inputs: The images.
        out: The folder to write to.
        write: Names of outputs in `OUTPUTS`, and `shares`.
        resume: Whether to skip images whose outputs are all there, made since the settings of
            the folder were written, and to keep their rows of the table.
        tell: Given a line for each image that fails, and one for each reason of a scale.
        track: Given the images to do, yields them, and may show the progress.

    Raises:
        AreosegError: The folder cannot be written.
    """
    outputs = [name for name in OUTPUTS if name in write]
    header = shares_header(predictor.taxonomy)
    if not resume:
        remove_table(out / SHARES_TABLE)  # it would belong to other predictions
    rows = earlier_rows(out / SHARES_TABLE, header) if SHARES in write else []
    todo = _to_do(inputs, out, outputs, rows if SHARES in write else None) if resume else inputs
    done = 0
    with ExitStack() as tables:
        add_shares: AddRow | None = None
        if SHARES in write:
            add_shares = tables.enter_context(table_rows(out / SHARES_TABLE, header))
            anew = {each.name for each in todo}
            for row in rows:
                if row[0] not in anew:
                    add_shares(row)
        failures = _Failures(out, tables, tell)
        whole = any(OUTPUTS[name].from_probabilities for name in outputs)
        for each, image, parts in _found(predictor, track(todo), whole, failures, tell):
            try:
                with open_outputs(outputs, out, each.name, image, predictor.taxonomy) as add:
                    pixels = _write_rows(parts, add, len(predictor.taxonomy))
            except _UnusableError as error:
                failures.add(each, str(error))
                continue
            if add_shares is not None:
                add_shares(shares_row(each.name, image, pixels))
            done += 1
    return Predicted(done, len(inputs) - len(todo), failures.count)


def _to_do(
    inputs: Sequence[Input], out: Path, outputs: Sequence[str], rows: list[list[str]] | None
) -> list[Input]:
    """The images that lack an output, or a row in the table where one is kept."""
    counted = None if rows is None else {row[0] for row in rows}
    return [
        each
        for each in inputs
        if not _is_done(out, outputs, each.name)
        or (counted is not None and each.name not in counted)
    ]


def _write_rows(parts: Iterable[Rows], write: Write, classes: int) -> NDArray[np.int64]:
    """Write an image from top to bottom; how many pixels each class has."""
    pixels = np.zeros(classes, np.int64)
    for part in parts:
        write(part)
        pixels += np.bincount(part.mask.ravel(), minlength=classes)
    return pixels


def shares_header(taxonomy: Taxonomy) -> list[str]:
    """The columns of `shares.csv`."""
    return ["image", *taxonomy.names, "nodata", "height", "width", *FIELDS]


def shares_row(name: str, image: RoverImage, pixels: NDArray[np.int64]) -> list[str]:
    """A row of `shares.csv`.

    Args:
        name: The image's name among the outputs.
        image: The image.
        pixels: How many pixels each class has; those without data are background.
    """
    total = int(pixels.sum())
    hidden = 0 if image.valid is None else total - int(image.valid.sum())
    shares = [f"{count / total:.6f}" for count in (*pixels, hidden)]
    info = ["" if fact is None else str(fact) for fact in astuple(image.metadata)]
    return [name, *shares, *map(str, image.size), *info]


class _Failures:
    """The table of images that failed, which exists only where one did."""

    def __init__(self, out: Path, tables: ExitStack, tell: Tell) -> None:
        self.count = 0
        self._path = out / ERRORS_TABLE
        remove_table(self._path)
        self._tables = tables
        self._tell = tell
        self._add: AddRow | None = None

    def add(self, failed: Input, reason: str) -> None:
        if self._add is None:
            self._add = self._tables.enter_context(table_rows(self._path, ["image", "reason"]))
        reason = reason.removeprefix(f"{failed.source}: ")
        self._add([failed.source, reason])
        self._tell(f"failed: {failed.source}: {reason}")
        self.count += 1


def _is_done(out: Path, outputs: Sequence[str], name: str) -> bool:
    """Whether all outputs of an image are there and of this way of predicting."""
    return all(
        any(
            made_since(out, out / output / f"{name}{suffix}") for suffix in OUTPUTS[output].suffixes
        )
        for output in outputs
    )


_Found = Iterator[tuple[Input, RoverImage, Iterable[Rows]]]


def _found(
    predictor: Predictor, inputs: Iterable[Input], whole: bool, failures: _Failures, tell: Tell
) -> _Found:
    """Each image that can be read, and the rows of its prediction.

    Args:
        predictor: What predicts.
        inputs: The images.
        whole: Whether probabilities are wanted, and not masks alone.
        failures: Where images go that cannot be read.
        tell: Given a line for each reason of a scale.
    """
    batch: list[tuple[Input, RoverImage]] = []
    told: set[str] = set()
    for each in inputs:
        try:
            image = _read(each)
        except _UnusableError as error:
            failures.add(each, str(error))
            continue
        _tell_scale(predictor, each, image, told, tell)
        small = not whole and image.valid is None and image.pixels.size <= SMALL
        full = len(batch) * image.pixels.size >= predictor.batch_size * BATCH_PIXELS
        if batch and (not small or full or image.size != batch[0][1].size):
            yield from _together(predictor, batch)
            batch = []
        if small:
            batch.append((each, image))
        else:
            yield each, image, _in_row_blocks(predictor, each, image)
    if batch:
        yield from _together(predictor, batch)


def _read(each: Input) -> RoverImage:
    try:
        return each.read()
    except AreosegError as error:
        raise _UnusableError(str(error)) from None
    except MemoryError:
        raise _UnusableError("too large for the memory: cut it into parts") from None


def _tell_scale(
    predictor: Predictor, each: Input, image: RoverImage, told: set[str], tell: Tell
) -> None:
    """Say once why an image is scaled as it is, where the predictor chooses by itself."""
    if predictor.scale != "auto":
        return
    for choice in predictor.scale_choices(image.size, each.file_name):
        if choice.reason not in told:
            told.add(choice.reason)
            tell(f"scale {choice.factor:g}: {choice.reason}")


def _together(predictor: Predictor, batch: Sequence[tuple[Input, RoverImage]]) -> _Found:
    """Images of one size, predicted at once."""
    images = [image.pixels for _, image in batch]
    names = [each.file_name for each, _ in batch]
    try:
        masks = [found.mask for found in predictor.segmentations(images, names)]
    except AreosegError:  # which of them it was shows one by one
        for each, image in batch:
            yield each, image, _in_row_blocks(predictor, each, image)
        return
    for (each, image), mask in zip(batch, masks, strict=True):
        yield each, image, [Rows(top=0, pixels=image.pixels, mask=mask)]


def _in_row_blocks(predictor: Predictor, each: Input, image: RoverImage) -> Iterator[Rows]:
    """An image of any size from top to bottom."""
    try:
        for row_block in predictor.row_blocks(image.pixels, image.valid, name=each.file_name):
            rows = slice(row_block.top, row_block.top + row_block.probabilities.shape[1])
            yield Rows(
                top=row_block.top,
                pixels=image.pixels[rows],
                mask=row_block.probabilities.argmax(axis=0).astype(np.uint8),
                valid=None if image.valid is None else image.valid[rows],
                probabilities=row_block.probabilities,
            )
    except AreosegError as error:
        raise _UnusableError(str(error)) from None
