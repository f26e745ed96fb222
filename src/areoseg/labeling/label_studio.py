"""Label Studio: brush and polygon labels in its JSON format.

Brushes are run-length encoded as by `@thi.ng/rle-pack`, on four channels per pixel of which the
last, alpha, is the label.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from areoseg.errors import AreosegError
from areoseg.labeling.classes import class_of
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.files import read_json, write_text
from areoseg.utils.images import Mask

ADDRESS = "/data/local-files/?d="
"""Start of the addresses of images in Label Studio's local storage."""

_CONTROL, _IMAGE = "label", "image"  # names in the labeling configuration

_UPLOAD = re.compile(r"^[0-9a-f]{8}-")
"""Label Studio puts this before the names of uploaded files."""

_CHANNELS = 4
_WORD = 8
_SIZES = (3, 4, 8, 16)
"""Bits of the lengths of runs."""


def write(path: Path, masks: Mapping[str, Callable[[], Mask]], taxonomy: Taxonomy) -> None:
    """Write tasks with one brush per class as pre-annotations.

    Args:
        path: The JSON file.
        masks: Masks (H, W) by image name; `VOID` has no label.
        taxonomy: The classes.
    """
    tasks = []
    for name, read_one in masks.items():
        mask = read_one()
        brushes = [
            _brush(mask == index, taxonomy.names[index])
            for index in np.unique(mask).tolist()
            if index != VOID
        ]
        prediction = {"model_version": "areoseg", "result": brushes}
        tasks.append({"data": {_IMAGE: f"{ADDRESS}{name}.png"}, "predictions": [prediction]})
    write_text(path, json.dumps(tasks) + "\n")


def read(path: Path, taxonomy: Taxonomy) -> Iterator[tuple[str, Mask]]:
    """Yield the name and the mask of each task with an annotation; of several, the last.

    Args:
        path: The JSON file that Label Studio exported.
        taxonomy: The classes.

    Raises:
        AreosegError: The file is no export of Label Studio, or a label is no class.
    """
    tasks = read_json(path)
    try:
        for task in tasks:
            kept = [each for each in task["annotations"] if not each.get("was_cancelled")]
            if kept:
                yield _image_name(task), _mask(kept[-1]["result"], taxonomy, str(path))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise AreosegError(
            f"{path}: not a JSON export of Label Studio ({error!r}): export as JSON, not JSON-MIN"
        ) from None


def decode_rle(encoded: bytes) -> NDArray[np.uint8]:
    """Return the values of a brush.

    Raises:
        ValueError: It is truncated.
    """
    bits = np.unpackbits(np.frombuffer(encoded, np.uint8)).astype(np.uint8) + ord("0")
    text = bits.tobytes().decode()
    place = 0

    def number(size: int) -> int:
        nonlocal place
        place += size
        return int(text[place - size : place], 2)

    values = np.zeros(number(32), np.uint8)
    word = number(5) + 1
    sizes = [number(4) + 1 for _ in _SIZES]
    start = 0
    while start < len(values):
        is_run = number(1)
        stop = start + 1 + number(sizes[number(2)])
        if is_run:
            values[start:stop] = number(word)
        else:
            for index in range(start, min(stop, len(values))):
                values[index] = number(word)
        start = stop
    return values


def encode_rle(values: NDArray[np.uint8]) -> bytes:
    """Return values as a brush: runs only, each in as few bits as it needs."""
    header = f"{len(values):032b}{_WORD - 1:05b}" + "".join(f"{size - 1:04b}" for size in _SIZES)
    parts = [header]
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    for start, stop in pairwise(edges):
        value = int(values[start])
        for length in _lengths(stop - start):
            index = next(i for i, size in enumerate(_SIZES) if length <= 1 << size)
            parts.append(f"1{index:02b}{length - 1:0{_SIZES[index]}b}{value:08b}")
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def _lengths(length: int) -> Iterator[int]:
    longest = 1 << _SIZES[-1]
    while length > 0:
        yield min(length, longest)
        length -= longest


def _brush(inside: NDArray[np.bool_], label: str) -> dict[str, Any]:
    height, width = inside.shape
    values = np.repeat(np.where(inside, np.uint8(255), np.uint8(0)).ravel(), _CHANNELS)
    return {
        "id": f"areoseg-{label.replace(' ', '-')}",
        "type": "brushlabels",
        "from_name": _CONTROL,
        "to_name": _IMAGE,
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "value": {"format": "rle", "rle": list(encode_rle(values)), "brushlabels": [label]},
    }


def _mask(results: list[dict[str, Any]], taxonomy: Taxonomy, where: str) -> Mask:
    """Draw the regions of an annotation in their order; pixels without one are `VOID`."""
    drawn: Mask | None = None
    for result in results:
        kind = result.get("type")
        if kind not in ("brushlabels", "polygonlabels"):
            continue  # choices, ratings and the like
        if result.get("image_rotation"):
            raise AreosegError(f"{where}: a rotated image: export it without rotation")
        width, height = result["original_width"], result["original_height"]
        value = result["value"]
        index = class_of(value[kind][0], taxonomy, where)
        if drawn is None:
            drawn = np.full((height, width), VOID, np.uint8)
        if kind == "brushlabels":
            channels = decode_rle(bytes(value["rle"])).reshape(height, width, _CHANNELS)
            drawn[channels[..., 3] > 0] = index
        else:
            drawn[_polygon(value["points"], width, height)] = index
    if drawn is None:
        raise AreosegError(f"{where}: an annotation without brush or polygon labels: label it")
    return drawn


def _polygon(points: list[list[float]], width: int, height: int) -> NDArray[np.bool_]:
    """Return the pixels of a polygon, whose coordinates are percentages of the image."""
    picture = Image.new("1", (width, height))
    corners = [(x * width / 100, y * height / 100) for x, y in points]
    ImageDraw.Draw(picture).polygon(corners, fill=1, outline=1)
    return np.asarray(picture)


def _image_name(task: dict[str, Any]) -> str:
    """Return the name of the image of a task without suffix."""
    address = next(value for value in task["data"].values() if isinstance(value, str))
    file = PurePosixPath(unquote(address.rpartition("?d=")[2])).name
    return PurePosixPath(_UPLOAD.sub("", file)).stem
