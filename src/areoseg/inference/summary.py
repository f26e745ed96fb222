"""Numbers about the prediction of one image: shares of the classes with intervals, confidence."""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import FIELDS
from areoseg.inference.inputs import InputImage
from areoseg.inference.tiling import RowBlock
from areoseg.taxonomy import Taxonomy

CERTAIN = 0.9
POSSIBLE = 0.1
"""A pixel counts for the lower and the upper bound of the share of a class if its probability
exceeds these. On the 217 test frames of flagship-256, 73 % of the true shares of classes are within
the bounds, and 48 % with 0.75 and 0.25 (`benchmarks/shares.py`)."""

_SAMPLE_ABOVE = 300
"""Height and width above which bounds and confidence use every second row and column."""


@dataclass(frozen=True)
class ImageSummary:
    """Numbers about one image.

    Attributes:
        image: The image.
        factors: Text of its scale factors.
        warnings: Its warnings.
        ground: Share of all pixels that are terrain, 0..1; with background and nodata it sums to 1.
        background: Share of all pixels that are background.
        nodata: Share of all pixels without data.
        shares: (T,) share of the ground by terrain class; NaN without ground.
        low: (T,) lower bounds of the shares.
        high: (T,) upper bounds of the shares.
        confidence: Mean probability of the predicted classes on the ground; NaN without ground.
    """

    image: InputImage
    factors: str
    warnings: tuple[str, ...]
    ground: float
    background: float
    nodata: float
    shares: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: float

    def row(self) -> list[str]:
        """Return the row of the image in `shares.csv`."""
        bounds = np.stack([self.shares, self.low, self.high], axis=1)
        metadata = ["" if value is None else str(value) for value in astuple(self.image.metadata)]
        path = self.image.path
        return [
            self.image.name,
            "" if path is None else str(path.absolute()),
            "; ".join(self.warnings),
            self.factors,
            *map(_number, (self.ground, self.background, self.nodata)),
            *map(_number, bounds.ravel()),
            _number(self.confidence),
            *map(str, self.image.size),
            *metadata,
        ]


def shares_header(taxonomy: Taxonomy) -> list[str]:
    """Return the columns of `shares.csv`."""
    classes = [taxonomy.names[index].replace(" ", "_") for index in taxonomy.terrain]
    shares = [f"{name}{end}" for name in classes for end in ("", "_low", "_high")]
    return [
        "image",
        "path",
        "warning",
        "scale",
        "ground",
        "background",
        "nodata",
        *shares,
        "confidence",
        "height",
        "width",
        *FIELDS,
    ]


class SummaryCounter:
    """Counts the pixels of an image, block by block.

    Args:
        image: The image.
        taxonomy: The classes.
    """

    def __init__(self, image: InputImage, taxonomy: Taxonomy) -> None:
        self._image = image
        self._terrain = list(taxonomy.terrain)
        self._background = taxonomy.background
        self._pixels = np.zeros(len(taxonomy), np.int64)
        self._step = 2 if min(image.size) > _SAMPLE_ABOVE else 1
        self._certain = np.zeros(len(self._terrain), np.int64)
        self._possible = np.zeros(len(self._terrain), np.int64)
        self._sampled = 0
        self._confidence = 0.0

    def add(self, block: RowBlock) -> None:
        """Count the pixels of the next rows."""
        self._pixels += np.bincount(block.mask.ravel(), minlength=len(self._pixels))
        every = (slice(-block.top % self._step, None, self._step), slice(None, None, self._step))
        ground = block.mask[every] != self._background
        self._sampled += int(ground.sum())
        self._confidence += float(block.confidence[every][ground].sum(dtype=np.float64))
        for place, index in enumerate(self._terrain):
            likely = block.probabilities[index][every]
            self._certain[place] += int(((likely > CERTAIN) & ground).sum())
            self._possible[place] += int(((likely > POSSIBLE) & ground).sum())

    def summary(self, factors: str, warnings: tuple[str, ...]) -> ImageSummary:
        """Return the numbers of the image after its last block."""
        total = int(self._pixels.sum())
        valid = self._image.valid
        nodata = 0 if valid is None else total - int(valid.sum())
        terrain = self._pixels[self._terrain]
        ground = int(terrain.sum())
        empty = np.full(len(terrain), np.nan)
        shares = terrain / ground if ground else empty
        sampled = self._sampled
        low = np.minimum(self._certain / sampled, shares) if sampled else shares
        high = np.maximum(self._possible / sampled, shares) if sampled else shares
        return ImageSummary(
            image=self._image,
            factors=factors,
            warnings=warnings,
            ground=ground / total,
            background=(total - nodata - ground) / total,
            nodata=nodata / total,
            shares=shares,
            low=low,
            high=high,
            confidence=self._confidence / sampled if sampled else float("nan"),
        )


def json_summary(summary: ImageSummary) -> dict[str, Any]:
    """Return what `prediction.json` has about an image."""
    path = summary.image.path
    return {
        "path": None if path is None else str(path.absolute()),
        "scale": summary.factors,
        "warnings": list(summary.warnings),
    }


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6f}"
