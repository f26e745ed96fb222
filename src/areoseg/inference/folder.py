"""Write the predictions of many images to a folder: outputs, shares, failures and settings."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg import __version__, weights
from areoseg.data.missions.metadata import FIELDS
from areoseg.errors import AreosegError, plural
from areoseg.inference.inputs import Input, InputImage
from areoseg.inference.predictor import Predictor
from areoseg.inference.resampling import ScaleChoice
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import DEFAULT_OUTPUTS, OUTPUTS, SHARES, open_outputs, output_paths
from areoseg.inference.writers.tables import AddRow, earlier_rows, remove_table, table_rows
from areoseg.runs.run import WEIGHTS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import read_json, write_json

SHARES_TABLE = "shares.csv"
ERRORS_TABLE = "errors.csv"
SETTINGS = "prediction.json"
"""The file that records the models and options of the outputs beside it."""

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
    resume: bool = False,
    log: Log = lambda line: None,
    track: Callable[[Sequence[Input]], Iterable[Input]] = lambda inputs: inputs,
) -> Predictions:
    """Segment images one at a time and write the outputs of each.

    Each output has its own folder: `out/masks/NAME.png`. `out/shares.csv` has the class shares and
    metadata of each image, `out/errors.csv` the images that failed and the reasons.

    Args:
        predictor: The predictor.
        inputs: The images.
        out: The folder to write to.
        outputs: Names in `OUTPUTS`, and `shares`.
        resume: Whether to skip images whose outputs are all newer than the settings of the folder,
            and to keep their rows of the table.
        log: Called with one line per failed image, and finally with one per
            scale factor and reason.
        track: Wraps the iterable of images to show progress.

    Raises:
        AreosegError: The folder cannot be written.
    """
    names = [name for name in OUTPUTS if name in outputs]
    shares = SHARES in outputs
    header = shares_header(predictor.taxonomy)
    if not resume:
        remove_table(out / SHARES_TABLE)  # it belongs to earlier predictions
    rows = earlier_rows(out / SHARES_TABLE, header) if shares else []
    listed = {row[0] for row in rows}
    pending = [
        each
        for each in inputs
        if not (resume and _is_done(out, names, each.name) and (not shares or each.name in listed))
    ]
    written: list[Path] = []
    scales = _Scales()
    done = 0
    with ExitStack() as tables:
        add_shares: AddRow | None = None
        if shares:
            add_shares = tables.enter_context(table_rows(out / SHARES_TABLE, header))
            pending_names = {each.name for each in pending}
            for row in rows:
                if row[0] not in pending_names:
                    add_shares(row)
        failures = _Failures(out, tables, log)
        images = _readable(track(pending), failures)
        for image, blocks in predictor.stream(images):
            paths = output_paths(names, out, image.name, image)
            pixels = np.zeros(len(predictor.taxonomy), np.int64)
            try:
                with open_outputs(paths, image, predictor.taxonomy) as write:
                    for block in _usable(blocks):
                        write(block)
                        pixels += np.bincount(block.mask.ravel(), minlength=len(pixels))
            except _UnusableError as error:
                failures.add(str(image.path), str(error))
                continue
            choices = predictor.scale_choices(image.size)
            scales.add(image.name, choices)
            if add_shares is not None:
                add_shares(shares_row(image, pixels, [choice.factor for choice in choices]))
            written.extend(paths.values())
            done += 1
    if shares:
        written.append(out / SHARES_TABLE)
    for line in scales.lines():
        log(line)
    return Predictions(out, tuple(written), done, len(inputs) - len(pending), failures.count)


def shares_header(taxonomy: Taxonomy) -> list[str]:
    """Return the columns of `shares.csv`."""
    return ["image", *taxonomy.names, "nodata", "scale", "height", "width", *FIELDS]


def shares_row(image: InputImage, pixels: NDArray[np.int64], factors: Sequence[float]) -> list[str]:
    """Return the row of an image in `shares.csv`.

    Args:
        image: The image.
        pixels: (C,) number of pixels of each class; those without data are background.
        factors: Scale factor of each model.
    """
    total = int(pixels.sum())
    nodata = 0 if image.valid is None else total - int(image.valid.sum())
    shares = [f"{count / total:.6f}" for count in (*pixels, nodata)]
    metadata = ["" if value is None else str(value) for value in astuple(image.metadata)]
    return [image.name, *shares, format_scale(factors), *map(str, image.size), *metadata]


def format_scale(factors: Sequence[float]) -> str:
    """Return the scale factor of an image as text; several models may have different ones."""
    return " ".join(dict.fromkeys(f"{factor:.6g}" for factor in factors))


class _Scales:
    """The images by scale factor and its reason, if the factor was assumed."""

    def __init__(self) -> None:
        self._names: dict[tuple[float, str], list[str]] = {}

    def add(self, name: str, choices: Sequence[ScaleChoice]) -> None:
        for choice in dict.fromkeys(choices):
            if choice.assumed:
                self._names.setdefault((choice.factor, choice.reason), []).append(name)

    def lines(self) -> Iterator[str]:
        for (factor, reason), names in self._names.items():
            listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
            yield (
                f"scale {factor:g} for {plural(len(names), 'image')}, {reason}; --camera or --scale"
                f" changes it: {listed}"
            )


class _Failures:
    """The table of failed images, which is created with the first failure."""

    def __init__(self, out: Path, tables: ExitStack, log: Log) -> None:
        self.count = 0
        self._path = out / ERRORS_TABLE
        remove_table(self._path)
        self._tables = tables
        self._log = log
        self._add: AddRow | None = None

    def add(self, path: str, reason: str) -> None:
        if self._add is None:
            self._add = self._tables.enter_context(table_rows(self._path, ["image", "reason"]))
        reason = reason.removeprefix(f"{path}: ")
        self._add([path, reason])
        self._log(f"failed: {path}: {reason}")
        self.count += 1


def _readable(inputs: Iterable[Input], failures: _Failures) -> Iterator[InputImage]:
    """Read the images, and record those that cannot be read."""
    for each in inputs:
        try:
            image = each.read()
        except AreosegError as error:
            failures.add(str(each.path), str(error))
            continue
        except MemoryError:
            failures.add(str(each.path), "too large for the memory: split it into parts")
            continue
        yield image


def _usable(blocks: Iterable[RowBlock]) -> Iterator[RowBlock]:
    """Distinguish prediction errors, which concern one image, from write errors."""
    try:
        yield from blocks
    except AreosegError as error:
        raise _UnusableError(str(error)) from None


def _is_done(out: Path, outputs: Sequence[str], name: str) -> bool:
    """Return whether all outputs of an image are there and no older than the settings."""
    return all(
        any(
            _made_since(out, out / output / f"{name}{suffix}")
            for suffix in OUTPUTS[output].suffixes
        )
        for output in outputs
    )


def _made_since(out: Path, file: Path) -> bool:
    try:
        return file.stat().st_mtime_ns >= (out / SETTINGS).stat().st_mtime_ns
    except OSError:
        return False


def describe(models: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of predictions: models with the hashes of their weights, and options.

    Args:
        models: Run folders, names of bundled models, or exported files.
        options: The options that affect predictions, as JSON values.
    """
    paths = [(str(model), weights.located(model)) for model in models]
    return {
        "areoseg": __version__,
        "models": [{"path": name, "sha256": _weights_hash(path)} for name, path in paths],
        "options": dict(options),
    }


def keep_settings(settings: Mapping[str, Any], out: Path, *, resume: bool) -> None:
    """Write the settings into the folder or, to resume, check that they are unchanged.

    This prevents `resume` from mixing predictions of different models or options.

    Raises:
        AreosegError: The folder has other settings, or cannot be written.
    """
    path = out / SETTINGS
    if not (resume and path.is_file()):
        write_json(path, settings)
        return
    earlier = read_json(path)
    for key in ("models", "options"):
        if _comparable(earlier, key) != _comparable(settings, key):
            raise AreosegError(
                f"{path}: the outputs were created with other {key}: choose another --out, or omit"
                " --resume to predict all images again"
            )


def _comparable(settings: Any, key: str) -> Any:
    """Return one setting; models are compared by weights only, since a run may have been moved."""
    value = settings.get(key) if isinstance(settings, dict) else None
    if key == "models" and isinstance(value, list):
        return [model.get("sha256") for model in value if isinstance(model, dict)]
    return value


def _weights_hash(path: Path) -> str:
    """Return the hash of a run's weights, or of an exported file and the weights beside it."""
    files = [path / WEIGHTS] if path.is_dir() else [path, path.with_suffix(".bin")]
    digest = hashlib.sha256()
    for file in dict.fromkeys(files):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
