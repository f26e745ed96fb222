import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from areoseg.taxonomy import VOID


@pytest.fixture
def make_batch():
    """Makes logits and targets: blobs of every class, some void, no class missing."""

    def make(seed=0, images=2, classes=5, height=7, width=9, void=0.15, dtype=torch.float32):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(images, classes, height, width))
        targets = gaussian_filter(noise, (0, 0, 1, 1)).argmax(axis=1)
        targets[rng.random(targets.shape) < void] = VOID
        targets.flat[:classes] = np.arange(classes)
        logits = torch.from_numpy(2 * rng.normal(size=noise.shape)).to(dtype)
        return logits, torch.from_numpy(targets)

    return make
