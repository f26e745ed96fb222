"""Select the samples of each training batch.

A batch is a pure function of the seed and the step, so that a run can be repeated, resumed or
distributed over processes without the state of a loader.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def batch_indices(
    step: int,
    *,
    samples: int,
    batch_size: int,
    seed: int,
    rare: NDArray[np.int64] | None = None,
    rare_share: float = 0.0,
) -> NDArray[np.int64]:
    """Return the samples of a training step, drawn without replacement within each epoch.

    Args:
        step: The training step, from 0.
        samples: Number of samples.
        batch_size: Number of samples in a batch.
        seed: Seed of the run.
        rare: Indices of the samples with the rare class.
        rare_share: Fraction of each batch, 0 to 1, that is drawn from `rare`, in separate epochs.

    Returns:
        (batch_size,) int64 indices in 0..samples-1.
    """
    n_rare = round(rare_share * batch_size) if rare is not None and len(rare) else 0
    batch = _endless_passes(step, samples, batch_size - n_rare, (seed, 0))
    if not n_rare or rare is None:
        return batch
    return np.concatenate([batch, rare[_endless_passes(step, len(rare), n_rare, (seed, 1))]])


def unlabeled_batch_indices(
    step: int, *, samples: int, batch_size: int, seed: int
) -> NDArray[np.int64]:
    """Return the samples of a training step from a second, unlabeled dataset.

    Args:
        step: The training step, from 0.
        samples: Number of samples of the second dataset.
        batch_size: Number of its samples in a batch.
        seed: Seed of the run.

    Returns:
        (batch_size,) int64 indices in 0..samples-1.
    """
    return _endless_passes(step, samples, batch_size, (seed, 2))


def _endless_passes(step: int, size: int, take: int, key: tuple[int, int]) -> NDArray[np.int64]:
    """Return `take` indices from position `step * take` of shuffled passes over `size` indices."""
    positions = np.arange(step * take, (step + 1) * take)
    return np.array(
        [_shuffled_pass(size, position // size, key)[position % size] for position in positions],
        dtype=np.int64,
    )


@lru_cache(maxsize=8)
def _shuffled_pass(size: int, number: int, key: tuple[int, int]) -> NDArray[np.int64]:
    return np.random.default_rng((*key, number)).permutation(size)
