"""Pictures of predictions for the gallery, collected while images are segmented."""

import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from areoseg.inference.inputs import InputImage
from areoseg.inference.summary import ImageSummary
from areoseg.inference.tiling import RowBlock
from areoseg.report.gallery import PAGE, Entry, read_gallery
from areoseg.report.pictures import data_uri
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import writing
from areoseg.utils.images import OUTLINE_COLOR, as_uint8, outline

MAX_SIDE = 320
"""Longest side of a picture in pixels."""

CONFIDENCE_SIDE = 160

_QUALITY = 78
_PART = f".{PAGE}.part"


class Pictures:
    """Reduces the rows of a prediction to pictures, without holding them.

    Args:
        image: The image.
        taxonomy: The classes.
    """

    def __init__(self, image: InputImage, taxonomy: Taxonomy) -> None:
        self._image = image
        self._taxonomy = taxonomy
        self._mask = _Reduced(image.size, MAX_SIDE)
        self._confidence = _Reduced(image.size, CONFIDENCE_SIDE)

    def add(self, block: RowBlock) -> None:
        """Take the pixels of the next rows that the pictures show."""
        self._mask.add(block.top, block.mask)
        self._confidence.add(block.top, np.rint(block.confidence * 255).astype(np.uint8))

    def entry(self, summary: ImageSummary) -> dict[str, Any]:
        """Return the image as JSON values for the gallery."""
        height, width = self._mask.pixels.shape
        pixels = as_uint8(self._image.pixels)
        picture = PIL.Image.fromarray(pixels)
        if picture.size != (width, height):
            picture = picture.resize((width, height), PIL.Image.Resampling.BOX)
        metadata = self._image.metadata
        values = {
            "name": self._image.name,
            "file": None if self._image.path is None else self._image.path.name,
            "size": list(self._image.size),
            "scale": summary.factors,
            "warnings": list(summary.warnings),
            "ground": _rounded(summary.ground),
            "background": _rounded(summary.background),
            "nodata": _rounded(summary.nodata),
            "shares": [_rounded(share) for share in summary.shares],
            "low": [_rounded(share) for share in summary.low],
            "high": [_rounded(share) for share in summary.high],
            "confidence": _rounded(summary.confidence),
            "sol": metadata.sol,
            "site": metadata.site,
            "drive": metadata.drive,
            "mission": metadata.mission,
            "camera": metadata.camera,
            "time": metadata.time,
        }
        pictures = {
            "image": _jpeg(picture),
            "mask": self._mask_picture(),
            "certainty": _jpeg(PIL.Image.fromarray(self._confidence.pixels)),
        }
        return values | pictures

    def _mask_picture(self) -> str:
        """Return the mask as a PNG with a palette, whose last color is that of the outlines."""
        drawn = self._mask.pixels.copy()
        for index in self._taxonomy.outlined:
            drawn[outline(self._mask.pixels == index)] = len(self._taxonomy)
        picture = PIL.Image.fromarray(drawn).convert("P")
        colors = (*self._taxonomy.colors, OUTLINE_COLOR)
        picture.putpalette([level for color in colors for level in color])
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        return data_uri(buffer.getvalue(), "image/png")


class _Reduced:
    """A reduced picture of a map whose rows come in blocks: the pixels nearest to its own."""

    def __init__(self, size: tuple[int, int], longest: int) -> None:
        factor = min(1.0, longest / max(size))
        height, width = (max(1, round(factor * side)) for side in size)
        self._rows, self._columns = (
            (2 * np.arange(count) + 1) * side // (2 * count)
            for count, side in zip((height, width), size, strict=True)
        )
        self.pixels: NDArray[np.uint8] = np.zeros((height, width), np.uint8)

    def add(self, top: int, values: NDArray[np.uint8]) -> None:
        first, last = np.searchsorted(self._rows, (top, top + len(values)))
        rows = self._rows[first:last] - top
        self.pixels[first:last] = values[np.ix_(rows, self._columns)]


class GalleryFile:
    """The entries of a gallery, of earlier calls and of this one.

    Entries are appended to `.index.html.part` as they come, so that none is lost by a crash.

    Args:
        out: The folder of the predictions.

    Raises:
        AreosegError: The earlier entries cannot be read, or the file cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self._part = out / _PART
        self.entries: dict[str, Entry] = {entry["name"]: entry for entry in read_gallery(out)}
        if self._part.is_file():
            for line in self._part.read_text(encoding="utf-8").splitlines():
                with suppress(ValueError, KeyError):  # the last line may be truncated
                    entry = json.loads(line)
                    self.entries[entry["name"]] = entry
        with writing(self._part):
            out.mkdir(parents=True, exist_ok=True)

    def add(self, entry: Entry) -> None:
        """Add an image; an earlier entry of the same name is replaced."""
        self.entries[entry["name"]] = entry
        # Names that are not UTF-8 are preserved, as escapes.
        with writing(self._part), self._part.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + os.linesep)


def remove_part(out: Path) -> None:
    """Remove the part file of a gallery, after the pages were written."""
    with writing(out / _PART):
        (out / _PART).unlink(missing_ok=True)


def _jpeg(picture: PIL.Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def _rounded(value: float) -> float | None:
    """Return a share as a JSON value; NaN as null."""
    return None if np.isnan(value) else round(float(value), 5)
