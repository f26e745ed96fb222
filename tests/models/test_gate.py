"""The background gate of networks."""

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from torch import nn

from areoseg.models.gate import GAIN, choose_class, gated_log_probabilities
from areoseg.models.segmenter import ExportGraph, Segmenter


def random_logits(background, classes=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(2, classes, 3, 6, generator=generator)
    terrain = logits.clone()
    terrain[:, background] = -1e4
    return logits, terrain


@pytest.mark.parametrize("background", [0, 2, 4])
def test_probabilities_are_those_of_the_formula(background):
    logits, terrain = random_logits(background)
    found = gated_log_probabilities(logits[:, [background]], terrain, background).exp().numpy()
    z, others = logits.numpy(), [c for c in range(5) if c != background]
    of_background = expit(z[:, background])
    np.testing.assert_allclose(found[:, background], of_background, rtol=1e-5)
    np.testing.assert_allclose(
        found[:, others], (1 - of_background)[:, None] * softmax(z[:, others], axis=1), rtol=1e-4
    )
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_extreme_odds_stay_finite():
    logits, terrain = random_logits(0)
    logits[:, 0] = torch.tensor([-500.0, 500.0]).view(2, 1, 1)
    found = gated_log_probabilities(logits[:, :1], terrain, 0)
    assert found.isfinite().all()
    np.testing.assert_allclose(found.exp().sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize("background", [0, 3])
def test_above_the_threshold_is_background_and_below_it_the_best_terrain(background):
    logits, terrain = random_logits(background)
    probabilities = gated_log_probabilities(logits[:, [background]], terrain, background).exp()
    chosen = choose_class(probabilities, background, 0.3).numpy()
    values = probabilities.numpy()
    above = values[:, background] > 0.3
    assert above.any()
    assert (~above).any()
    assert (chosen[above] == background).all()
    without = values.copy()
    without[:, background] = -1
    np.testing.assert_array_equal(chosen[~above], without.argmax(axis=1)[~above])


def test_without_a_threshold_the_most_probable_class_is_chosen():
    logits, _ = random_logits(0)
    probabilities = logits.softmax(1)
    assert torch.equal(choose_class(probabilities, 0, None), probabilities.argmax(1))


def gated_segmenter(threshold=0.5):
    torch.manual_seed(0)
    segmenter = Segmenter(
        nn.Conv2d(1, 5, 3, padding=1), mean=0.4, std=0.2, classes=5, gated_class=0
    )
    segmenter.background_threshold.fill_(threshold)
    return segmenter.eval()


def test_temperature_and_offsets_move_the_terrain_but_not_the_gate():
    images = torch.rand(1, 1, 8, 8)
    segmenter = gated_segmenter()
    before = segmenter(images).exp()
    segmenter.temperature.fill_(2.0)
    segmenter.offsets[1:] = torch.tensor([0.5, -1.0, 0.0, 2.0])
    after = segmenter(images).exp()
    torch.testing.assert_close(before[:, 0], after[:, 0])
    assert not torch.allclose(before[:, 1:], after[:, 1:])
    segmenter.uncalibrate()
    torch.testing.assert_close(segmenter(images).exp(), before)


def test_scale_and_offset_move_the_gate_but_not_the_terrain():
    images = torch.rand(1, 1, 8, 8)
    segmenter = gated_segmenter()
    segmenter.network.weight.data[0] /= GAIN
    before = segmenter(images).exp()
    segmenter.gate_scale.fill_(3 * GAIN)
    segmenter.gate_offset.fill_(-0.5)
    after = segmenter(images).exp()
    torch.testing.assert_close(after[:, 0].logit(), 3 * before[:, 0].logit() - 0.5)
    torch.testing.assert_close(
        after[:, 1:] / after[:, 1:].sum(1, True), before[:, 1:] / before[:, 1:].sum(1, True)
    )
    segmenter.uncalibrate_gate()
    torch.testing.assert_close(segmenter(images).exp(), before)


def test_training_mode_returns_the_logits_of_the_network():
    segmenter, images = gated_segmenter().train(), torch.rand(1, 1, 8, 8)
    expected = segmenter.network((images - segmenter.mean) / segmenter.std)
    assert torch.equal(segmenter(images), expected)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_the_exported_graph_uses_the_threshold(threshold):
    images = torch.randint(0, 256, (1, 1, 8, 8), dtype=torch.uint8)
    masks, probabilities = ExportGraph(gated_segmenter(threshold))(images)
    expected = choose_class(probabilities, 0, threshold)
    assert torch.equal(masks.long(), expected)


def test_the_threshold_is_saved_with_the_weights():
    state = gated_segmenter(0.75).state_dict()
    other = gated_segmenter()
    other.load_state_dict(state)
    assert other.threshold == 0.75
    plain = Segmenter(nn.Conv2d(1, 5, 1), mean=0.4, std=0.2, classes=5)
    assert plain.threshold is None
    assert "background_threshold" not in plain.state_dict()
