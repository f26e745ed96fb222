import pytest
import torch
from torch import nn

from areoseg.models import create_model, model_cost, records
from areoseg.models.inspect import list_layers
from areoseg.models.layers.convolution import convolution_block
from areoseg.models.layers.normalization import batch_norm
from areoseg.report.architecture import draw_architecture


def test_layers_come_in_order_of_use_with_shapes_and_costs():
    model = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 5, 1))
    first, last = list_layers(model, 1, 8, 16)
    assert (first.name, first.kind, first.channels) == ("0", "Conv2d", 4)
    assert (first.height, first.width) == (4, 8)
    assert (first.parameters, first.macs) == (40, 4 * 9 * 4 * 8)
    assert (last.name, last.macs) == ("2", 5 * 4 * 4 * 8)


def test_a_layer_that_is_used_twice_is_listed_twice_at_half_the_cost_each():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, images):
            return self.convolution(self.convolution(images))

    layers = list_layers(Twice(), 1, 8, 8)
    assert [layer.macs for layer in layers] == [9 * 64, 9 * 64]


@pytest.mark.parametrize("name", ["unet-l", "turkeyseg", "light4mars-t"])
def test_the_layers_add_up_to_the_model(name, tmp_path):
    with torch.device("meta"):
        model = create_model(name)
    layers = list_layers(model, 1, 64, 128)
    own = {layer.name: layer.parameters for layer in layers}
    cost = model_cost(model, 1, 64, 128)
    assert 0.95 * cost.parameters <= sum(own.values()) <= cost.parameters
    assert sum(layer.macs for layer in layers) <= cost.macs
    draw_architecture(layers, tmp_path / "model.png", title=name, height=64)
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


def test_every_model_has_a_recipe_of_its_name():
    from areoseg.recipes import load_recipe

    for record in records():
        assert load_recipe(record.name).model.name == record.name


@pytest.mark.parametrize("channels_last", [False, True])
def test_a_strided_pointwise_convolution_is_that_of_pytorch(channels_last):
    torch.manual_seed(0)
    ours = convolution_block(4, 8, norm=batch_norm, kernel_size=1, stride=2)[0]
    theirs = torch.nn.Conv2d(4, 8, 1, stride=2, bias=False)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 4, 9, 7)
    if channels_last:
        images = images.to(memory_format=torch.channels_last)
    found = ours(images)
    torch.testing.assert_close(found, theirs(images))
    found.sum().backward()  # corrupts memory with PyTorch's own on processors without AVX-512
    sampled = images[:, :, ::2, ::2].sum(dim=(0, 2, 3)).expand(8, 4)
    torch.testing.assert_close(ours.weight.grad[:, :, 0, 0], sampled, rtol=1e-4, atol=1e-4)
