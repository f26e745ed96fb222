import signal
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars
from areoseg.synthetic import draw_set

torch.set_num_threads(1)  # the suite runs on several processes


@pytest.fixture(scope="session", autouse=True)
def hear_interrupts() -> Iterator[None]:
    """Shells start background jobs deaf to Ctrl-C, and what they start inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def samples() -> SegmentationDataset:
    """A few labeled synthetic tiles, four to a frame."""
    return draw_set(SyntheticMars(height=32, width=64, rock_tiles=0.4), 48)


@pytest.fixture(scope="session")
def homework_npz(samples, tmp_path_factory):
    """The same tiles in the homework's format, five of them without masks, and their groups."""
    path = tmp_path_factory.mktemp("data") / "mars.npz"
    images, masks = samples.stacked()
    np.savez(path, training_set=np.stack([images, masks], axis=1), test_set=images[:5])
    path.with_name("mars_groups.txt").write_text("\n".join(samples.groups) + "\n")
    return path


TINY = [
    "model.widths=[4,8]",
    "training.batch_size=8",
    "training.epochs=3",
    "training.precision=float32",
    "split.val=0.25",
    "split.test=0.25",
]
"""Overrides of the recipe `unet` that train in a second."""


@pytest.fixture(scope="session")
def tiny():
    return list(TINY)
