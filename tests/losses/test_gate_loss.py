"""The loss of networks with a background gate."""

import pytest
import torch
from torch.nn import functional

from areoseg.losses import build_loss
from areoseg.losses.gate import GatedLoss, gate_loss
from areoseg.models.gate import GAIN
from areoseg.taxonomy import VOID


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 5, 8, 8, generator=generator)
    targets = torch.randint(0, 5, (2, 8, 8), generator=generator)
    targets[:, 0] = VOID
    return logits, targets


def terrain_loss(terms=None, auxiliary_weights=()):
    return build_loss(
        terms or {"ce": 1.0},
        class_weights=None,
        classes=4,
        background=0,
        auxiliary_weights=auxiliary_weights,
    )


def test_gate_loss_is_the_cross_entropy_of_known_pixels(batch):
    logits, targets = batch
    known = targets != VOID
    expected = functional.binary_cross_entropy_with_logits(
        logits[:, 2][known], (targets == 2)[known].float()
    )
    torch.testing.assert_close(gate_loss(logits[:, 2], targets, 2), expected)


def test_class_weights_weight_the_pixels_of_a_class(batch):
    logits, targets = batch
    known, weights = targets != VOID, torch.tensor([1.0, 0.0, 2.0, 0.5, 4.0])
    expected = functional.binary_cross_entropy_with_logits(
        logits[:, 0][known], (targets == 0)[known].float(), weight=weights[targets[known]]
    )
    expected = expected * known.sum() / weights[targets[known]].sum()
    torch.testing.assert_close(gate_loss(logits[:, 0], targets, 0, weights), expected)


def test_gate_loss_without_known_pixels_is_zero():
    odds = torch.randn(1, 4, 4, requires_grad=True)
    loss = gate_loss(odds, torch.full((1, 4, 4), VOID), 0)
    loss.backward()
    assert loss == 0
    assert (odds.grad == 0).all()


@pytest.mark.parametrize("background", [0, 2, 4])
def test_the_terrain_is_scored_on_labeled_ground_only(batch, background):
    logits, targets = batch
    loss = GatedLoss(terrain_loss(), background=background, weight=0.5)
    total, values = loss(logits, targets)
    ground = (targets != VOID) & (targets != background)
    terrain = [index for index in range(5) if index != background]
    of_ground = logits[:, terrain].movedim(1, -1)[ground]
    classes = torch.tensor([terrain.index(int(target)) for target in targets[ground]])
    cross_entropy = functional.cross_entropy(of_ground, classes)
    torch.testing.assert_close(values["ce"], cross_entropy)
    gate = gate_loss(GAIN * logits[:, background], targets, background)
    torch.testing.assert_close(values["gate"], gate)
    torch.testing.assert_close(total, cross_entropy + 0.5 * gate)


def test_the_gate_and_the_terrain_do_not_compete(batch):
    logits, targets = batch
    logits[:, 0] /= 10  # within the range of float32 after the gain
    logits.requires_grad_()
    GatedLoss(terrain_loss({"ce": 1.0, "lovasz": 1.0}), background=0)(logits, targets)[0].backward()
    on_background = targets == 0
    assert (logits.grad[:, 1:].movedim(1, -1)[on_background] == 0).all()
    assert (logits.grad[:, 0][on_background] < 0).all()  # raises the odds of background
    assert (logits.grad[:, 0][(targets > 0) & (targets != VOID)] > 0).all()


def test_auxiliary_outputs_enter_the_terrain_loss(batch):
    logits, targets = batch
    auxiliary = logits[:, :, ::2, ::2]
    loss = GatedLoss(terrain_loss(auxiliary_weights=(0.5,)), background=0)
    total, values = loss((logits, auxiliary), targets)
    torch.testing.assert_close(total, values["ce"] + values["auxiliary"] + values["gate"])
