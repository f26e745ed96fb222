import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.models import create_model, model_cost
from areoseg.models.layers.convolution import convolution_block
from areoseg.models.layers.normalization import (
    StandardizedConvolution,
    batch_norm,
    fold_standardization,
    group_norm,
    standardize,
    standardize_convolutions,
)


def weights(*shape, scale=0.02, shift=0.01):
    generator = torch.Generator().manual_seed(0)
    return (scale * torch.randn(shape, generator=generator) + shift).requires_grad_()


def test_every_filter_has_mean_zero_and_variance_one():
    filters = standardize(weights(8, 16, 3, 3)).detach().numpy().reshape(8, -1)
    np.testing.assert_allclose(filters.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(filters.var(axis=1), 1, rtol=1e-5)


def test_it_is_what_torch_computes_as_layer_norm_with_its_gradient():
    ours, theirs = weights(8, 4, 3, 3), weights(8, 4, 3, 3)
    direction = torch.randn(8, 4, 3, 3)
    one, other = standardize(ours), functional.layer_norm(theirs, theirs.shape[1:], eps=1e-10)
    torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    (one * direction).sum().backward()
    (other * direction).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-3, atol=1e-2)


def test_scale_and_shift_of_a_filter_do_not_count():
    weight = weights(8, 4, 3, 3)
    torch.testing.assert_close(standardize(3 * weight + 1), standardize(weight), atol=1e-4, rtol=0)


def test_a_constant_filter_gives_zeros_and_a_finite_gradient():
    weight = torch.full((2, 3, 1, 1), 0.5, requires_grad=True)
    filters = standardize(weight)
    assert torch.equal(filters, torch.zeros(2, 3, 1, 1))
    filters.sum().backward()
    assert weight.grad.isfinite().all()


@pytest.mark.parametrize(
    "options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "groups": 2}, {"bias": False}]
)
def test_a_standardized_convolution_keeps_geometry_and_names(options):
    plain = nn.Conv2d(4, 6, 3, **options)
    layer = StandardizedConvolution(plain)
    images = torch.randn(2, 4, 9, 11)
    assert layer.state_dict().keys() == plain.state_dict().keys()
    with torch.no_grad():
        folded = layer.plain()
        assert layer.weight is plain.weight
        torch.testing.assert_close(folded(images), layer(images))
        plain.weight.copy_(standardize(plain.weight))
        torch.testing.assert_close(plain(images), folded(images))
    assert str(folded) == str(plain)


def test_only_convolutions_before_a_normalization_that_read_several_channels_are_changed():
    network = nn.Sequential(
        convolution_block(1, 4, norm=batch_norm),  # reads one channel
        convolution_block(4, 4, norm=group_norm()),
        convolution_block(4, 4, norm=None),
        nn.Sequential(nn.Conv2d(4, 4, 3, groups=4), nn.Conv2d(4, 8, 1)),
        nn.BatchNorm2d(8),  # after the last of the chain within
        nn.Conv2d(8, 5, 1),
    )
    assert standardize_convolutions(network) == 2
    changed = [
        name
        for name, layer in network.named_modules()
        if isinstance(layer, StandardizedConvolution)
    ]
    assert changed == ["1.0", "3.1"]


def test_folding_leaves_ordinary_convolutions_that_answer_the_same():
    network = create_model("unet-l", widths=(4, 8, 16)).to(memory_format=torch.channels_last)
    before = str(network)
    changed = standardize_convolutions(network)
    assert changed == 9  # all but the first and the head
    images = torch.rand(2, 1, 32, 48)
    network.eval()
    with torch.no_grad():
        expected = network(images)
    assert fold_standardization(network) == changed
    assert str(network) == before
    with torch.no_grad():
        torch.testing.assert_close(network(images), expected)


def test_the_cost_of_a_network_is_counted_as_before():
    plain = create_model("unet-l", widths=(4, 8))
    network = create_model("unet-l", widths=(4, 8))
    standardize_convolutions(network)
    assert model_cost(network, 1, 32, 64) == model_cost(plain, 1, 32, 64)
