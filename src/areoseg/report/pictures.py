"""Images, masks and error maps as data URIs."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from areoseg.data.samples import Sample
from areoseg.report.examples import Example, Labels, labeled_pixels
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import RGB, ImageArray, as_uint8, color_mask

WRONG_COLOR = (124, 36, 156)  # unlike any class, so that it is not taken for one
UNCOUNTED_COLOR = (244, 240, 234)  # lighter than any right pixel

_LONGEST_SIDE = 256  # pixels; about the width of a picture on the page
_GRAY_STEP = 4  # 64 gray levels look like 256 and take less room


def stretched(image: ImageArray, *, like: ImageArray | None = None) -> NDArray[np.uint8]:
    """Stretch a gray image (H, W) to the full range in 64 levels, as uint8.

    The darkest and the brightest half per cent of its pixels become black and white.

    Args:
        image: uint8, or float in 0..1.
        like: An image whose pixels decide what becomes black and white; None: its own. Images that
            are stretched alike can be compared in brightness.
    """
    values = as_uint8(image).astype(np.float32)
    low, high = np.percentile(values if like is None else as_uint8(like), (0.5, 99.5))
    spread = np.clip((values - low) / max(float(high - low), 1.0), 0, 1)
    levels = as_uint8(spread.astype(np.float32)) // _GRAY_STEP
    return levels * _GRAY_STEP


def data_uri(content: bytes, media_type: str) -> str:
    """Encode bytes as a data URI, for example `data:image/png;base64,...`."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def svg_uri(chart: str) -> str:
    """Encode SVG text as a data URI."""
    return data_uri(chart.encode(), "image/svg+xml")


def image_uri(image: ImageArray) -> str:
    """Encode a stretched gray image (H, W) as PNG, downscaled if it is large."""
    return _png_uri(_reduced(stretched(image), Image.Resampling.LANCZOS))


def mask_uri(mask: Labels, taxonomy: Taxonomy) -> str:
    """Encode a mask (H, W) in class colors as PNG, downscaled if it is large."""
    return _png_uri(_reduced(color_mask(mask.astype(np.uint8), taxonomy)))


def error_map(example: Example, taxonomy: Taxonomy) -> RGB:
    """Return an error map (H, W, 3) of a prediction.

    Right pixels show the image, paled; wrong ones `WRONG_COLOR`; pixels without a terrain label
    `UNCOUNTED_COLOR`.
    """
    paled = 80 + 0.5 * stretched(example.image).astype(np.float32)
    picture = np.repeat(paled.round().astype(np.uint8)[..., np.newaxis], 3, axis=2)
    labeled = labeled_pixels(example.truth, taxonomy)
    picture[example.prediction != example.truth] = WRONG_COLOR
    picture[~labeled] = UNCOUNTED_COLOR
    return picture


def example_pictures(example: Example, taxonomy: Taxonomy) -> dict[str, str]:
    """Return image, truth, prediction and error map of an example as data URIs by title."""
    return {
        "Image": image_uri(example.image),
        "Truth": mask_uri(example.truth, taxonomy),
        "Prediction": mask_uri(example.prediction, taxonomy),
        "Errors": _png_uri(_reduced(error_map(example, taxonomy))),
    }


def sample_pictures(sample: Sample, taxonomy: Taxonomy) -> dict[str, str]:
    """Return the image and, if there is one, the mask of a sample as data URIs by title."""
    pictures = {"Image": image_uri(sample.image)}
    if sample.mask is not None:
        pictures["Mask"] = mask_uri(sample.mask, taxonomy)
    return pictures


def _reduced(
    picture: NDArray[Any], resampling: Image.Resampling = Image.Resampling.NEAREST
) -> Image.Image:
    reduced = Image.fromarray(picture)
    reduced.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), resampling)
    return reduced


def _png_uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
