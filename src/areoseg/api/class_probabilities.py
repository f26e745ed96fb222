"""Class probabilities of labeled samples, for an audit to hold against the masks."""

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from areoseg.inference.predictor import Predictor

Progress = Callable[[str, int, int], None]
"""Called with what is done, how much of it is finished, and all of it."""

BATCH = 32
"""Samples that are shown to a run at once."""


def fitted_probabilities(
    samples: SegmentationDataset,
    *,
    seed: int = 0,
    threads: int | None = None,
    taxonomy: Taxonomy = MARS,
    progress: Progress | None = None,
) -> list[NDArray[np.float16]]:
    """For each sample (C, H, W), by small networks trained on the others; see `cross_fit`.

    Raises:
        AreosegError: There are no masks, or all samples are of one group.
    """
    from areoseg.training.cross_fit import cross_fit
    from areoseg.utils.device import use_threads

    use_threads(threads)
    return cross_fit(samples, seed=seed, taxonomy=taxonomy, progress=progress)


def run_probabilities(
    run: PathLike,
    samples: SegmentationDataset,
    *,
    threads: int | None = None,
    taxonomy: Taxonomy = MARS,
    progress: Progress | None = None,
) -> list[NDArray[np.float16]]:
    """For each sample (C, H, W), by a trained run.

    Raises:
        AreosegError: It is no run, or it answers other classes than `taxonomy`.
    """
    from areoseg.inference import Predictor
    from areoseg.utils.device import use_threads

    answered = open_run(run).taxonomy
    if len(answered) != len(taxonomy):
        raise AreosegError(
            f"--run {run}: answers {len(answered)} classes, but the masks hold {len(taxonomy)}:"
            " give a run that was trained on these classes"
        )
    use_threads(threads)
    predictor = Predictor.load(run, scale=1.0)
    found: list[NDArray[np.float16]] = []
    for _, same_size in groupby(range(len(samples)), key=lambda i: samples.images[i].shape):
        indices = list(same_size)
        for start in range(0, len(indices), BATCH):
            found += _predict(predictor, samples.select(indices[start : start + BATCH]))
            if progress is not None:
                progress("predicting", len(found), len(samples))
    return found


def _predict(predictor: "Predictor", samples: SegmentationDataset) -> list[NDArray[np.float16]]:
    """Probabilities of some samples of one size: together, or in tiles where they are large."""
    from areoseg.utils.images import as_tensor

    images = list(samples.images)
    if max(images[0].shape) <= predictor.tile:
        return list(predictor.probabilities(as_tensor(images)).half().cpu().numpy())
    row_blocks = [
        [row_block.probabilities for row_block in predictor.row_blocks(image)] for image in images
    ]
    return [np.concatenate(each, axis=1).astype(np.float16) for each in row_blocks]
