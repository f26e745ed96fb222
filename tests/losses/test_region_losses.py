"""Dice, Jaccard, Tversky and Lovász, each against its formula in numpy."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from areoseg.losses.region import (
    dice,
    focal_tversky,
    jaccard,
    lovasz_softmax,
    lovasz_weights,
    tversky,
)
from areoseg.taxonomy import VOID

WEIGHTS = torch.tensor([0.2, 1.0, 1.5, 2.0, 7.0])
LOSSES = [dice, jaccard, tversky, focal_tversky, lovasz_softmax]


def per_class(logits, targets):
    """For each class present: its index, its probabilities (P,) and its truth (P,)."""
    known = targets.numpy() != VOID
    probabilities = np.moveaxis(softmax(logits.double().numpy(), axis=1), 1, -1)[known]
    labels = targets.numpy()[known]
    return [(k, probabilities[:, k], labels == k) for k in np.unique(labels)]


def dice_of(p, y):
    return 1 - 2 * (p * y).sum() / (p.sum() + y.sum())


def jaccard_of(p, y):
    return 1 - np.minimum(p, y).sum() / np.maximum(p, y).sum()


def tversky_of(p, y):
    hit, miss, alarm = (p * y).sum(), ((1 - p) * y).sum(), (p * ~y).sum()
    return 1 - hit / (hit + 0.7 * miss + 0.3 * alarm)


def focal_tversky_of(p, y):
    return tversky_of(p, y) ** 0.75


def lovasz_of(p, y):
    """The integral over t of the Jaccard loss with the pixels of error >= t wrong."""
    errors = np.abs(y - p)
    thresholds = np.unique(np.concatenate([[0], errors]))
    total = 0.0
    for low, high in itertools.pairwise(thresholds):
        wrong = errors >= high
        total += (high - low) * (1 - (y & ~wrong).sum() / (y | wrong).sum())
    return total


FORMULAS = [dice_of, jaccard_of, tversky_of, focal_tversky_of, lovasz_of]


@pytest.mark.parametrize(("loss", "formula"), list(zip(LOSSES, FORMULAS, strict=True)))
@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("missing", [(), (1, 4)])
def test_a_region_loss_is_its_formula_over_the_classes_present(
    make_batch, loss, formula, weights, missing
):
    logits, targets = make_batch(3, images=3)
    for label in missing:
        targets[targets == label] = 0
    classes = per_class(logits, targets)
    assert len(classes) == 5 - len(missing)
    shares = [1.0 if weights is None else weights[k].item() for k, _, _ in classes]
    expected = np.average([formula(p, y) for _, p, y in classes], weights=shares)
    actual = loss(logits, targets, class_weights=weights)
    assert actual.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_generalized_dice_is_its_formula(make_batch, weights):
    logits, targets = make_batch(4)
    above = below = 0.0
    for k, p, y in per_class(logits, targets):
        weight = (1.0 if weights is None else weights[k].item()) / y.sum() ** 2
        above += weight * (p * y).sum()
        below += weight * (p.sum() + y.sum())
    actual = dice(logits, targets, class_weights=weights, generalized=True)
    assert actual.item() == pytest.approx(1 - 2 * above / below, rel=1e-5)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_on_hard_predictions_lovasz_and_jaccard_are_one_minus_the_score(make_batch, seed):
    logits, targets = make_batch(seed)
    guess = logits.argmax(dim=1)
    hard = 1e3 * torch.nn.functional.one_hot(guess, 5).movedim(-1, 1).float()
    known = targets != VOID
    scores = []
    for label in targets[known].unique():
        actual, said = (targets == label) & known, (guess == label) & known
        scores.append(((actual & said).sum() / (actual | said).sum()).item())
    for loss in (lovasz_softmax, jaccard):
        assert loss(hard, targets).item() == pytest.approx(1 - np.mean(scores), abs=1e-6)


def test_the_weights_of_lovasz_are_the_steps_of_the_jaccard_loss(make_batch):
    logits, targets = make_batch(9, images=3)
    targets[targets == 4] = 0
    known = targets.flatten() != VOID
    assert not known.all()
    probabilities = logits.softmax(dim=1).movedim(1, 0).flatten(1)
    truth = targets.flatten() == torch.arange(5)[:, None]
    errors = torch.where(truth, 1 - probabilities, probabilities).where(known, -1)
    weights = lovasz_weights(errors, truth)  # on the CPU, float32 is sorted in its own way
    torch.testing.assert_close(weights, lovasz_weights(errors.double(), truth).float())
    assert not weights[:, ~known].any()
    torch.testing.assert_close(weights.sum(dim=1), torch.tensor([1.0, 1, 1, 1, 0]))
    for k, p, y in per_class(logits, targets):
        order = np.argsort(-np.abs(y - p))
        losses = 1 - (y.sum() - y[order].cumsum()) / (y.sum() + (~y[order]).cumsum())
        steps = np.empty(len(order))
        steps[order] = np.diff(losses, prepend=0)
        np.testing.assert_allclose(weights[k, known], steps, atol=1e-7)


@pytest.mark.parametrize("right", [0, 1])
def test_lovasz_is_exact_for_certain_predictions_beside_void(right):
    targets = torch.tensor([[[0, 1, VOID, VOID]]])
    label = torch.tensor([[[0, 1, 0, 1]]])
    guess = label if right else 1 - label
    logits = 1e3 * torch.nn.functional.one_hot(guess, 2).movedim(-1, 1).float()
    logits.requires_grad_()
    loss = lovasz_softmax(logits, targets)
    loss.backward()
    assert loss.item() == 1 - right
    assert not logits.grad[..., 2:].any()


def test_tversky_with_equal_prices_is_dice(make_batch):
    logits, targets = make_batch(5)
    torch.testing.assert_close(tversky(logits, targets, delta=0.5), dice(logits, targets))


def test_focal_tversky_with_power_one_is_tversky(make_batch):
    logits, targets = make_batch(6)
    torch.testing.assert_close(focal_tversky(logits, targets, gamma=1.0), tversky(logits, targets))


def test_a_high_delta_prices_misses_above_false_alarms():
    truth = torch.tensor([[[0, 0, 0, 1, 1, 1]]])
    says_more, says_less = torch.tensor([0, 0, 1, 1, 1, 1]), torch.tensor([0, 0, 0, 0, 1, 1])
    ones_only = torch.tensor([0.0, 1.0])
    more, less = (
        tversky(
            50.0 * torch.nn.functional.one_hot(guess, 2).T[None, :, None].float(),
            truth,
            class_weights=ones_only,
            delta=0.9,
        ).item()
        for guess in (says_more, says_less)
    )
    assert more == pytest.approx(1 - 3 / 3.1)
    assert less == pytest.approx(1 - 2 / 2.9)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_region_loss_counts_over_the_batch_and_not_image_by_image(make_batch, loss):
    logits, targets = make_batch(7, images=2)
    beside = torch.cat(list(logits), dim=-1)[None], torch.cat(list(targets), dim=-1)[None]
    torch.testing.assert_close(loss(*beside), loss(logits, targets))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_without_weight_is_left_out(make_batch, loss):
    logits, targets = make_batch(8)
    only_background = torch.zeros_like(targets)
    weights = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0])
    assert loss(logits, only_background, class_weights=weights) == 0
