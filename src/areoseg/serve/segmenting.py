"""Segment one uploaded image with the predictor, and make what a request asks for."""

import base64
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np

from areoseg.data.readers.rover_image import RoverImage, read_rover_image
from areoseg.errors import AreosegError
from areoseg.inference.image_outputs import format_scale
from areoseg.inference.image_warnings import image_warnings
from areoseg.inference.inputs import InputImage
from areoseg.inference.predictor import Predictor
from areoseg.inference.summary import SummaryCounter
from areoseg.inference.writers import OUTPUTS, open_outputs
from areoseg.inference.writers.images import png_rows
from areoseg.inference.writers.styles import hex_color
from areoseg.serve.schemas import Bundle, Segmentation
from areoseg.utils.images import as_uint8

MAX_NAME = 120
"""Maximum length of a file name that is kept."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Answer:
    """A kind of answer to a request with one image.

    Attributes:
        media_type: Its media type.
        files: The names in `OUTPUTS` of the files that it needs.
        suffix: Suffix of the file that it is sent as; None for JSON.
    """

    media_type: str
    files: tuple[str, ...] = ()
    suffix: str | None = None


ANSWERS = {
    "json": Answer("application/json"),
    "mask": Answer("image/png", ("masks",), "-mask.png"),
    "overlay": Answer("image/png", ("overlays",), "-overlay.png"),
    "confidence": Answer("image/png", ("confidence",), "-confidence.png"),
    "probabilities": Answer("application/x-npz", ("probabilities",), "-probabilities.npz"),
    "geojson": Answer("application/geo+json", ("polygons",), ".geojson"),
    "bundle": Answer("application/json", ("masks", "confidence")),
}
"""The answers by the value of `output`. The first of a media type is chosen by `Accept`."""


@dataclass(frozen=True)
class Segmented:
    """A segmented image.

    Attributes:
        image: The image.
        predictor: The predictor.
        counter: Has counted its pixels.
        files: Content of the files by names in `OUTPUTS`.
    """

    image: InputImage
    predictor: Predictor
    counter: SummaryCounter
    files: Mapping[str, bytes]


def safe_name(name: str | None) -> str:
    """Return the last part of the file name of an upload, without characters of paths or control.

    Examples:
        >>> safe_name("../../etc/passwd")
        'passwd'
        >>> safe_name("")
        'image'
    """
    last = PurePosixPath((name or "").replace("\\", "/")).name
    kept = re.sub(r"[\x00-\x1f\x7f<>:\"|?*]", "_", last.encode("utf-8", "replace").decode())
    kept = kept.strip(" .")
    stem, suffix = PurePosixPath(kept).stem, PurePosixPath(kept).suffix[:16]
    while len(f"{stem}{suffix}".encode()) > MAX_NAME:
        stem = stem[:-1]
    return f"{stem}{suffix}" or "image"


def save_upload(file: BinaryIO, path: Path) -> None:
    """Copy an upload to a file."""
    with path.open("wb") as target:
        while chunk := file.read(_CHUNK):
            target.write(chunk)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return the names, with a number before the suffix of those that were there already.

    Examples:
        >>> unique_names(["a.png", "a.png", "b.png"])
        ['a.png', 'a_2.png', 'b.png']
    """
    unique: dict[str, str] = {}  # by lower case, since file systems may not distinguish it
    for name in names:
        path, number, free = PurePosixPath(name), 1, name
        while free.lower() in unique:
            number += 1
            free = f"{path.stem}_{number}{path.suffix}"
        unique[free.lower()] = free
    return list(unique.values())


def read_upload(file: BinaryIO, filename: str | None) -> InputImage:
    """Read an uploaded image with the readers of `areoseg predict`.

    Args:
        file: The content.
        filename: The name that the client gave, which tells the format and the metadata.

    Raises:
        TooLargeError: The image has more pixels than `pixel_limit` allows.
        AreosegError: It cannot be read.
    """
    name = safe_name(filename)
    file.seek(0)
    with TemporaryDirectory(prefix="areoseg-") as folder:
        path = Path(folder) / name
        save_upload(file, path)
        image = read_without_folder(path)
    return InputImage(
        image.pixels,
        image.valid,
        image.metadata,
        image.georeference,
        image.warnings,
        name=path.stem,
    )


