"""Which samples make up the batch of a training step.

A batch is a pure function of the seed and the step, so that a run can be repeated, resumed in the
middle, or spread over processes without any loader's state.
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
    """The samples of training step `step`, drawn without replacement within each pass.

    Args:
        step: The training step, from 0.
        samples: How many samples there are.
        batch_size: How many a batch takes.
        seed: The run's seed.
        rare: Indices of the samples that hold the rare class.
        rare_share: Share of each batch that is drawn from `rare` alone, 0 to 1; these samples go
            through passes of their own.

    Returns:
        (batch_size,) int64 indices in 0..samples-1.
    """
    from_rare = round(rare_share * batch_size) if rare is not None and len(rare) else 0
    everyone = _endless_passes(step, samples, batch_size - from_rare, (seed, 0))
    if not from_rare or rare is None:
        return everyone
    return np.concatenate([everyone, rare[_endless_passes(step, len(rare), from_rare, (seed, 1))]])


def further_indices(step: int, *, samples: int, batch_size: int, seed: int) -> NDArray[np.int64]:
    """The samples that step `step` takes from a second set, drawn like those of the first.

    Args:
        step: The training step, from 0.
        samples: How many samples the second set has.
        batch_size: How many of them a batch takes.
        seed: The run's seed.

    Returns:
        (batch_size,) int64 indices in 0..samples-1.
    """
    return _endless_passes(step, samples, batch_size, (seed, 2))


def _endless_passes(step: int, size: int, take: int, key: tuple[int, int]) -> NDArray[np.int64]:
    """Positions `step * take` onward of shuffled passes over `size` things, joined end to end."""
    positions = np.arange(step * take, (step + 1) * take)
    return np.array(
        [_shuffled_pass(size, position // size, key)[position % size] for position in positions],
        dtype=np.int64,
    )


@lru_cache(maxsize=8)
def _shuffled_pass(size: int, number: int, key: tuple[int, int]) -> NDArray[np.int64]:
    return np.random.default_rng((*key, number)).permutation(size)
