"""What a model answers where there is ground, and where there certainly is none.

The protocols count labeled pixels. These two rates say what they leave out: whether a model gives
up labeled ground as background, and whether it recognizes the sky and the rover.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from areoseg.data.ground import find_not_ground
from areoseg.metrics.confusion import Counts, ratio
from areoseg.metrics.stacks import Labels
from areoseg.taxonomy import Taxonomy


def lost_ground(confusion: Counts, taxonomy: Taxonomy) -> float:
    """Return the share of the labeled terrain pixels that are predicted as background.

    Args:
        confusion: (C, C), rows are true classes.
        taxonomy: The C classes.

    Returns:
        0 to 1; NaN without labeled terrain.

    Examples:
        >>> lost_ground(np.array([[5, 0], [1, 9]]), taxonomy_of(["background", "soil"]))
        0.1
    """
    terrain = confusion[list(taxonomy.terrain)]
    return float(ratio(terrain[:, taxonomy.background].sum(), terrain.sum()))


def found_background(
    predictions: Sequence[Labels] | Labels,
    targets: Sequence[Labels] | Labels,
    taxonomy: Taxonomy,
    not_ground: Sequence[NDArray[np.bool_] | None] | None = None,
) -> float:
    """Return the share of the certain background that is predicted as background.

    Args:
        predictions: N masks (H, W) of class indices.
        targets: N masks of the same sizes; see `areoseg.data.ground.find_not_ground`.
        taxonomy: The classes.
        not_ground: N arrays (H, W) bool, the pixels that are certainly not ground; None where
            this is unknown and the targets decide.

    Returns:
        0 to 1; NaN without such pixels.
    """
    found = total = 0
    known = [None] * len(targets) if not_ground is None else not_ground
    for prediction, target, certain in zip(predictions, targets, known, strict=True):
        if certain is None:
            certain = find_not_ground(np.asarray(target) == taxonomy.background)
        found += int((np.asarray(prediction)[certain] == taxonomy.background).sum())
        total += int(certain.sum())
    return found / total if total else float("nan")
