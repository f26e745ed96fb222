"""Segment images one after another and write the output files of each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from areoseg.data.appearance import Appearance
from areoseg.errors import AreosegError
from areoseg.inference.gallery import Pictures
from areoseg.inference.image_warnings import image_warnings
from areoseg.inference.inputs import Input, read_images
from areoseg.inference.predictor import Predictor
from areoseg.inference.resampling import ScaleChoice
from areoseg.inference.summary import SummaryCounter, json_summary
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import GALLERY, OUTPUTS, open_outputs, output_paths


@dataclass(frozen=True)
class ImageOutputs:
    """What was written about one image, and what the tables say about it.

    Attributes:
        name: Name of the image.
        row: Its row in `shares.csv`.
        entry: Its entry in `prediction.json`.
        gallery: Its entry in the gallery; None without a gallery.
        choices: Its scale factor for each model.
        files: Its files, relative to the output folder.
        rounded: Whether a model rounded it to 8 bits.
    """

    name: str
    row: list[str]
    entry: dict[str, Any]
    gallery: dict[str, Any] | None
    choices: tuple[ScaleChoice, ...]
    files: tuple[str, ...]
    rounded: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values that `from_json` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ImageOutputs":
        """Return the outputs that `to_json` described."""
        choices = tuple(ScaleChoice(**choice) for choice in values["choices"])
        return cls(**{**values, "choices": choices, "files": tuple(values["files"])})


@dataclass(frozen=True)
class ImageFailure:
    """An image that could not be read or segmented.

    Attributes:
        path: Its file.
        reason: One line.
    """

    path: Path
    reason: str

    @property
    def row(self) -> list[str]:
        """The row of the image in `errors.csv`."""
        return [str(self.path.absolute()), self.reason]

    def __str__(self) -> str:
        return f"failed: {self.path}: {self.reason}"


class _UnusableError(Exception):
    """Raised when one image cannot be segmented; the others may be fine."""


def segment_to_files(
    predictor: Predictor,
    inputs: Iterable[Input],
    out: Path,
    *,
    outputs: Sequence[str],
    appearance: Appearance | None = None,
) -> Iterator[ImageOutputs | ImageFailure]:
    """Segment images and write the files of each, `out/OUTPUT/NAME.SUFFIX`, but no table.

    Args:
        predictor: The predictor.
        inputs: The images, which are read when it is their turn.
        out: The folder to write to.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        appearance: Description of the training images, to warn about images unlike them; or None.

    Yields:
        The outputs of each image that was segmented, in order, and the failures of the others.

    Raises:
        AreosegError: A file cannot be written.
    """
    names = [name for name in OUTPUTS if name in outputs]
    eight_bit = any(getattr(engine, "eight_bit", False) for engine in predictor.engines)
    failures: list[ImageFailure] = []

    def failed(image: Input, reason: str) -> None:
        failures.append(_failure(image.path, reason))

    for image, blocks in predictor.stream(read_images(inputs, failed)):
        yield from _taken(failures)
        paths = output_paths(names, out, image.name, image)
        counter = SummaryCounter(image, predictor.taxonomy)
        pictures = Pictures(image, predictor.taxonomy) if GALLERY in outputs else None
        try:
            with open_outputs(paths, image, predictor.taxonomy) as write:
                for block in _usable(blocks):
                    write(block)
                    counter.add(block)
                    if pictures is not None:
                        pictures.add(block)
        except _UnusableError as error:
            yield _failure(image.path, str(error))
            continue
        choices = predictor.scale_choices(image.size)
        factors = [choice.factor for choice in choices]
        warnings = image_warnings(image, max(factors), appearance)
        summary = counter.summary(format_scale(factors), warnings)
        yield ImageOutputs(
            name=image.name,
            row=summary.row(),
            entry=json_summary(summary),
            gallery=None if pictures is None else pictures.entry(summary),
            choices=tuple(choices),
            files=tuple(path.relative_to(out).as_posix() for path in paths.values()),
            rounded=eight_bit and image.pixels.dtype != np.uint8,
        )
    yield from _taken(failures)


def format_scale(factors: Sequence[float]) -> str:
    """Return the scale factor of an image as text; several models may have different ones."""
    return " ".join(dict.fromkeys(f"{factor:.6g}" for factor in factors))


def _taken(failures: list[ImageFailure]) -> Iterator[ImageFailure]:
    while failures:
        yield failures.pop(0)


def _failure(path: Path | None, reason: str) -> ImageFailure:
    assert path is not None
    return ImageFailure(path, reason.removeprefix(f"{path}: "))


def _usable(blocks: Iterable[RowBlock]) -> Iterator[RowBlock]:
    """Distinguish prediction errors, which concern one image, from write errors."""
    try:
        yield from blocks
    except AreosegError as error:
        raise _UnusableError(str(error)) from None
