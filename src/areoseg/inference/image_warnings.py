"""Warnings about images whose predictions cannot be trusted, whatever their confidence."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import uniform_filter1d

from areoseg.data.appearance import MIN_SIDE, Appearance
from areoseg.data.readers.rover_image import RoverImage
from areoseg.errors import AreosegError
from areoseg.inference.engines import Engine
from areoseg.inference.engines.exported import ExportedEngine
from areoseg.inference.resampling import scaled_size
from areoseg.runs.run import APPEARANCE
from areoseg.utils.files import read_json
from areoseg.utils.images import as_float, as_uint8
from areoseg.weights import located

UNLIKE_TRAINING = "unlike training"

BLACK_LEVEL = 20 / 255
"""An image is black if 99 % of its pixels are below this level; AI4Mars frames reach 95 / 255."""

WHITE_LEVEL = 250 / 255
MAX_WHITE = 0.25
"""Share of pixels at the highest levels above which an image is saturated."""

MAX_BLUR = 0.36
"""Blur from 0 to 1 above which an image is blurred, at the scale at which the model sees it. The
500 AI4Mars frames that were measured have at most 0.33; blurred by a Gaussian of one pixel, they
have 0.37 and more."""

_WINDOW = 9


def image_warnings(
    image: RoverImage, factor: float, appearance: Appearance | None = None
) -> tuple[str, ...]:
    """Return the warnings about an image; usually there are none.

    Args:
        image: The image.
        factor: The scale factor at which the model sees it; only reductions matter here.
        appearance: Description of the training images of the model, or None.

    Returns:
        Some of `black`, `saturated`, `constant`, `blurred` and `unlike training`, and the warnings
        of the reader of the file.
    """
    levels, seen = _as_the_model_sees(image, factor)
    measured = levels[seen]
    warnings = [name for name, check in _LEVEL_CHECKS.items() if check(measured)]
    if not warnings and min(levels.shape) >= MIN_SIDE:
        if blur(levels) > MAX_BLUR:
            warnings.append("blurred")
        known = appearance if seen.all() else None  # missing pixels look like black ones
        if known is not None and known.distance(levels) > known.limit:
            warnings.append(UNLIKE_TRAINING)
    return (*warnings, *image.warnings)


def blur(levels: NDArray[np.float32]) -> float:
    """Return the blur of an image (H, W), from 0 for sharp to 1 for blurred images.

    Blurring a sharp image again changes the differences of its neighboring pixels, blurring a
    blurred image does not (Crete et al., "The blur effect", SPIE 6492, 2007).
    """
    worst = 0.0
    for axis in (0, 1):
        blurred = uniform_filter1d(levels, _WINDOW, axis=axis)
        differences = np.abs(np.diff(levels, axis=axis))
        lost = np.maximum(differences - np.abs(np.diff(blurred, axis=axis)), 0)
        total = float(differences.sum(dtype=np.float64))
        if total > 0:
            worst = max(worst, 1 - float(lost.sum(dtype=np.float64)) / total)
    return worst


def model_appearance(model: str, engine: Engine) -> Appearance | None:
    """Return the description of the training images of a model, or None if it has none.

    Args:
        model: The path or name of the model.
        engine: The model.

    Raises:
        AreosegError: The description cannot be read.
    """
    try:
        if isinstance(engine, ExportedEngine):
            found = engine.metadata.appearance
            return None if found is None else Appearance.from_json(found)
        path = located(model) / APPEARANCE
        return Appearance.from_json(read_json(path)) if path.is_file() else None
    except (ValueError, KeyError, TypeError) as error:
        raise AreosegError(
            f"{model}: cannot read the statistics of its training images: {error}"
        ) from None


def _as_the_model_sees(
    image: RoverImage, factor: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the image at the scale of the model, float32 in 0..1, and which pixels have data."""
    seen = np.ones(image.size, np.bool_) if image.valid is None else image.valid
    if factor >= 1:
        return as_float(image.pixels), seen
    height, width = scaled_size(image.size, factor)
    reduced = Image.fromarray(as_uint8(image.pixels)).resize((width, height), Image.Resampling.BOX)
    if image.valid is None:
        return as_float(np.asarray(reduced)), np.ones((height, width), np.bool_)
    rows, columns = (
        (np.arange(new) * old + old // 2) // new
        for new, old in zip((height, width), image.size, strict=True)
    )
    return as_float(np.asarray(reduced)), seen[np.ix_(rows, columns)]


def _is_black(levels: NDArray[np.float32]) -> bool:
    return bool(np.mean(levels < BLACK_LEVEL) >= 0.99)


def _is_saturated(levels: NDArray[np.float32]) -> bool:
    return bool(np.mean(levels >= WHITE_LEVEL) > MAX_WHITE)


def _is_constant(levels: NDArray[np.float32]) -> bool:
    return bool(levels.size == 0 or levels.min() == levels.max())


_LEVEL_CHECKS: dict[str, Callable[[NDArray[np.float32]], bool]] = {
    "black": _is_black,
    "saturated": _is_saturated,
    "constant": _is_constant,
}
