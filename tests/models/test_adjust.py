"""What a recipe may change about a network, on every registered model."""

from typing import get_args

import pytest
import torch
from test_contract import NAMES, build
from torch import nn

from areoseg.errors import AreosegError
from areoseg.models.adjust import adjust_network
from areoseg.models.layers.initialize import SCHEMES
from areoseg.models.layers.normalization import fold_standardization
from areoseg.models.layers.regularization import DropBlock
from areoseg.recipes.schema import NetworkSettings
from areoseg.testing import all_logits, random_images, training_size

OPTIONS = {
    "he": {"initialization": "he"},
    "xavier": {"initialization": "xavier"},
    "orthogonal": {"initialization": "orthogonal"},
    "zero_last_gamma": {"zero_last_gamma": True},
    "weight_standardization": {"weight_standardization": True},
    "dropblock": {"dropblock": 3},
    "drop_path": {"drop_path": 0.3},
}

RESIDUAL = {"compact-unet", "unet-resse", "unet-xception", "rockseg"}
TRANSFORMERS = {"unet-transformer", "light4mars-t", "light4mars-s", "light4mars-b"}
WITH_DROPOUT = {
    "unet-classic",
    "unet-l",
    "unet-l-small",
    "unet-groupnorm",
    "unet-aspp",
    "dual-unet",
}
SUITED = {
    "zero_last_gamma": RESIDUAL,
    "drop_path": RESIDUAL | TRANSFORMERS,
    "dropblock": WITH_DROPOUT,
    "weight_standardization": set(NAMES) - {"unet-classic", "turkeyseg"},
}
"""The models that have something that the option changes; other options suit all."""

PAIRS = [(name, option) for name in NAMES for option in OPTIONS]


def suits(name, option):
    return name in SUITED.get(option, NAMES)


def adjusted(name, *options, seed=0):
    network = build(name, seed=seed)
    for option in options:
        adjust_network(network, **OPTIONS[option])
    return network


@pytest.mark.parametrize(("name", "option"), PAIRS)
def test_an_adjusted_network_takes_a_step_or_says_why_it_cannot_be_adjusted(name, option):
    if not suits(name, option):
        with pytest.raises(AreosegError, match=f"^network.{option}: .* has no ") as caught:
            adjusted(name, option)
        assert "\n" not in str(caught.value)
        return
    network = adjusted(name, option).train()
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    images = random_images(2, 1, *training_size(network))
    sum(logits.square().mean() for logits in all_logits(network(images))).backward()
    optimizer.step()
    after = list(network.parameters())
    assert all(parameter.isfinite().all() for parameter in after)
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_parameters_keep_their_names_and_shapes(name):
    plain = build(name)
    network = adjusted(name, *(option for option in OPTIONS if suits(name, option)))
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    assert shapes == {key: value.shape for key, value in plain.state_dict().items()}


@pytest.mark.parametrize("name", sorted(WITH_DROPOUT | RESIDUAL | TRANSFORMERS))
def test_what_is_dropped_in_training_changes_no_prediction(name):
    options = [option for option in ("dropblock", "drop_path") if suits(name, option)]
    images = random_images(2, 1, *training_size(build(name)))
    with torch.no_grad():
        expected = build(name).eval()(images)
        assert torch.equal(adjusted(name, *options).eval()(images), expected)
        network = adjusted(name, *options)
        for norm in network.modules():  # batch statistics are the same in training then
            if isinstance(norm, nn.BatchNorm2d):
                norm.eval()
        network.train()
        first, other = (all_logits(network(images))[0] for _ in range(2))
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", NAMES)
def test_an_adjusted_network_exports_as_plainly_as_the_model(name):
    options = [option for option in OPTIONS if suits(name, option)]
    network = adjusted(name, *options).eval()
    images = random_images(1, 1, *training_size(network))
    with torch.no_grad():
        expected = network(images)
        fold_standardization(network)
        torch.testing.assert_close(network(images), expected)
        program = torch.export.export(network, (images,))
        torch.testing.assert_close(program.module()(images), expected, atol=1e-5, rtol=1e-4)
    plain = torch.export.export(build(name).eval(), (images,))
    assert operations(program) == operations(plain)


def operations(program):
    """What a program computes, but for dropout, which is the identity in evaluation."""
    called = [str(node.target) for node in program.graph.nodes if node.op == "call_function"]
    return [name for name in called if "dropout" not in name]


def test_by_default_nothing_changes():
    plain, network = build("unet-resse"), build("unet-resse")
    state = torch.get_rng_state()
    adjust_network(network, **NetworkSettings().model_dump())
    assert torch.equal(torch.get_rng_state(), state)
    assert str(network) == str(plain)
    for key, value in plain.state_dict().items():
        assert torch.equal(network.state_dict()[key], value)


def test_the_recipe_knows_every_scheme():
    (literal, _) = get_args(NetworkSettings.model_fields["initialization"].annotation)
    assert set(get_args(literal)) == set(SCHEMES)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(AreosegError, match=r"no scheme 'lecun': use he, xavier, orthogonal"):
        adjust_network(build("unet"), initialization="lecun")


def test_dropblock_has_the_rates_of_the_dropout_that_it_replaces():
    network = adjusted("unet-groupnorm", "dropblock")
    layers = [layer for layer in network.modules() if isinstance(layer, DropBlock)]
    assert [(layer.rate, layer.size) for layer in layers] == [(0.3, 3), (0.2, 3), (0.1, 3)]


def test_dropout_of_rate_zero_is_nothing_to_replace():
    with pytest.raises(AreosegError, match=r"raise model\.dropout"):
        adjust_network(build("unet-l", dropout=0.0), dropblock=3)
