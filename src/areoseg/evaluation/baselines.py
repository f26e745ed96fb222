"""Baselines: segmentation without a neural network.

Each baseline takes the training dataset and the images to segment, and returns one mask (H, W) of
class indices per image.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy import ndimage

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import Split, class_pixels
from areoseg.errors import AreosegError, did_you_mean
from areoseg.evaluation.score import evaluate_model
from areoseg.metrics.scores import Scores
from areoseg.runs.own_data import own_data
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS, VOID, Taxonomy
from areoseg.utils.console import standard_error
from areoseg.utils.files import ModelPath
from areoseg.utils.images import ImageArray, Mask, as_uint8

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Images = Sequence[ImageArray] | ImageArray

SCALES = (1.0, 2.0, 4.0)
"""Standard deviations of the Gaussian windows of the features, in pixels."""

N_TRAINING_PIXELS = 50_000


def random(
    training: SegmentationDataset, images: Images, *, seed: int = 0, taxonomy: Taxonomy = MARS
) -> list[Mask]:
    """Draw the class of each pixel with equal probabilities, including background."""
    generator = np.random.default_rng(seed)
    return [generator.integers(len(taxonomy), size=image.shape, dtype=np.uint8) for image in images]


def expected_confusion(pixels: NDArray[np.int64] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected confusion matrix of the baseline `random`.

    Its score is the "random predictor" in Table 1 of the AN2DL homework report. In the limit of
    many pixels, a class with share s of the pixels has the IoU s / (s C + 1 - s).

    Args:
        pixels: (C,) number of true pixels of each class, or their shares.

    Returns:
        (C, C): rows are the true class, columns the predicted one.
    """
    classes = len(pixels)
    return np.outer(pixels, np.full(classes, 1 / classes))


def majority(
    training: SegmentationDataset, images: Images, *, seed: int = 0, taxonomy: Taxonomy = MARS
) -> list[Mask]:
    """Predict the most frequent terrain class of the training dataset everywhere."""
    pixels = class_pixels(training, taxonomy).sum(axis=0)
    most_frequent = max(taxonomy.terrain, key=lambda index: int(pixels[index]))
    return [np.full(image.shape, most_frequent, dtype=np.uint8) for image in images]


def logistic_regression(
    training: SegmentationDataset, images: Images, *, seed: int = 0, taxonomy: Taxonomy = MARS
) -> list[Mask]:
    """Classify each pixel by logistic regression on the brightness and texture around it.

    Classes are weighted by their inverse frequency. Background is neither used for training
    nor predicted. The seed selects the training pixels.

    Raises:
        AreosegError: The training dataset has no masks, or fewer than two terrain classes.
    """
    model = _fit(*_training_pixels(training, seed, taxonomy))
    return [
        model.predict(pixel_features(image)).astype(np.uint8).reshape(image.shape)
        for image in images
    ]


def pixel_features(image: ImageArray) -> NDArray[np.float32]:
    """Compute brightness, gradient magnitude, and local mean and standard deviation per pixel.

    Args:
        image: (H, W), uint8 or float32 in 0..1.

    Returns:
        (H * W, 2 + 2 S) float32 for S scales, brightness in 0..1.
    """
    values = as_uint8(image).astype(np.float32) / 255
    features = [values, ndimage.gaussian_gradient_magnitude(values, 1.0)]
    for scale in SCALES:
        mean = ndimage.gaussian_filter(values, scale)
        variance = ndimage.gaussian_filter(values**2, scale) - mean**2
        features += [mean, np.sqrt(np.maximum(variance, 0))]
    return np.stack([feature.ravel() for feature in features], axis=1)


