import numpy as np
import pytest
import torch
from torch import nn

import areoseg
from areoseg.errors import AreosegError
from areoseg.inference import Predictor, TorchEngine
from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS


class Brightness(nn.Module):
    """Answers the class whose gray value, 0 to 4 in fifths, is the nearest."""

    def forward(self, images):
        centers = torch.linspace(0.1, 0.9, 5).view(1, 5, 1, 1)
        return -100 * (images - centers).abs()


def segmenter(masked_classes=()):
    return Segmenter(Brightness(), mean=0.0, std=1.0, classes=5, masked_classes=masked_classes)


def predictor_of(*segmenters, **options):
    return Predictor([TorchEngine(each, MARS) for each in segmenters], **options)


def levels(height=8, width=10):
    """An image of the five gray levels, and the mask that `Brightness` gives for it."""
    mask = np.arange(height * width).reshape(height, width) % 5
    return ((mask * 2 + 1) / 10 * 255).astype(np.uint8), mask


def test_masks_come_back_in_order_whatever_the_sizes():
    sizes = [(8, 10), (8, 10), (4, 6), (8, 10)]
    pairs = [levels(*size) for size in sizes]
    predictor = predictor_of(segmenter(), batch_size=2)
    found = list(predictor.masks([image for image, _ in pairs]))
    for mask, (_, expected) in zip(found, pairs, strict=True):
        assert np.array_equal(mask, expected)
        assert mask.dtype == np.uint8


def test_a_float_image_means_the_same_as_its_bytes():
    image, expected = levels()
    predictor = predictor_of(segmenter())
    (mask,) = predictor.masks([(image / 255).astype(np.float32)])
    assert np.array_equal(mask, expected)


def test_bytes_and_floats_side_by_side_are_each_brought_to_the_same_range():
    image, expected = levels()
    predictor = predictor_of(segmenter())
    for mask in predictor.masks([image, (image / 255).astype(np.float32), image]):
        assert np.array_equal(mask, expected)


def test_an_image_smaller_than_the_stride_is_padded_and_cropped():
    network = create_model("unet", widths=[4, 8, 16])
    small = Segmenter(network, mean=0.0, std=1.0, classes=5).eval()
    assert network.size_divisor == 4
    (mask,) = predictor_of(small).masks([np.full((1, 7), 99, np.uint8)])
    assert mask.shape == (1, 7)


def test_a_class_that_is_never_answered_has_probability_zero():
    image, _ = levels()
    probabilities = predictor_of(segmenter(masked_classes=(0,))).probabilities(
        torch.from_numpy(image).float().div(255)[None, None]
    )
    assert (probabilities[:, 0] == 0).all()
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(1, *image.shape))


def test_probabilities_of_several_models_are_averaged():
    image = torch.rand(2, 1, 8, 8)
    one, other = segmenter(), segmenter(masked_classes=(1, 2))
    both = predictor_of(one, other).probabilities(image)
    alone = [predictor_of(each).probabilities(image) for each in (one, other)]
    assert torch.allclose(both, (alone[0] + alone[1]) / 2)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(AreosegError, match="not a run"):
        areoseg.load(tmp_path)
    with pytest.raises(AreosegError, match="no model"):
        areoseg.load([])
