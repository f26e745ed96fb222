"""The attention models have the sizes that their sources give; all their variants work."""

import pytest
import torch
from torch import nn

from areoseg.errors import AreosegError
from areoseg.models import create_model, model_cost

# Name, options, millions of parameters and of multiply-accumulates for one 64x128 image, 5
# classes. The products of Q, K and V count.
SIZES = [
    ("unet-attention", {}, 2.096, 1363),
    ("unet-transformer", {}, 3.532, 1544),
    ("attention-uwnet", {}, 4.68, 611),
    ("attention-uwnet", {"width": 32}, 16.9, 2384),
    ("attention-uwnet", {"variant": "homework"}, 1.950, 1334),
    ("rockseg", {}, 5.357, 1353),
    ("rockseg", {"variant": "homework"}, 3.08, 1900),
    ("turkeyseg", {}, 13.66, 7430),
    ("turkeyseg", {"variant": "normalized"}, 13.66, 7430),
    ("light4mars-t", {}, 0.102, 15.3),
    ("light4mars-s", {}, 1.50, 163),
    ("light4mars-b", {}, 2.57, 283),
    ("light4mars-s", {"windows": (8, 8, 8, 8)}, 1.50, 173),
    ("light4mars-b", {"windows": (8, 8, 8, 8)}, 2.57, 303),
    ("light4mars-s", {"variant": "official"}, 1.50, 163),
]

# Variants that the shared contract does not build, made narrow.
VARIANTS = [
    ("attention-uwnet", {"variant": "homework", "width": 8}),
    ("rockseg", {"variant": "homework", "widths": (8, 8, 16, 16)}),
    (
        "turkeyseg",
        {"variant": "normalized", "global_widths": (16, 32, 32), "local_widths": (16, 32)}
        | {"reduction": 2},
    ),
    (
        "light4mars-t",
        {"variant": "official", "widths": (8, 16), "depths": (1, 1), "heads": (1, 2)}
        | {"windows": (8, 4), "drop_path": 0.0},
    ),
    ("unet-attention", {"widths": (4, 8, 16), "deep_supervision": False}),
]


def create_on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


@pytest.mark.parametrize(("name", "options", "parameters", "macs"), SIZES)
def test_sizes_are_those_of_the_source_within_one_percent(name, options, parameters, macs):
    cost = model_cost(create_on_meta(name, **options), 1, 64, 128)
    assert cost.parameters / 1e6 == pytest.approx(parameters, rel=0.01)
    assert cost.macs / 1e6 == pytest.approx(macs, rel=0.01)


@pytest.mark.parametrize(("size", "macs"), [("t", 490), ("s", 5320), ("b", 9230)])
def test_light4mars_has_the_official_cost_at_the_official_size(size, macs):
    model = create_on_meta(f"light4mars-{size}", in_channels=3, windows=(7, 7, 7, 7))
    assert model_cost(model, 3, 512, 512).macs / 1e6 == pytest.approx(macs, rel=0.01)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_variants_answer_any_size_and_pass_gradient_to_every_parameter(name, options):
    torch.manual_seed(0)
    model = create_model(name, in_channels=3, classes=4, **options).train()
    logits = model(torch.rand(2, 3, 33, 50))
    assert logits.shape == (2, 4, 33, 50)
    (logits * torch.randn_like(logits)).sum().backward()
    for path, parameter in model.named_parameters():
        assert parameter.grad is not None, path
        assert parameter.grad.isfinite().all(), path
        assert parameter.grad.abs().max() > 0, path


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_variants_learn(name, options):
    torch.manual_seed(0)
    model = create_model(name, classes=2, **options).train()
    images = nn.functional.avg_pool2d(torch.randn(4, 1, 32, 32), 5, stride=1, padding=2)
    images = images / images.std()
    targets = (images[:, 0] > 0).long()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(15):
        loss = nn.functional.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_exported_variants_answer_alike(name, options):
    torch.manual_seed(0)
    model = create_model(name, **options).eval()
    images = torch.rand(2, 1, 32, 48)
    program = torch.export.export(model, (images,))
    with torch.no_grad():
        torch.testing.assert_close(program.module()(images), model(images))


def test_the_finest_skip_of_an_attention_unet_has_no_gate():
    model = create_on_meta("unet-attention", widths=(4, 8, 16, 32))
    assert [gate.weigh_skip.in_channels for gate in model.gates] == [16, 8]


def test_deep_supervision_weighs_the_finer_levels_more_and_is_silent_in_evaluation():
    model = create_model("unet-attention", widths=(4, 8, 16, 32), deep_supervision=True)
    images = torch.rand(2, 1, 16, 32)
    assert model.auxiliary_weights == (0.5, 0.25)
    assert [tuple(logits.shape[2:]) for logits in model(images)] == [(16, 32), (8, 16), (4, 8)]
    assert model.eval()(images).shape == (2, 5, 16, 32)


def test_attention_uwnet_looks_at_the_bridge_and_not_at_the_encoder_in_its_first_step_up():
    model = create_model("attention-uwnet", width=4).eval()
    seen = {}
    model.bridge_up.register_forward_hook(lambda _, __, output: seen.update(bridge=output))
    model.decoder[0].register_forward_pre_hook(lambda _, inputs: seen.update(skip=inputs[0]))
    model(torch.rand(1, 1, 32, 32))
    assert seen["skip"] is seen["bridge"]


def test_turkeyseg_of_the_homework_has_no_normalization():
    norms = (nn.GroupNorm, nn.LayerNorm, nn.BatchNorm2d)

    def count(variant):
        model = create_on_meta("turkeyseg", variant=variant)
        return sum(isinstance(layer, norms) for layer in model.modules())

    assert count("unnormalized") == 0
    assert count("normalized") > 20


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("attention-uwnet", {"variant": "w"}, "no variant 'w': choose from paper, homework"),
        ("rockseg", {"variant": "w"}, "choose from paper, homework"),
        ("turkeyseg", {"variant": "w"}, "choose from unnormalized, normalized"),
        ("light4mars-t", {"variant": "w"}, "choose from paper, official"),
        ("rockseg", {"widths": (8, 8, 8, 24)}, "24, must be a multiple of 4 \\* heads = 16"),
        ("unet-transformer", {"heads": 3}, "heads=3 does not divide .* 256"),
        ("light4mars-t", {"windows": (8, 8)}, "windows has 2 entries and widths has 4"),
        ("light4mars-t", {"heads": (3, 2, 4, 8)}, "heads=3 of stage 0 does not divide its width 8"),
        ("light4mars-t", {"widths": (8, 16, 24, 48)}, "16 does not divide the next one, 24"),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, message):
    with pytest.raises(AreosegError, match=message):
        create_on_meta(name, **options)
