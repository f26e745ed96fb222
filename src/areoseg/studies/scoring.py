"""Scoring what a study trained, and the baselines beside it, on every part of the split."""

import numpy as np

from areoseg.baselines import baseline
from areoseg.data.scenes import Mask, SceneSet
from areoseg.data.split import PARTS, Split
from areoseg.inference import Predictor
from areoseg.metrics.confusion import confusion_per_image
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import class_iou, score
from areoseg.run import Run
from areoseg.studies.results import PartScores
from areoseg.taxonomy import MARS, Taxonomy


def score_parts(run: Run, scenes: SceneSet, *, device: str) -> dict[str, PartScores]:
    """Score a run on every part of its split.

    Args:
        run: A finished run.
        scenes: The labelled scenes that it was made from.
        device: Where to compute.
    """
    predictor = Predictor.load(run.path, device=device)
    positions = {name: index for index, name in enumerate(scenes.names)}
    scores = {}
    for part in PARTS:
        chosen = scenes.select([positions[name] for name in run.split[part]])
        if len(chosen):
            masks = list(predictor.masks(chosen.images))
            scores[part] = _part_scores(masks, chosen, predictor.taxonomy)
    return scores


def score_baseline_parts(
    name: str, scenes: SceneSet, split: Split, *, seed: int, taxonomy: Taxonomy = MARS
) -> dict[str, PartScores]:
    """Let a baseline learn from the training part, and score it on every part.

    Args:
        name: A name in `areoseg.baselines.BASELINES`.
        scenes: All labelled scenes, which the split's indices count.
        split: The parts.
        seed: Of the baseline's own draws.
        taxonomy: The classes.
    """
    training = scenes.select(split.train)
    scores = {}
    for part in PARTS:
        chosen = scenes.select(split.part(part))
        if len(chosen):
            masks = baseline(name).predict(training, chosen.images, seed=seed, taxonomy=taxonomy)
            scores[part] = _part_scores(masks, chosen, taxonomy)
    return scores


def _part_scores(masks: list[Mask], scenes: SceneSet, taxonomy: Taxonomy) -> PartScores:
    """The scores of predicted masks."""
    assert scenes.masks is not None
    confusion = confusion_per_image(masks, scenes.masks, len(taxonomy)).sum(axis=0)
    iou = class_iou(confusion, "terrain", taxonomy)
    return PartScores(
        images=len(scenes),
        protocols={name: _rounded(score(confusion, name, taxonomy)) for name in PROTOCOLS},
        iou={name: _rounded(value) for name, value in zip(taxonomy.names, iou, strict=True)},
    )


def _rounded(value: float) -> float | None:
    """Six digits, which is finer than any difference that means something."""
    return None if np.isnan(value) else round(float(value), 6)