def read_without_folder(path: Path) -> RoverImage:
    """Read an image; messages do not name its folder.

    Raises:
        AreosegError: It cannot be read.
    """
    with without_folder(path.parent):
        return read_rover_image(path)


@contextmanager
def without_folder(folder: Path) -> Iterator[None]:
    """Leave a folder of the server out of the error messages of a block."""
    try:
        yield
    except AreosegError as error:
        raise type(error)(str(error).replace(f"{folder}/", "")) from None


def segment(predictor: Predictor, image: InputImage, outputs: Sequence[str]) -> Segmented:
    """Segment an image and write the outputs that are asked for.

    Pictures are PNG and probabilities npz also for georeferenced images; only polygons are in map
    coordinates.

    Args:
        predictor: The predictor.
        image: The image.
        outputs: Names in `OUTPUTS`.
    """
    flat = replace(image, georeference=None)
    counter = SummaryCounter(image, predictor.taxonomy)
    with TemporaryDirectory(prefix="areoseg-") as folder:
        paths = {name: Path(folder) / name for name in outputs}
        flat_paths = {name: path for name, path in paths.items() if not OUTPUTS[name].planetary}
        map_paths = {name: path for name, path in paths.items() if OUTPUTS[name].planetary}
        with (
            open_outputs(flat_paths, flat, predictor.taxonomy) as write_flat,
            open_outputs(map_paths, image, predictor.taxonomy) as write_map,
        ):
            for _, blocks in predictor.stream([image]):
                for block in blocks:
                    counter.add(block)
                    write_flat(block)
                    write_map(block)
        files = {name: path.read_bytes() for name, path in paths.items()}
    return Segmented(image, predictor, counter, files)


def numbers(result: Segmented, *, model: str, started: float) -> dict[str, Any]:
    """Return the values of `Segmentation`.

    Args:
        result: The segmented image.
        model: The name of the model.
        started: Time of `time.perf_counter` at the end of the upload.
    """
    image, predictor = result.image, result.predictor
    taxonomy, metadata = predictor.taxonomy, image.metadata
    factors = [choice.factor for choice in predictor.scale_choices(image.size)]
    warnings = image_warnings(image, max(factors), predictor.appearance)
    summary = result.counter.summary(format_scale(factors), warnings)
    height, width = image.size
    return {
        "name": image.name,
        "model": model,
        "width": width,
        "height": height,
        "names": list(taxonomy.names),
        "colors": [hex_color(color) for color in taxonomy.colors],
        "background_index": taxonomy.background,
        "shares": {
            taxonomy.names[index]: _rounded(share)
            for index, share in zip(taxonomy.terrain, summary.shares, strict=True)
        },
        "ground": summary.ground,
        "background": summary.background,
        "nodata": summary.nodata,
        "mean_confidence": _rounded(summary.confidence),
        "scale": max(factors),
        "warnings": list(warnings),
        "mission": metadata.mission,
        "camera": metadata.camera,
        "sol": metadata.sol,
        "site": metadata.site,
        "drive": metadata.drive,
        "time": metadata.time,
        "seconds": round(time.perf_counter() - started, 4),
    }


def as_json(result: Segmented, *, model: str, started: float) -> Segmentation:
    """Return the answer `json`."""
    return Segmentation(**numbers(result, model=model, started=started))


def as_bundle(result: Segmented, *, model: str, started: float) -> Bundle:
    """Return the answer `bundle`."""
    pictures = {
        "image": _display(result.image),
        "mask": result.files["masks"],
        "confidence": result.files["confidence"],
    }
    encoded = {name: base64.b64encode(data).decode() for name, data in pictures.items()}
    return Bundle(**numbers(result, model=model, started=started), **encoded)


def _display(image: RoverImage) -> bytes:
    """Return the gray image as a PNG file of 8 bits."""
    with TemporaryDirectory(prefix="areoseg-") as folder:
        path = Path(folder) / "image.png"
        with png_rows(path, image.size, smooth=True) as write:
            write(as_uint8(image.pixels))
        return path.read_bytes()


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 6)
