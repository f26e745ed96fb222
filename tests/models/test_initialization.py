import math

import pytest
import torch
from torch import nn

from areoseg.models import create_model
from areoseg.models.layers.convolution import Residual
from areoseg.models.layers.initialize import (
    fan_in,
    fan_out,
    initialize_weights,
    leaky_slope,
    zero_last_gamma,
)


def drawn(layer, scheme, **options):
    torch.manual_seed(0)
    initialize_weights(layer, scheme=scheme, **options)
    return layer.weight.detach()


def expected(layer, draw, **options):
    """What `torch.nn.init` draws for a layer of the same shape, from the same seed."""
    torch.manual_seed(0)
    return draw(torch.empty_like(layer.weight), **options).detach()


def test_he_is_that_of_torch():
    layer = nn.Conv2d(16, 24, 3)
    weight = drawn(layer, "he")
    same = expected(layer, nn.init.kaiming_normal_, nonlinearity="relu")
    torch.testing.assert_close(weight, same)


def test_he_knows_the_slope_of_a_leaky_relu():
    layer = nn.Conv2d(16, 24, 3)
    weight = drawn(layer, "he", negative_slope=0.2)
    torch.testing.assert_close(weight, expected(layer, nn.init.kaiming_normal_, a=0.2))


def test_xavier_is_that_of_torch():
    layer = nn.Conv2d(16, 24, 3)
    torch.testing.assert_close(drawn(layer, "xavier"), expected(layer, nn.init.xavier_uniform_))


def test_xavier_reckons_with_groups_and_strides():
    layer = nn.Conv2d(64, 64, 3, groups=64)
    weight = drawn(layer, "xavier")
    assert weight.abs().max() <= math.sqrt(6 / (9 + 9))
    assert weight.var().item() == pytest.approx(2 / (9 + 9), rel=0.1)
    up = drawn(nn.ConvTranspose2d(32, 16, 2, stride=2), "xavier")
    assert up.var().item() == pytest.approx(2 / (32 + 4 * 16), rel=0.1)


def test_fan_out_is_the_fan_in_of_the_transposed_layer():
    for stride, groups in ((1, 1), (2, 1), (1, 4)):
        layer = nn.Conv2d(8, 12, 3, stride=stride, groups=groups)
        back = nn.ConvTranspose2d(12, 8, 3, stride=stride, groups=groups)
        assert fan_out(layer) == fan_in(back)
        assert fan_out(back) == fan_in(layer)


def test_orthogonal_is_that_of_torch():
    layer = nn.Conv2d(16, 24, 3)
    same = expected(layer, nn.init.orthogonal_, gain=math.sqrt(2))
    torch.testing.assert_close(drawn(layer, "orthogonal"), same)


@pytest.mark.parametrize("groups", [1, 4, 16])
def test_orthogonal_filters_of_a_group_are_orthogonal(groups):
    weight = drawn(nn.Conv2d(16, 16, 3, groups=groups), "orthogonal")
    for filters in weight.flatten(1).chunk(groups):
        torch.testing.assert_close(filters @ filters.T, 2 * torch.eye(len(filters)))


@pytest.mark.parametrize("scheme", ["he", "xavier", "orthogonal"])
def test_biases_start_at_zero_and_linear_layers_are_left_alone(scheme):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4))
    before = network[1].weight.clone()
    initialize_weights(network, scheme=scheme)
    assert torch.equal(network[0].bias, torch.zeros(4))
    assert torch.equal(network[1].weight, before)


def test_the_slope_is_that_of_the_leaky_relus():
    assert leaky_slope(create_model("nnunet")) == 0.01
    assert leaky_slope(create_model("unet")) == 0


@pytest.mark.parametrize("name", ["unet-resse", "unet-xception", "rockseg"])
def test_with_a_zero_last_gamma_every_block_begins_as_its_shortcut(name):
    network = create_model(name)
    answers = []

    def note(block, inputs, answer):
        answers.append((answer.clone(), block.shortcut(inputs[0])))

    blocks = [block for block in network.modules() if isinstance(block, Residual)]
    for block in blocks:
        block.register_forward_hook(note)
    assert zero_last_gamma(network) == len(blocks) > 0
    with torch.no_grad():
        network.eval()(torch.rand(1, 1, 64, 64))
    assert len(answers) == len(blocks)
    for answer, shortcut in answers:
        assert torch.equal(answer, shortcut)


@pytest.mark.parametrize(
    "body",
    [
        nn.Conv2d(4, 4, 1),
        nn.Sequential(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 1)),
        nn.Sequential(nn.BatchNorm2d(4), nn.Sigmoid()),
        nn.Sequential(nn.Conv2d(4, 4, 1), nn.InstanceNorm2d(4)),
    ],
)
def test_a_branch_that_does_not_end_in_a_gamma_is_left_alone(body):
    before = {name: value.clone() for name, value in body.state_dict().items()}
    assert zero_last_gamma(Residual(body)) == 0
    for name, value in body.state_dict().items():
        assert torch.equal(value, before[name])
