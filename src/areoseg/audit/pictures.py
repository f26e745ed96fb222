"""Small pictures of the samples with findings, for the page of an audit."""

import io
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from areoseg.audit.findings import Finding
from areoseg.data.samples import Sample, SegmentationDataset
from areoseg.report.pictures import data_uri
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import VOID_COLOR, ImageArray, Mask, as_uint8

MAX_PER_ISSUE = 150
"""Number of findings per issue that are shown with pictures, the worst ones."""

MAX_PICTURES = 1500
"""Maximum number of findings with pictures, spread over the issues; about 20 MB at full size."""

MAX_SIDE = 208
"""Longest side in pixels; larger images are downscaled."""

JPEG_QUALITY = 78

TARGET_LEVEL = 235
"""Gray level to which the brightest pixels are brightened."""

MAX_GAIN = 4.0


def pictures_of_findings(
    findings: Iterable[Finding],
    samples: SegmentationDataset,
    unlabeled: SegmentationDataset | None,
    taxonomy: Taxonomy,
) -> dict[str, dict[str, Any]]:
    """Return the pictures of a page by part and index of the sample, such as `labeled 7`."""
    parts = {"labeled": samples, "unlabeled": unlabeled}
    return {
        f"{part} {index}": sample_pictures(dataset[index], taxonomy)
        for part, index in samples_to_show(findings)
        if (dataset := parts[part]) is not None
    }


def samples_to_show(findings: Iterable[Finding]) -> list[tuple[str, int]]:
    """Return part and index of the samples with the highest scores of each issue.

    The other sample of a finding is shown beside it.
    """
    by_issue: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_issue[finding.issue].append(finding)
    limit = min(MAX_PER_ISSUE, MAX_PICTURES // max(1, len(by_issue)))
    keys: dict[tuple[str, int], None] = {}  # a set that keeps its order
    for of_issue in by_issue.values():
        worst = sorted(of_issue, key=lambda finding: (-finding.score, finding.index))
        for finding in worst[:limit]:
            keys["labeled", finding.index] = None
            if finding.other is not None:
                keys[finding.other.part, finding.other.index] = None
    return list(keys)


def sample_pictures(sample: Sample, taxonomy: Taxonomy) -> dict[str, Any]:
    """Return a sample as data URIs; the page makes the overlay from image and mask.

    Returns:
        `image` and, if there is one, `mask`; `size`: height and width of the sample; `gain`: the
        factor by which the page brightens the image.
    """
    pictures: dict[str, Any] = {
        "size": sample.image.shape,
        "gain": _gain(sample.image),
        "image": _image_uri(sample.image),
    }
    if sample.mask is not None:
        pictures["mask"] = _mask_uri(sample.mask, taxonomy)
    return pictures


def _gain(image: ImageArray) -> float:
    """Return the factor that makes the brightest pixels, except 0.5 %, nearly white."""
    brightest = float(np.quantile(as_uint8(image), 0.995))
    return round(min(MAX_GAIN, max(1.0, TARGET_LEVEL / max(brightest, 1.0))), 2)


def _image_uri(image: ImageArray) -> str:
    picture = Image.fromarray(as_uint8(image))
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def _mask_uri(mask: Mask, taxonomy: Taxonomy) -> str:
    """Return a mask as a PNG with a palette; void and unknown classes have the last color."""
    classes = len(taxonomy)
    picture = Image.fromarray(np.minimum(mask, classes).astype(np.uint8))
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.NEAREST)
    picture = picture.convert("P")
    picture.putpalette([value for color in (*taxonomy.colors, VOID_COLOR) for value in color])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
