"""What a network has to beat: guessing, the commonest class, and a pixel at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from areoseg.colours import grey
from areoseg.data.scenes import Image, Mask, SceneSet
from areoseg.taxonomy import MARS, VOID, Taxonomy

SCALES = (1.0, 2.0, 4.0)  # standard deviations, in pixels, of the neighbourhoods looked at
PIXELS_TO_LEARN_FROM = 50_000


def guess(images: Sequence[Image] | Image, *, seed: int, taxonomy: Taxonomy = MARS) -> list[Mask]:
    """Masks of classes drawn with equal chances, the background among them."""
    random = np.random.default_rng(seed)
    return [random.integers(len(taxonomy), size=each.shape, dtype=np.uint8) for each in images]


def majority(
    training: SceneSet, images: Sequence[Image] | Image, *, taxonomy: Taxonomy = MARS
) -> list[Mask]:
    """Masks of the terrain class with the most pixels in the training scenes."""
    from areoseg.data.split import class_pixels

    pixels = class_pixels(training, taxonomy).sum(axis=0)
    commonest = max(taxonomy.terrain, key=lambda index: int(pixels[index]))
    return [np.full(each.shape, commonest, dtype=np.uint8) for each in images]


def logistic_regression(
    training: SceneSet,
    images: Sequence[Image] | Image,
    *,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
) -> list[Mask]:
    """Masks by logistic regression on the brightness and texture around each pixel.

    Classes count alike however rare they are; background takes no part.

    Args:
        training: Labelled scenes.
        images: What to segment.
        seed: Decides which pixels are learnt from.
        taxonomy: The classes.
    """
    assert training.masks is not None
    random = np.random.default_rng(seed)
    each_scene = max(1, PIXELS_TO_LEARN_FROM // len(training))
    features, labels = [], []
    for image, mask in zip(training.images, training.masks, strict=True):
        counted = np.flatnonzero((mask != taxonomy.background) & (mask != VOID))
        chosen = random.choice(counted, min(each_scene, len(counted)), replace=False)
        features.append(pixel_features(image)[chosen])
        labels.append(mask.ravel()[chosen])
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300)
    )
    model.fit(np.concatenate(features), np.concatenate(labels))
    return [
        model.predict(pixel_features(image)).astype(np.uint8).reshape(image.shape)
        for image in images
    ]


def pixel_features(image: Image) -> NDArray[np.float32]:
    """Brightness, its mean and deviation around each pixel, and its slope: (H * W, 2 + 2 S)."""
    values = grey(image).astype(np.float32) / 255
    layers = [values, ndimage.gaussian_gradient_magnitude(values, 1.0)]
    for scale in SCALES:
        mean = ndimage.gaussian_filter(values, scale)
        variance = ndimage.gaussian_filter(values**2, scale) - mean**2
        layers += [mean, np.sqrt(np.maximum(variance, 0))]
    return np.stack([layer.ravel() for layer in layers], axis=1)
