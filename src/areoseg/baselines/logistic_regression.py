"""Logistic regression on brightness and texture, a pixel at a time."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS
from areoseg.taxonomy import VOID
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask
from areoseg.utils.images import as_uint8

SCALES = (1.0, 2.0, 4.0)  # standard deviations, in pixels, of the neighborhoods looked at
PIXELS_TO_LEARN_FROM = 50_000


def logistic_regression(
    training: SegmentationDataset,
    images: Sequence[ImageArray] | ImageArray,
    *,
    seed: int = 0,
    taxonomy: Taxonomy = MARS,
) -> list[Mask]:
    """Masks by logistic regression on the brightness and texture around each pixel.

    Classes count alike however rare they are. Background is not learned and never answered.

    Args:
        training: Labeled samples.
        images: What to segment.
        seed: Decides which pixels are learned from.
        taxonomy: The classes.

    Raises:
        AreosegError: The training samples have no masks, or fewer than two terrain classes.
    """
    model = _fit(*_sample(training, seed, taxonomy))
    return [
        model.predict(pixel_features(image)).astype(np.uint8).reshape(image.shape)
        for image in images
    ]


def pixel_features(image: ImageArray) -> NDArray[np.float32]:
    """What is known of each pixel: brightness, its slope, and its mean and std around.

    Args:
        image: (H, W), uint8 or float32 in 0..1.

    Returns:
        (H * W, 2 + 2 S) float32 for S scales, brightness in 0..1.
    """
    values = as_uint8(image).astype(np.float32) / 255
    layers = [values, ndimage.gaussian_gradient_magnitude(values, 1.0)]
    for scale in SCALES:
        mean = ndimage.gaussian_filter(values, scale)
        variance = ndimage.gaussian_filter(values**2, scale) - mean**2
        layers += [mean, np.sqrt(np.maximum(variance, 0))]
    return np.stack([layer.ravel() for layer in layers], axis=1)


def _sample(
    training: SegmentationDataset, seed: int, taxonomy: Taxonomy
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Features (P, F) and classes (P,) of terrain pixels, as many from each sample."""
    if training.masks is None:
        raise AreosegError("logistic-regression learns from masks: give labeled samples")
    random = np.random.default_rng(seed)
    each_sample = max(1, PIXELS_TO_LEARN_FROM // max(1, len(training)))
    features, labels = [], []
    for image, mask in zip(training.images, training.masks, strict=True):
        terrain = np.flatnonzero((mask != taxonomy.background) & (mask != VOID))
        chosen = random.choice(terrain, min(each_sample, len(terrain)), replace=False)
        features.append(pixel_features(image)[chosen])
        labels.append(mask.ravel()[chosen])
    classes = np.unique(np.concatenate(labels)) if labels else np.array([])
    if len(classes) < 2:
        raise AreosegError(
            f"logistic-regression found {len(classes)} terrain classes in {len(training)} training"
            " samples: it takes two or more"
        )
    return np.concatenate(features), np.concatenate(labels)


def _fit(features: NDArray[np.float32], labels: NDArray[np.uint8]) -> Pipeline:
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300)
    )
    return model.fit(features, labels)
