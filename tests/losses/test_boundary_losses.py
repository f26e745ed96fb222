"""Distances, edges, and the two boundary losses built on them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import sobel as scipy_sobel

from areoseg.losses.boundary import (
    boundary,
    boundary_distance,
    boundary_edges,
    class_distances,
    clear_of_void,
    distance_to_another_class,
    signed_distances,
    sobel,
)
from areoseg.taxonomy import VOID

CLASSES = 3
masks = arrays(np.int64, (2, 4, 5), elements=st.sampled_from([0, 1, 2, VOID]))
some_examples = settings(max_examples=40, deadline=None, derandomize=True)


def brute_distance(points, y, x):
    return min((np.hypot(y - v, x - u) for v, u in points), default=np.inf)


@some_examples
@given(masks)
def test_distances_are_those_of_a_search_over_all_pixels(targets):
    maps = class_distances(torch.from_numpy(targets), CLASSES)
    others = distance_to_another_class(maps)
    signed = signed_distances(torch.from_numpy(targets), CLASSES)
    assert maps.shape == signed.shape == (2, CLASSES, 4, 5)
    for n, y, x in np.ndindex(targets.shape):
        own = targets[n, y, x]
        known = (targets[n] != VOID) & (targets[n] != own)
        other = brute_distance(np.argwhere(known), y, x)
        assert others[n, 0, y, x] == pytest.approx(other)
        for label in range(CLASSES):
            away = brute_distance(np.argwhere(targets[n] == label), y, x)
            assert maps[n, label, y, x] == pytest.approx(away)
            if own != VOID:
                expected = 1 - other if label == own else away
                expected = expected if np.isfinite(expected) else 0.0
                assert signed[n, label, y, x] == pytest.approx(expected)


def test_signed_distances_of_a_line():
    targets = torch.tensor([[[0, 0, 0, 1, 1]]])
    expected = [[[-2, -1, 0, 1, 2]], [[3, 2, 1, 0, -1]], [[0, 0, 0, 0, 0]]]
    assert signed_distances(targets, 3)[0].tolist() == expected


def test_the_distance_loss_is_the_mean_of_distance_times_probability(make_batch):
    logits, targets = make_batch(1)
    known = (targets != VOID).unsqueeze(1)
    products = (signed_distances(targets, 5) * logits.softmax(dim=1))[known.expand_as(logits)]
    torch.testing.assert_close(boundary_distance(logits, targets), products.mean())


def test_the_distance_loss_grows_with_the_distance_of_a_false_alarm():
    targets = torch.tensor([[[0, 0, 0, 0, 1, 1]]])

    def with_alarm_at(column):
        guess = targets.clone()
        guess[..., column] = 1 - guess[..., column]
        logits = 50.0 * torch.nn.functional.one_hot(guess, 2).movedim(-1, 1).float()
        return boundary_distance(logits, targets).item()

    assert with_alarm_at(0) > with_alarm_at(1) > with_alarm_at(2) > with_alarm_at(3)


@pytest.mark.parametrize(("padding", "mode"), [("replicate", "nearest"), ("reflect", "mirror")])
def test_sobel_gradients_are_those_of_scipy(padding, mode):
    maps = torch.randn(2, 3, 6, 7, generator=torch.Generator().manual_seed(0))
    for gradient, axis in zip(sobel(maps, padding=padding), (2, 3), strict=True):
        for n, c in np.ndindex(2, 3):
            expected = scipy_sobel(maps[n, c].numpy(), axis=axis - 2, mode=mode)
            np.testing.assert_allclose(gradient[n, c], expected, rtol=1e-5, atol=1e-5)


def test_pixels_beside_void_are_not_clear_of_it():
    known = torch.ones(1, 5, 6, dtype=torch.bool)
    known[0, 1, 1] = False
    expected = torch.ones(5, 6, dtype=torch.bool)
    expected[:3, :3] = False
    assert torch.equal(clear_of_void(known)[0], expected)


def test_the_edge_loss_sees_errors_along_the_border_and_nowhere_else():
    targets = torch.zeros(1, 6, 8, dtype=torch.int64)
    targets[:, :, 4:] = 1
    far, near = targets.clone(), targets.clone()
    far[:, :, 0] = 1
    near[:, :, 3] = 1
    losses = [
        boundary_edges(50.0 * torch.nn.functional.one_hot(g, 2).movedim(-1, 1).float(), targets)
        for g in (targets, far, near)
    ]
    assert losses[0] == pytest.approx(0)
    assert losses[1] == pytest.approx(0)
    assert losses[2] == pytest.approx(0.5)  # one column wrong of the two that make the band


def test_void_makes_no_edge():
    targets = torch.full((1, 6, 6), 2)
    targets[:, 2:4] = VOID
    assert boundary_edges(torch.randn(1, 5, 6, 6), targets) == 0


def test_the_kinds_are_the_two_functions(make_batch):
    batch = make_batch(2)
    assert boundary(*batch) == boundary_distance(*batch)
    assert boundary(*batch, kind="distance") == boundary_distance(*batch)
    assert boundary(*batch, kind="edges") == boundary_edges(*batch)
    assert boundary_edges(*batch) != boundary_distance(*batch)
