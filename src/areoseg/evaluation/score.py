"""Scoring of any function that segments images."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import check_split_name
from areoseg.errors import AreosegError
from areoseg.metrics.scores import Scores, evaluate_predictions
from areoseg.runs.run import Run
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.images import ImageArray, Mask

Predict = Callable[[Sequence[ImageArray] | ImageArray], Iterable[Mask]]
"""Segments N images (H, W); yields one mask (H, W) of class indices per image, in order."""


def evaluate_model(
    predict: Predict,
    dataset: SegmentationDataset,
    taxonomy: Taxonomy = MARS,
    *,
    protocol: str = "terrain",
    resamples: int = 0,
) -> Scores:
    """Segment the images of a dataset and compare the masks with its ground truth.

    Args:
        predict: The model, for example `Predictor.masks`.
        dataset: Labeled samples. Their groups, if known, are the units of the bootstrap.
        taxonomy: The classes.
        protocol: The headline protocol, a name in `areoseg.metrics.protocols.PROTOCOLS`.
        resamples: Number of bootstrap resamples for the 95 % intervals; 0 for no intervals.

    Raises:
        AreosegError: The dataset has no labeled samples, or there is no such protocol.

    Examples:
        >>> evaluate_model(predictor.masks, dataset).score  # doctest: +SKIP
        0.7719
    """
    masks = list(predict(dataset.images))
    return evaluate_masks(masks, dataset, taxonomy, protocol=protocol, resamples=resamples)


def evaluate_masks(
    masks: Sequence[Mask],
    dataset: SegmentationDataset,
    taxonomy: Taxonomy = MARS,
    *,
    protocol: str = "terrain",
    resamples: int = 0,
) -> Scores:
    """Compare masks that were predicted for a dataset with its ground truth; see `evaluate_model`.

    Joined datasets are scored together, and each alone.

    Raises:
        AreosegError: As for `evaluate_model`.
    """
    if dataset.masks is None or not len(dataset):
        raise AreosegError("cannot evaluate: the dataset has no labeled samples")
    sets: dict[str, Scores] = {}
    if dataset.sets is not None:
        for name, indices in dataset.indices_by_set().items():
            alone = replace(dataset.select(indices), sets=None)
            predicted = [masks[index] for index in indices]
            sets[name] = evaluate_masks(
                predicted, alone, taxonomy, protocol=protocol, resamples=resamples
            )
    scores = evaluate_predictions(
        masks,
        dataset.masks,
        groups=dataset.groups,
        not_ground=dataset.not_ground,
        taxonomy=taxonomy,
        protocol=protocol,
        resamples=resamples,
    )
    return replace(scores, sets=sets)


def select_split(dataset: SegmentationDataset, run: Run, split: str) -> SegmentationDataset:
    """Return the samples of one split (`train`, `val` or `test`) of a run."""
    check_split_name(split)
    names = set(run.split[split])
    return dataset.select([index for index, name in enumerate(dataset.names) if name in names])
