"""Scoring a baseline on a part of a split, as a run is scored."""

from areoseg.baselines.registry import baseline
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import Split
from areoseg.errors import AreosegError
from areoseg.metrics.scores import Scores
from areoseg.metrics.scores import evaluate_predictions
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy


def baseline_scores(
    name: str,
    samples: SegmentationDataset,
    split: Split,
    *,
    part: str = "test",
    protocol: str = "terrain",
    seed: int = 0,
    resamples: int = 1000,
    taxonomy: Taxonomy = MARS,
) -> Scores:
    """Let a baseline learn from the training part, and score it on another.

    Args:
        name: A name in `BASELINES`.
        samples: All labeled samples, which the split's indices count.
        split: From `split_samples`, or of a run.
        part: `train`, `val` or `test`: what is scored.
        protocol: The headline protocol.
        seed: Of the baseline's own draws.
        resamples: Bootstrap resamples for the intervals; 0 for none.
        taxonomy: The classes.

    Raises:
        AreosegError: No such baseline, part or protocol, or no samples in that part.
    """
    chosen = baseline(name)
    scored = samples.select(split.part(part))
    if not len(scored) or scored.masks is None:
        raise AreosegError(f"no labeled samples in the part {part!r} to score {name} on")
    masks = chosen.predict(samples.select(split.train), scored.images, seed=seed, taxonomy=taxonomy)
    return evaluate_predictions(
        masks,
        scored.masks,
        groups=scored.groups,
        taxonomy=taxonomy,
        protocol=protocol,
        resamples=resamples,
    )
