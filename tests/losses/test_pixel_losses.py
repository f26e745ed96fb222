"""Cross entropy and its kin, each against its formula."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.special import log_softmax

from areoseg.errors import AreosegError
from areoseg.losses.boundary import edge_cross_entropy
from areoseg.losses.pixel import (
    background_penalty,
    cross_entropy,
    focal,
    hardest,
    ohem_cross_entropy,
)
from areoseg.taxonomy import VOID

WEIGHTS = torch.tensor([0.2, 1.0, 1.5, 2.0, 7.0])


def known_pixels(logits, targets):
    """Log probabilities (P, C) and labels (P,) of the pixels that are not void, in numpy."""
    known = targets.numpy() != VOID
    log_probabilities = log_softmax(logits.double().numpy(), axis=1)
    return np.moveaxis(log_probabilities, 1, -1)[known], targets.numpy()[known]


@pytest.mark.parametrize("weights", [None, WEIGHTS])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_that_of_torch(make_batch, weights, smoothing):
    logits, targets = make_batch()
    expected = F.cross_entropy(
        logits, targets, weight=weights, ignore_index=VOID, label_smoothing=smoothing
    )
    actual = cross_entropy(logits, targets, class_weights=weights, label_smoothing=smoothing)
    torch.testing.assert_close(actual, expected)


def test_cross_entropy_is_the_weighted_mean_of_the_formula(make_batch):
    logits, targets = make_batch(1)
    log_p, labels = known_pixels(logits, targets)
    values = -log_p[np.arange(len(labels)), labels]
    expected = np.average(values, weights=WEIGHTS.numpy()[labels])
    assert cross_entropy(logits, targets, class_weights=WEIGHTS).item() == pytest.approx(expected)


def test_a_batch_of_classes_without_weight_costs_nothing(make_batch):
    logits, targets = make_batch()
    only_background = torch.zeros_like(targets)
    weights = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0])
    for loss in (cross_entropy, focal, ohem_cross_entropy, edge_cross_entropy):
        assert loss(logits, only_background, class_weights=weights) == 0
    assert cross_entropy(logits, only_background, class_weights=weights, label_smoothing=0.1) == 0


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_focal_without_gamma_is_cross_entropy(make_batch, weights):
    logits, targets = make_batch()
    torch.testing.assert_close(
        focal(logits, targets, class_weights=weights, gamma=0.0),
        cross_entropy(logits, targets, class_weights=weights),
    )


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_is_the_weighted_mean_of_the_formula(make_batch, gamma):
    logits, targets = make_batch(2)
    log_p, labels = known_pixels(logits, targets)
    own = log_p[np.arange(len(labels)), labels]
    expected = np.average((1 - np.exp(own)) ** gamma * -own, weights=WEIGHTS.numpy()[labels])
    actual = focal(logits, targets, class_weights=WEIGHTS, gamma=gamma)
    assert actual.item() == pytest.approx(expected, rel=1e-5)


def test_alpha_takes_the_place_of_the_class_weights(make_batch):
    batch = make_batch(3)
    torch.testing.assert_close(
        focal(*batch, class_weights=torch.ones(5), alpha=WEIGHTS.tolist()),
        focal(*batch, class_weights=WEIGHTS),
    )


def test_alpha_needs_a_number_for_each_class(make_batch):
    with pytest.raises(AreosegError, match="alpha has 4 numbers for 5 classes"):
        focal(*make_batch(), alpha=[1, 1, 1, 1])


def test_ohem_that_keeps_every_pixel_is_cross_entropy(make_batch):
    logits, targets = make_batch()
    for kept in ({"threshold": 1.0}, {"threshold": 0.0, "min_kept": 1.0}):
        torch.testing.assert_close(
            ohem_cross_entropy(logits, targets, class_weights=WEIGHTS, **kept),
            cross_entropy(logits, targets, class_weights=WEIGHTS),
        )


def test_ohem_means_over_the_hardest_share(make_batch):
    logits, targets = make_batch(3)
    log_p, labels = known_pixels(logits, targets)
    values = np.sort(-log_p[np.arange(len(labels)), labels])[::-1]
    expected = values[: int(np.ceil(0.25 * len(values)))].mean()
    actual = ohem_cross_entropy(logits, targets, threshold=0.0, min_kept=0.25)
    assert actual.item() == pytest.approx(expected, rel=1e-5)


def test_the_hardest_pixels_are_those_below_the_threshold_or_the_least_share():
    probability = torch.tensor([[[0.1, 0.9, 0.5, 0.8]]])
    known = torch.tensor([[[True, True, True, False]]])
    assert hardest(probability, known, 0.6, 0.1)[known].tolist() == [True, False, True]
    assert hardest(probability, known, 0.0, 0.1)[known].tolist() == [True, False, False]
    assert hardest(probability, known, 0.0, 0.9)[known].tolist() == [True, True, True]


def test_the_background_penalty_is_binary_cross_entropy(make_batch):
    logits, targets = make_batch(4)
    for background in (0, 3):
        log_p, labels = known_pixels(logits, targets)
        p = np.exp(log_p[:, background])
        expected = -np.where(labels == background, np.log(p), np.log1p(-p)).mean()
        actual = background_penalty(logits, targets, background=background)
        assert actual.item() == pytest.approx(expected, rel=1e-5)


def test_the_background_penalty_does_not_care_which_terrain_is_which(make_batch):
    logits, targets = make_batch(5)
    shuffled = logits[:, [0, 3, 4, 1, 2]]
    torch.testing.assert_close(
        background_penalty(shuffled, targets), background_penalty(logits, targets)
    )


@pytest.mark.parametrize("background", [-1, 5])
def test_the_background_penalty_needs_a_background_class(make_batch, background):
    with pytest.raises(AreosegError, match="background"):
        background_penalty(*make_batch(), background=background)


def test_the_background_penalty_needs_a_second_class():
    with pytest.raises(AreosegError, match="two classes"):
        background_penalty(torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, dtype=torch.int64))


def test_edge_cross_entropy_without_strength_is_cross_entropy(make_batch):
    logits, targets = make_batch()
    torch.testing.assert_close(
        edge_cross_entropy(logits, targets, class_weights=WEIGHTS, strength=0.0),
        cross_entropy(logits, targets, class_weights=WEIGHTS),
    )


def test_edge_cross_entropy_weighs_pixels_by_their_distance_from_the_border():
    targets = torch.tensor([[[1, 1, 1, 2, 2]]])
    logits = torch.randn(1, 3, 1, 5, generator=torch.Generator().manual_seed(0))
    distances = np.array([3, 2, 1, 1, 2])
    weights = 1 + 4 * np.exp(-(distances**2) / (2 * 1.5**2))
    log_p, labels = known_pixels(logits, targets)
    expected = np.average(-log_p[np.arange(5), labels], weights=weights)
    actual = edge_cross_entropy(logits, targets, strength=4.0, sigma=1.5)
    assert actual.item() == pytest.approx(expected, rel=1e-5)


def test_in_an_image_of_one_class_edge_cross_entropy_is_cross_entropy(make_batch):
    logits, targets = make_batch()
    targets = torch.full_like(targets, 2)
    torch.testing.assert_close(edge_cross_entropy(logits, targets), cross_entropy(logits, targets))
