"""Which unlabeled images to label next.

The measure joins the two classical ideas of active learning. An image is worth labeling if the
model is uncertain about it: the mean entropy of its pixels (uncertainty sampling; Settles, "Active
Learning Literature Survey", 2009). It adds little if it resembles one that is labeled already:
images are chosen by farthest-first traversal in the space of their appearance (k-center greedy;
Sener and Savarese, "Active Learning for Convolutional Neural Networks: A Core-Set Approach", ICLR
2018). Each step takes the image with the largest product of both.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.appearance import appearance_features
from areoseg.errors import AreosegError
from areoseg.inference.inputs import Input, InputImage
from areoseg.inference.listing import find_inputs
from areoseg.inference.load import load
from areoseg.inference.predictor import Predictor
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers.images import entropy
from areoseg.utils.files import ModelPath, PathLike, read_json, write_json

MEASURE = "mean entropy times distance to the images before it"

_TINY = 1e-9


@dataclass(frozen=True)
class Suggestion:
    """An image to label.

    Attributes:
        name: Its name.
        path: Its file.
        score: Uncertainty times distance; of the first image, its uncertainty.
        uncertainty: Mean normalized entropy of the predicted classes, 0..1.
        distance: Distance of its appearance from the nearest image before it, with features scaled
            to unit variance; 0 for the first.
    """

    name: str
    path: str
    score: float
    uncertainty: float
    distance: float


def suggest(
    model: ModelPath,
    data: PathLike | Sequence[PathLike],
    *,
    out: PathLike | None = None,
    count: int = 100,
    device: str = "cpu",
    log: Callable[[str], None] = lambda line: None,
    track: Callable[[Sequence[Input]], Iterable[Input]] = lambda inputs: inputs,
) -> list[Suggestion]:
    """Rank unlabeled images by how much their labels would help a model.

    Args:
        model: A run folder, the name of a bundled model, or an exported file.
        data: Image files, folders of them, or glob patterns.
        out: A JSON file to write for `areoseg serve --suggestions`; None: none is written.
        count: Maximum number of images to suggest.
        device: `cpu`, `cuda` or `auto`.
        log: Called with one line per image that cannot be read.
        track: Wraps the images to show progress.

    Returns:
        The suggestions, the most useful image first.

    Raises:
        AreosegError: The model or the images cannot be read, or `count` is below 1.
    """
    if count < 1:
        raise AreosegError(f"--count {count}: give 1 or more")
    paths = [data] if isinstance(data, str | Path) else list(data)
    predictor = load(model, device=device)
    images: list[InputImage] = []
    uncertainties: list[float] = []
    features: list[NDArray[np.float64]] = []
    for each in track(find_inputs(paths)):
        try:
            image = each.read()
            described = appearance_features(image.pixels)
            uncertainty = mean_entropy(predictor, image)
        except AreosegError as error:
            log(str(error))
            continue
        if described is None:
            log(f"{each.path}: too small to be compared with other images: left out")
            continue
        images.append(image)
        uncertainties.append(uncertainty)
        features.append(described)
    if not images:
        raise AreosegError("no image that can be suggested: check the images")
    order, distances = ranked(np.array(uncertainties), np.stack(features), count)
    found = [
        Suggestion(
            name=images[index].name,
            path=str((images[index].path or Path()).absolute()),
            score=uncertainties[index] * (distance if place else 1.0),
            uncertainty=uncertainties[index],
            distance=distance,
        )
        for place, (index, distance) in enumerate(zip(order, distances, strict=True))
    ]
    if out is not None:
        write_suggestions(Path(out), found, str(model))
    return found


def mean_entropy(predictor: Predictor, image: InputImage) -> float:
    """Return the mean normalized entropy of an image, 0..1, over the pixels with data."""
    total, count = 0.0, 0
    for block in _blocks(predictor, image):
        values = entropy(block.probabilities)
        if block.valid is not None:
            values = values[block.valid]
        total += float(values.sum(dtype=np.float64))
        count += values.size
    return total / max(count, 1)


def ranked(
    uncertainties: NDArray[np.float64], features: NDArray[np.float64], count: int
) -> tuple[list[int], list[float]]:
    """Choose images one after another by uncertainty times distance to those chosen before.

    Args:
        uncertainties: (N,) uncertainty of each image, 0..1.
        features: (N, F) features of each image.
        count: Maximum number of images.

    Returns:
        The indices of the images in order, and the distance of each from the nearest one before
        it; 0 for the first, which is the most uncertain.
    """
    spread = features.std(axis=0)
    standardized = (features - features.mean(axis=0)) / np.where(spread > _TINY, spread, 1.0)
    standardized /= np.sqrt(features.shape[1])
    order = [int(np.argmax(uncertainties))]
    distances = [0.0]
    nearest = np.full(len(features), np.inf)
    while len(order) < min(count, len(features)):
        step = np.linalg.norm(standardized - standardized[order[-1]], axis=1)
        nearest = np.minimum(nearest, step)
        scores = uncertainties * nearest
        scores[order] = -1.0
        order.append(int(np.argmax(scores)))
        distances.append(float(nearest[order[-1]]))
    return order, distances


def write_suggestions(path: Path, suggestions: Sequence[Suggestion], model: str) -> None:
    """Write suggestions to a JSON file; see `replacing`."""
    values = [asdict(each) for each in suggestions]
    write_json(path, {"model": model, "measure": MEASURE, "suggestions": values})


def read_suggestions(path: Path) -> list[Suggestion]:
    """Read the suggestions of a file.

    Raises:
        AreosegError: The file cannot be read, or `areoseg suggest` did not write it.
    """
    values = read_json(path)
    try:
        return [Suggestion(**each) for each in values["suggestions"]]
    except (KeyError, TypeError):
        raise AreosegError(f"{path}: not a file of `areoseg suggest`: write it again") from None


def _blocks(predictor: Predictor, image: InputImage) -> Iterable[RowBlock]:
    for _, blocks in predictor.stream([image]):
        yield from blocks
