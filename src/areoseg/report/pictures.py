"""Pictures inside the page: images, masks and error maps as data URIs."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from areoseg.colours import RGB, colour_mask, grey
from areoseg.data.scenes import Image, Scene
from areoseg.report.examples import Example, Labels, labelled_pixels
from areoseg.taxonomy import Taxonomy

WRONG_COLOUR = (124, 36, 156)  # unlike any class, so that it is not taken for one
UNCOUNTED_COLOUR = (244, 240, 234)  # lighter than any right pixel

_LONGEST_SIDE = 256  # pixels; about the width of a picture on the page
_GREY_STEP = 4  # 64 grey levels look like 256 and take less room


def stretched(image: Image, *, like: Image | None = None) -> NDArray[np.uint8]:
    """A grey image (H, W), spread over 64 levels from black to white, as uint8.

    The darkest and the brightest half per cent of its pixels become black and white.

    Args:
        image: uint8, or float in 0..1.
        like: An image whose pixels decide what becomes black and white; None: its own. Images that
            are stretched alike can be compared in brightness.
    """
    values = grey(image).astype(np.float32)
    low, high = np.percentile(values if like is None else grey(like), (0.5, 99.5))
    spread = np.clip((values - low) / max(float(high - low), 1.0), 0, 1)
    levels = grey(spread.astype(np.float32)) // _GREY_STEP
    return levels * _GREY_STEP


def data_uri(content: bytes, media_type: str) -> str:
    """Bytes as a URI that holds them, such as `data:image/png;base64,...`."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def image_uri(image: Image) -> str:
    """A grey image (H, W), stretched, as a PNG, reduced where it is large."""
    return _png_uri(_reduced(stretched(image), Pillow.Resampling.LANCZOS))


def mask_uri(mask: Labels, taxonomy: Taxonomy) -> str:
    """A mask (H, W) in its class colours as a PNG, reduced where it is large."""
    return _png_uri(_reduced(colour_mask(mask.astype(np.uint8), taxonomy)))


def error_map(example: Example, taxonomy: Taxonomy) -> RGB:
    """Where a prediction is wrong, as a picture (H, W, 3).

    Right pixels show the image, paled; wrong ones `WRONG_COLOUR`; pixels without a terrain label
    `UNCOUNTED_COLOUR`.
    """
    paled = 80 + 0.5 * stretched(example.image).astype(np.float32)
    picture = np.repeat(paled.round().astype(np.uint8)[..., np.newaxis], 3, axis=2)
    labelled = labelled_pixels(example.truth, taxonomy)
    picture[example.prediction != example.truth] = WRONG_COLOUR
    picture[~labelled] = UNCOUNTED_COLOUR
    return picture


def example_pictures(example: Example, taxonomy: Taxonomy) -> dict[str, str]:
    """Image, truth, prediction and error map of an example as data URIs, by what they show."""
    return {
        "Image": image_uri(example.image),
        "Truth": mask_uri(example.truth, taxonomy),
        "Prediction": mask_uri(example.prediction, taxonomy),
        "Errors": _png_uri(_reduced(error_map(example, taxonomy))),
    }


def scene_pictures(scene: Scene, taxonomy: Taxonomy) -> dict[str, str]:
    """Image and, where there is one, mask of a scene as data URIs, by what they show."""
    pictures = {"Image": image_uri(scene.image)}
    if scene.mask is not None:
        pictures["Mask"] = mask_uri(scene.mask, taxonomy)
    return pictures


def _reduced(
    picture: NDArray[Any], resampling: Pillow.Resampling = Pillow.Resampling.NEAREST
) -> Pillow.Image:
    reduced = Pillow.fromarray(picture)
    reduced.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE), resampling)
    return reduced


def _png_uri(picture: Pillow.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png")
