"""The loss in the code of The Backpropagators, step by step in numpy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import sobel
from scipy.special import softmax

from areoseg.errors import AreosegError
from areoseg.losses.backpropagators import backpropagators_code


def reference_loss(logits, targets):
    p = softmax(logits.double().numpy(), axis=1)
    y = np.moveaxis(np.eye(5)[targets.numpy()], -1, 1)
    own = (p * y).sum(axis=1)
    overlap, size = (p * y).sum(axis=(2, 3)), (p + y).sum(axis=(2, 3))
    dice = 1 - ((2 * overlap + 1e-6) / (size + 1e-6)).mean()
    pixels = np.select(
        [targets.numpy() == 0, targets.numpy() == 4],
        [-0.25 * (1 - own) ** 2 * np.log(own), np.full(own.shape, dice)],
        -np.log(own),
    )

    def length(maps):
        down, right = (np.maximum(sobel_of(maps, axis), 0) for axis in (2, 3))
        return np.hypot(down, right)

    def sobel_of(maps, axis):
        images = [[sobel(m, axis=axis - 2, mode="mirror") for m in image] for image in maps]
        return np.array(images)

    bands = length(1 - y) - length(y)
    return pixels.mean() + 0.1 * np.abs(bands * (y - softmax(p, axis=1))).mean()


@pytest.mark.parametrize("missing", [(), (0,), (4,), (1, 2, 3)])
def test_the_value_is_that_of_the_steps_in_numpy(make_batch, missing):
    logits, targets = make_batch(1, images=3, void=0)
    for label in missing:
        targets[targets == label] = 1 if label != 1 else 4
    expected = reference_loss(logits, targets)
    assert backpropagators_code(logits, targets).item() == pytest.approx(expected, rel=1e-5)


def test_the_classes_are_those_asked_for(make_batch):
    logits, targets = make_batch(2, void=0)
    order = torch.tensor([4, 1, 2, 3, 0])
    torch.testing.assert_close(
        backpropagators_code(logits[:, order], order[targets], background=4, big_rock=0),
        backpropagators_code(logits, targets),
    )


@pytest.mark.parametrize("classes", [{"background": 5}, {"big_rock": 5}, {"big_rock": -1}])
def test_a_class_that_is_not_there_is_refused(make_batch, classes):
    with pytest.raises(AreosegError, match="5 classes"):
        backpropagators_code(*make_batch(), **classes)


def test_mirroring_an_image_changes_the_loss_as_in_their_code(make_batch):
    logits, targets = make_batch(3)
    assert not torch.isclose(
        backpropagators_code(logits.flip(-1), targets.flip(-1)),
        backpropagators_code(logits, targets),
    )
