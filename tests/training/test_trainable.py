"""Training of some modules only, such as a gate head on a trained network."""

import pytest
import torch

import areoseg
from areoseg.errors import AreosegError
from areoseg.models import create_model
from areoseg.models.adjust import train_only
from areoseg.models.layers.gate_head import GateHead
from areoseg.models.layers.normalization import batch_norm
from areoseg.recipes import load_recipe
from areoseg.runs.compatibility import check_initial_weights, check_same_architecture
from areoseg.runs.run import build_segmenter, open_run

SMALL = ["model.widths=[8,16,24]", "model.depths=[1,1,1]", "model.decoder_depths=[1,1]"]
GATE_HEAD = ["data.background=gate", "model.gate_width=8", "training.trainable=[gate]"]


@pytest.fixture(scope="module")
def terrain_run(homework_npz, tiny, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "terrain"
    overrides = [*tiny, *SMALL, "data.audit=false", "training.epochs=2"]
    return areoseg.train("flagship", homework_npz, out, overrides=overrides, threads=1)


@pytest.fixture(scope="module")
def gated_run(homework_npz, tiny, terrain_run):
    out = terrain_run.path.parent / "gated"
    overrides = [*tiny, *SMALL, *GATE_HEAD, "data.audit=false", "training.epochs=2"]
    return areoseg.train(
        "flagship", homework_npz, out, overrides=overrides, init_from=terrain_run.path, threads=1
    )


def test_only_the_gate_head_is_trained(terrain_run, gated_run):
    before = terrain_run.segmenter(fold=False).network.state_dict()
    after = gated_run.segmenter(fold=False).network.state_dict()
    assert after.keys() - before.keys() == {name for name in after if name.startswith("gate.")}
    head = ("head.weight", "head.bias")  # their unused row of background is reset
    for name, value in before.items():
        if name in head:
            assert torch.equal(after[name][1:], value[1:]), name
        else:
            assert torch.equal(after[name], value), name
    assert after["gate.logit.weight"].abs().max() > 0


def test_terrain_predictions_do_not_change(terrain_run, gated_run):
    images = torch.rand(2, 1, 64, 128)
    with torch.inference_mode():
        before = terrain_run.segmenter()(images)[:, 1:].softmax(1)
        after = gated_run.segmenter()(images).softmax(1)
    terrain = after[:, 1:] / after[:, 1:].sum(1, keepdim=True)
    torch.testing.assert_close(terrain, before, rtol=1e-3, atol=1e-4)
    assert after[:, 0].max() > 1e-3


def test_resume_freezes_the_same_modules(gated_run):
    network = build_segmenter(gated_run.recipe, gated_run.taxonomy).network
    train_only(network, gated_run.recipe.training.trainable)
    assert {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad} == {
        "gate"
    }
    assert network.gate.training
    assert not network.encoder.training


def test_no_names_train_every_module():
    network = create_model("compact-unet", gate_width=8)
    train_only(network, ())
    assert network.training
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_random_weights_cannot_be_frozen(tiny):
    recipe = load_recipe("flagship", [*tiny, *SMALL, *GATE_HEAD])
    with pytest.raises(AreosegError, match="--init-from"):
        check_initial_weights(None, recipe, None)


def test_weights_with_and_without_gate_are_not_averaged(terrain_run, gated_run):
    for runs in ([terrain_run, gated_run], [gated_run, terrain_run]):
        with pytest.raises(AreosegError, match="model options"):
            check_same_architecture([open_run(run.path) for run in runs])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["training.trainable=[gate]"], "compact-unet has no module 'gate'"),
        (["training.trainable=[heads]"], "did you mean 'head'"),
        (["model.gate_width=8"], "needs data.background=gate"),
        ([*GATE_HEAD, "training.swa=0.2"], "remove swa or trainable"),
        (["data.background=gate", "model.gate_width=8", "model.gate_class=2"], "from the data"),
    ],
)
def test_recipes_that_cannot_work_are_refused(overrides, message):
    with pytest.raises(AreosegError, match=message):
        load_recipe("flagship", overrides)


@pytest.mark.parametrize("gate_class", [0, 2, 4])
def test_the_gate_head_computes_the_logit_of_background_only(gate_class):
    torch.manual_seed(0)
    plain = create_model("compact-unet").eval()
    torch.manual_seed(0)
    gated = create_model("compact-unet", gate_width=8, gate_class=gate_class).eval()
    gated.load_state_dict(plain.state_dict(), strict=False)
    images = torch.rand(1, 1, 70, 90)
    with torch.inference_mode():
        expected, logits = plain(images), gated(images)
    others = [index for index in range(5) if index != gate_class]
    torch.testing.assert_close(logits[:, others], expected[:, others])
    assert not torch.allclose(logits[:, gate_class], expected[:, gate_class])


def test_the_gate_head_has_the_size_of_its_finest_features():
    head = GateHead((6, 8, 12), 4, norm=batch_norm)
    features = [torch.rand(2, c, 16 // s, 24 // s) for c, s in ((6, 1), (8, 2), (12, 4))]
    assert head(features).shape == (2, 1, 16, 24)
