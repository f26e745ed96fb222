import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.inference import TorchEngine
from areoseg.inference.engines import view_probabilities
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS


class Convolution(nn.Module):
    """One fixed convolution that is not symmetric."""

    def __init__(self, size_divisor=1):
        super().__init__()
        self.size_divisor = size_divisor
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("kernel", torch.randn(5, 1, 3, 3, generator=generator))
        self.seen = []

    def forward(self, images):
        self.seen.append(tuple(images.shape))
        return functional.conv2d(images, self.kernel, padding=1)


@pytest.fixture
def engine():
    return TorchEngine(Segmenter(Convolution(), mean=0.0, std=1.0, classes=5), MARS)


@pytest.fixture
def images():
    return torch.rand(2, 1, 12, 20, generator=torch.Generator().manual_seed(1))


def test_one_view_is_the_engine_alone(engine, images):
    assert torch.equal(view_probabilities(engine, images), engine(images))


def test_flips_are_the_mean_with_the_mirrored_answer_to_the_mirrored_image(engine, images):
    expected = (engine(images) + engine(images.flip(3)).flip(3)) / 2
    found = view_probabilities(engine, images, tta_flip=True)
    assert torch.allclose(found, expected)
    assert not torch.allclose(found, engine(images))


def test_scales_are_the_mean_of_the_answers_brought_back(engine, images):
    larger = functional.interpolate(images, (24, 40), mode="bilinear")
    back = functional.avg_pool2d(engine(larger), 2)
    found = view_probabilities(engine, images, tta_scales=(1, 2))
    assert torch.allclose(found.sum(dim=1), torch.ones(2, 12, 20), atol=1e-5)
    # Antialiased halving looks at 4 pixels an axis, the mean of two at 2.
    assert (found - (engine(images) + back) / 2).abs().mean() < 0.02


def test_flips_and_scales_are_shown_together(engine, images):
    network = engine.segmenter.network
    view_probabilities(engine, images, tta_scales=(1, 0.5), tta_flip=True)
    assert network.seen == [(2, 1, 12, 20)] * 2 + [(2, 1, 6, 10)] * 2


def test_edges_that_the_engine_is_given_are_multiples_of_its_stride():
    network = Convolution(size_divisor=8)
    engine = TorchEngine(Segmenter(network, mean=0.0, std=1.0, classes=5), MARS)
    found = view_probabilities(engine, torch.rand(1, 1, 1, 9), tta_scales=(1, 1.5))
    assert found.shape == (1, 5, 1, 9)
    assert network.seen == [(1, 1, 8, 16), (1, 1, 8, 16)]
