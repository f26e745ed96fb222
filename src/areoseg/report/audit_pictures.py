"""Which samples of an audit are shown as pictures, and the pictures: small, so that many fit."""

import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from areoseg.audit import Finding
from areoseg.audit.findings import OtherSample
from areoseg.data.samples import Sample
from areoseg.data.samples import SegmentationDataset
from areoseg.report.pictures import data_uri
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import VOID_COLOR
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask
from areoseg.utils.images import as_uint8

MOST_A_ISSUE = 150
"""Findings of an issue that have pictures, the worst; the page lists the others in words."""

MOST = 1500
"""Findings that have pictures, shared evenly among the issues; some 20 MB of large images."""

LONGEST_SIDE = 208
"""Pixels; larger images are reduced."""

QUALITY = 78

NEARLY_WHITE = 235
LARGEST_GAIN = 4.0


@dataclass(frozen=True)
class Place:
    """Where a sample stands in its data set.

    Attributes:
        part: `"labeled"` or `"unlabeled"`.
        index: Position in that part.
    """

    part: str
    index: int

    def __str__(self) -> str:
        """The name under which the page knows its picture."""
        return f"{self.part} {self.index}"


def pictured(findings: Iterable[Finding]) -> list[Place]:
    """The samples that the page shows: of each issue those with the highest scores, and others.

    The other sample of a finding with a picture is shown beside it.
    """
    by_issue: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_issue[finding.issue].append(finding)
    most = min(MOST_A_ISSUE, MOST // max(1, len(by_issue)))
    places: dict[Place, None] = {}  # a set that keeps its order
    for found in by_issue.values():
        worst = sorted(found, key=lambda finding: (-finding.score, finding.index))
        for finding in worst[:most]:
            places[Place("labeled", finding.index)] = None
            if finding.other is not None:
                places[_place(finding.other)] = None
    return list(places)


def thumbnails(sample: Sample, taxonomy: Taxonomy) -> dict[str, Any]:
    """A sample as data URIs.

    The page lays the mask over the image itself, so that the overlay needs no picture of its own.

    Returns:
        `image` and, where there is one, `mask`; `size`: height and width of the sample; `gain`: the
        factor that brightens the image for the eye.
    """
    pictures: dict[str, Any] = {
        "size": sample.image.shape,
        "gain": _gain(sample.image),
        "image": _image_uri(sample.image),
    }
    if sample.mask is not None:
        pictures["mask"] = _mask_uri(sample.mask, taxonomy)
    return pictures


def all_thumbnails(
    findings: Iterable[Finding],
    samples: SegmentationDataset,
    unlabeled: SegmentationDataset | None,
    taxonomy: Taxonomy,
) -> dict[str, dict[str, Any]]:
    """The pictures of a page: `thumbnails` by the names of the samples' places."""
    parts = {"labeled": samples, "unlabeled": unlabeled}
    shown: dict[str, dict[str, Any]] = {}
    for place in pictured(findings):
        part = parts[place.part]
        if part is not None:
            shown[str(place)] = thumbnails(part[place.index], taxonomy)
    return shown


def _place(other: OtherSample) -> Place:
    return Place(other.part, other.index)


def _gain(image: ImageArray) -> float:
    """The factor from 1 to `LARGEST_GAIN` that makes the brightest parts of an image nearly white.

    Of its pixels half a per cent may be brighter still.
    """
    brightest = float(np.quantile(as_uint8(image), 0.995))
    return round(min(LARGEST_GAIN, max(1.0, NEARLY_WHITE / max(brightest, 1.0))), 2)


def _image_uri(image: ImageArray) -> str:
    picture = Image.fromarray(as_uint8(image))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=QUALITY, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def _mask_uri(mask: Mask, taxonomy: Taxonomy) -> str:
    """A mask as a PNG with a palette; void, or what is no class, is the last color."""
    classes = len(taxonomy)
    picture = Image.fromarray(np.minimum(mask, classes).astype(np.uint8))
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.NEAREST)
    picture = picture.convert("P")
    picture.putpalette([value for color in (*taxonomy.colors, VOID_COLOR) for value in color])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
