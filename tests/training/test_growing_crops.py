"""Crops that grow during the training."""

import numpy as np
import pytest
import torch

from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.training.batches import Tensors, TrainingBatches


def batches(pseudo=None):
    pixels = torch.arange(6 * 16 * 32).view(6, 16, 32) % 251
    tensors = Tensors(pixels.to(torch.uint8), (pixels % 5).to(torch.uint8))
    return TrainingBatches(
        tensors,
        batch_size=4,
        seed=1,
        augmentation=lambda images, targets, _: (images, targets),
        void=None,
        rare=np.arange(0),
        pseudo=tensors if pseudo else None,
        labeled_share=0.5 if pseudo else 1.0,
    )


@pytest.mark.parametrize("pseudo", [False, True])
@pytest.mark.parametrize(
    ("progress", "shape"),
    [
        (0.0, (32, 1, 8, 8)),
        (0.33, (32, 1, 8, 8)),
        (0.34, (8, 1, 16, 16)),
        (0.67, (4, 1, 16, 32)),
        (1.0, (4, 1, 16, 32)),
    ],
)
def test_crops_grow_and_every_batch_has_the_same_number_of_pixels(progress, shape, pseudo):
    images, targets = batches(pseudo).cropped_at([8, 16], progress)(0)
    assert images.shape == shape
    assert targets.shape == (shape[0], *shape[2:])


def test_crops_are_windows_of_samples_with_their_masks():
    images, targets = batches().cropped_at([8], 0.0)(3)
    values = (images[:, 0] * 255).round().long()
    assert ((values[:, :, 1:] - values[:, :, :-1]) % 251 == 1).all()  # neighbors stay neighbors
    assert ((values[:, 1:] - values[:, :-1]) % 251 == 32).all()
    assert torch.equal(values % 5, targets)
    assert len({tuple(window.flatten().tolist()) for window in values}) > 10


def test_a_batch_of_crops_is_a_function_of_the_step():
    cropped = batches().cropped_at([8], 0.0)
    assert torch.equal(cropped(5)[0], cropped(5)[0])
    assert not torch.equal(cropped(5)[0], cropped(6)[0])


def test_without_crops_and_with_crops_of_the_whole_sample_nothing_changes():
    whole = batches()
    assert whole.cropped_at([], 0.0) is whole
    assert whole.cropped_at([32, 64], 0.0) is whole


def test_recipes_refuse_crops_without_pixels():
    with pytest.raises(AreosegError, match="crops"):
        load_recipe("unet", ["data.crops=[0]"])


def test_stages_cannot_add_a_gate():
    with pytest.raises(AreosegError, match=r"set data\.background for all"):
        load_recipe("unet", ["stages=[{epochs: 1}, {epochs: 1, data: {background: gate}}]"])
