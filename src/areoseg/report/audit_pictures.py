"""Which scenes of an audit are shown as pictures, and the pictures: small, so that many fit."""

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as Pillow

from areoseg.audit import Finding
from areoseg.audit.findings import OtherScene
from areoseg.colours import VOID_COLOUR, grey
from areoseg.data.scenes import Image, Mask, Scene, SceneSet
from areoseg.report.pictures import data_uri
from areoseg.taxonomy import Taxonomy

MOST_A_FAULT = 150
"""Findings of a fault that have pictures, the worst; the page lists the others in words."""

MOST = 1500
"""Findings that have pictures, shared evenly among the faults; some 20 MB of large images."""

LONGEST_SIDE = 208
"""Pixels; larger images are reduced."""

QUALITY = 78

NEARLY_WHITE = 235
LARGEST_GAIN = 4.0


@dataclass(frozen=True)
class Place:
    """Where a scene stands in its data set.

    Attributes:
        part: `"labelled"` or `"unlabelled"`.
        index: Position in that part.
    """

    part: str
    index: int

    def __str__(self) -> str:
        """The name under which the page knows its picture."""
        return f"{self.part} {self.index}"


def pictured(findings: Iterable[Finding]) -> list[Place]:
    """The scenes that the page shows: of each fault those with the highest scores, and others.

    The other scene of a finding with a picture is shown beside it.
    """
    by_fault: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_fault[finding.fault].append(finding)
    most = min(MOST_A_FAULT, MOST // max(1, len(by_fault)))
    places: dict[Place, None] = {}  # a set that keeps its order
    for found in by_fault.values():
        worst = sorted(found, key=lambda finding: (-finding.score, finding.index))
        for finding in worst[:most]:
            places[Place("labelled", finding.index)] = None
            if finding.other is not None:
                places[_place(finding.other)] = None
    return list(places)


def thumbnails(scene: Scene, taxonomy: Taxonomy) -> dict[str, Any]:
    """A scene as data URIs.

    The page lays the mask over the image itself, so that the overlay needs no picture of its own.

    Returns:
        `image` and, where there is one, `mask`; `size`: height and width of the scene; `gain`: the
        factor that brightens the image for the eye.
    """
    pictures: dict[str, Any] = {
        "size": scene.image.shape,
        "gain": _gain(scene.image),
        "image": _image_uri(scene.image),
    }
    if scene.mask is not None:
        pictures["mask"] = _mask_uri(scene.mask, taxonomy)
    return pictures


def all_thumbnails(
    findings: Iterable[Finding],
    scenes: SceneSet,
    unlabelled: SceneSet | None,
    taxonomy: Taxonomy,
) -> dict[str, dict[str, Any]]:
    """The pictures of a page: `thumbnails` by the names of the scenes' places."""
    parts = {"labelled": scenes, "unlabelled": unlabelled}
    shown: dict[str, dict[str, Any]] = {}
    for place in pictured(findings):
        part = parts[place.part]
        if part is not None:
            shown[str(place)] = thumbnails(part[place.index], taxonomy)
    return shown


def _place(other: OtherScene) -> Place:
    return Place(other.part, other.index)


def _gain(image: Image) -> float:
    """The factor from 1 to `LARGEST_GAIN` that makes the brightest parts of an image nearly white.

    Of its pixels half a per cent may be brighter still.
    """
    brightest = float(np.quantile(grey(image), 0.995))
    return round(min(LARGEST_GAIN, max(1.0, NEARLY_WHITE / max(brightest, 1.0))), 2)


def _image_uri(image: Image) -> str:
    picture = Pillow.fromarray(grey(image))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.BOX)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=QUALITY, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def _mask_uri(mask: Mask, taxonomy: Taxonomy) -> str:
    """A mask as a PNG with a palette; void, or what is no class, is the last colour."""
    classes = len(taxonomy)
    picture = Pillow.fromarray(np.minimum(mask, classes).astype(np.uint8))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Pillow.Resampling.NEAREST)
    picture = picture.convert("P")
    picture.putpalette([value for colour in (*taxonomy.colours, VOID_COLOUR) for value in colour])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