def _training_pixels(
    training: SegmentationDataset, seed: int, taxonomy: Taxonomy
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return features (P, F) and classes (P,) of terrain pixels, equally many per sample."""
    if training.masks is None:
        raise AreosegError("cannot fit logistic-regression: the dataset has no masks")
    generator = np.random.default_rng(seed)
    per_sample = max(1, N_TRAINING_PIXELS // max(1, len(training)))
    features, labels = [], []
    for image, mask in zip(training.images, training.masks, strict=True):
        terrain = np.flatnonzero((mask != taxonomy.background) & (mask != VOID))
        drawn = generator.choice(terrain, min(per_sample, len(terrain)), replace=False)
        features.append(pixel_features(image)[drawn])
        labels.append(mask.ravel()[drawn])
    classes = np.unique(np.concatenate(labels)) if labels else np.array([])
    if len(classes) < 2:
        raise AreosegError(
            f"cannot fit logistic-regression: {len(training)} training samples contain"
            f" {len(classes)} terrain classes, but it needs at least 2"
        )
    return np.concatenate(features), np.concatenate(labels)


def _fit(features: NDArray[np.float32], labels: NDArray[np.uint8]) -> "Pipeline":
    # imported here because it takes a second, which every training would wait
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=300)
    )
    return model.fit(features, labels)


@dataclass(frozen=True)
class Baseline:
    """A baseline.

    Attributes:
        name: The name used by commands and study files.
        predict: Called as `predict(training, images, seed=..., taxonomy=...)`; returns one mask
            (H, W) of class indices per image.
        summary: One-line description.
    """

    name: str
    predict: Callable[..., list[Mask]]
    summary: str


_TABLE = (
    Baseline("random", random, "every class with equal probability, background included"),
    Baseline("majority", majority, "the most frequent terrain class everywhere"),
    Baseline(
        "logistic-regression",
        logistic_regression,
        "logistic regression on the brightness and texture around each pixel",
    ),
)

BASELINES: Mapping[str, Baseline] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""All baselines by name, weakest first."""


def baseline(name: str) -> Baseline:
    """Return the baseline called `name`.

    Raises:
        AreosegError: There is no such baseline; the message suggests the closest name.
    """
    if name not in BASELINES:
        raise AreosegError(f"there is no baseline {name!r}: {did_you_mean(name, BASELINES)}")
    return BASELINES[name]


def evaluate_baseline(
    name: str,
    dataset: SegmentationDataset,
    split: Split,
    *,
    scored_split: str = "test",
    protocol: str = "terrain",
    seed: int = 0,
    resamples: int = 1000,
    taxonomy: Taxonomy = MARS,
) -> Scores:
    """Fit a baseline to the training split and evaluate it on another split.

    Args:
        name: A name in `BASELINES`.
        dataset: All labeled samples; the split holds indices into it.
        split: The split, from `split_samples` or a run.
        scored_split: `train`, `val` or `test`.
        protocol: The headline protocol.
        seed: Seed of the baseline.
        resamples: Bootstrap resamples for the intervals; 0 for none.
        taxonomy: The classes.

    Raises:
        AreosegError: There is no such baseline, split or protocol, or the split is empty.
    """
    fitted = baseline(name)
    scored = dataset.select(split.indices(scored_split))
    if not len(scored) or scored.masks is None:
        raise AreosegError(
            f"cannot evaluate {name}: there are no labeled samples in the split {scored_split!r}"
        )
    training = dataset.select(split.train)
    return evaluate_model(
        lambda images: fitted.predict(training, images, seed=seed, taxonomy=taxonomy),
        scored,
        taxonomy,
        protocol=protocol,
        resamples=resamples,
    )


def baseline_score(
    run: ModelPath,
    name: str = "logistic-regression",
    *,
    split: str = "test",
    console: Console | None = None,
) -> float:
    """Return the score of a baseline on the data, split and protocol of a run."""
    opened = open_run(run)
    dataset = own_data(opened, None, None, console or standard_error()).labeled
    position = {sample: index for index, sample in enumerate(dataset.names)}
    indices = {
        split_name: tuple(position[sample] for sample in names)
        for split_name, names in opened.split.items()
    }
    return evaluate_baseline(
        name,
        dataset,
        Split(**indices),
        scored_split=split,
        protocol=opened.recipe.protocol,
        resamples=0,
        taxonomy=opened.taxonomy,
    ).score
