"""Scoring what a study trained, and the baselines beside it, on every part of the split."""

import numpy as np

from areoseg.baselines.registry import baseline
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import SPLITS
from areoseg.data.split import Split
from areoseg.inference import Predictor
from areoseg.metrics.confusion import confusion_per_image
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import class_iou
from areoseg.metrics.rates import score
from areoseg.runs.run import Run
from areoseg.studies.results import SplitScores
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask


def score_splits(run: Run, samples: SegmentationDataset, *, device: str) -> dict[str, SplitScores]:
    """Score a run on every part of its split.

    Args:
        run: A finished run.
        samples: The labeled samples that it was made from.
        device: Where to compute.
    """
    predictor = Predictor.load(run.path, device=device, scale=1.0)
    positions = {name: index for index, name in enumerate(samples.names)}
    scores = {}
    for part in SPLITS:
        chosen = samples.select([positions[name] for name in run.split[part]])
        if len(chosen):
            masks = list(predictor.masks(chosen.images))
            scores[part] = _part_scores(masks, chosen, predictor.taxonomy)
    return scores


def score_baseline_splits(
    name: str, samples: SegmentationDataset, split: Split, *, seed: int, taxonomy: Taxonomy = MARS
) -> dict[str, SplitScores]:
    """Let a baseline learn from the training part, and score it on every part.

    Args:
        name: A name in `areoseg.baselines.BASELINES`.
        samples: All labeled samples, which the split's indices count.
        split: The parts.
        seed: Of the baseline's own draws.
        taxonomy: The classes.
    """
    training = samples.select(split.train)
    scores = {}
    for part in SPLITS:
        chosen = samples.select(split.indices(part))
        if len(chosen):
            masks = baseline(name).predict(training, chosen.images, seed=seed, taxonomy=taxonomy)
            scores[part] = _part_scores(masks, chosen, taxonomy)
    return scores


def _part_scores(
    masks: list[Mask], samples: SegmentationDataset, taxonomy: Taxonomy
) -> SplitScores:
    """The scores of predicted masks."""
    assert samples.masks is not None
    confusion = confusion_per_image(masks, samples.masks, len(taxonomy)).sum(axis=0)
    iou = class_iou(confusion, "terrain", taxonomy)
    return SplitScores(
        images=len(samples),
        protocols={name: _rounded(score(confusion, name, taxonomy)) for name in PROTOCOLS},
        iou={name: _rounded(value) for name, value in zip(taxonomy.names, iou, strict=True)},
    )


def _rounded(value: float) -> float | None:
    """Six digits, which is finer than any difference that means something."""
    return None if np.isnan(value) else round(float(value), 6)
