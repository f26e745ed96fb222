import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from areoseg.errors import AreosegError
from areoseg.losses.class_weights import EFFECTIVE_BETA, class_weights

HOMEWORK = [4_988_826, 6_957_538, 4_776_810, 3_770_823, 26_963]
SCHEMES = ["none", "inverse", "sqrt", "effective", "median"]


def weigh(pixels, scheme, **options):
    """As `class_weights`, in images that show one class each and are nine tenths void."""
    where = [10 * count for count in pixels] if scheme == "median" else None
    return class_weights(pixels, scheme, pixels_where_present=where, **options).double().numpy()


def test_no_weighting_gives_every_class_one():
    assert class_weights(HOMEWORK, "none").tolist() == [1, 1, 1, 1, 1]


def test_inverse_weights_are_the_balanced_ones_of_scikit_learn():
    labels = np.repeat(np.arange(3), [50, 30, 7])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(weigh([50, 30, 7], "inverse"), expected, rtol=1e-6)


def test_inverse_weights_of_the_homework_by_hand():
    weights = weigh(HOMEWORK, "inverse")
    np.testing.assert_allclose(weights, [0.8226, 0.5898, 0.8591, 1.0883, 152.2], rtol=1e-3)
    assert weights[4] / weights[1] == pytest.approx(258.04, rel=1e-4)


def test_sqrt_weights_have_the_roots_of_the_inverse_ratios():
    weights = weigh([100, 25, 4], "sqrt")
    np.testing.assert_allclose(weights / weights[0], [1, 2, 5], rtol=1e-6)


def test_effective_weights_lie_between_none_and_inverse():
    inverse, effective = weigh(HOMEWORK, "inverse"), weigh(HOMEWORK, "effective")
    expected = (1 - EFFECTIVE_BETA ** np.array(HOMEWORK, dtype=float)) ** -1
    np.testing.assert_allclose(effective / effective[0], expected / expected[0], rtol=1e-5)
    assert 30 < effective[4] / effective[1] < inverse[4] / inverse[1]


def test_median_weights_use_the_frequency_in_images_that_show_the_class():
    pixels, where = np.array([300, 600, 10]), np.array([1000, 800, 100])
    frequency = pixels / where
    expected = np.median(frequency) / frequency
    weights = class_weights(pixels, "median", pixels_where_present=where).numpy()
    np.testing.assert_allclose(weights / weights[0], expected / expected[0], rtol=1e-6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    pixels=st.lists(st.integers(0, 10**8), min_size=1, max_size=8).filter(any),
    scheme=st.sampled_from(SCHEMES),
    cap=st.none() | st.floats(1, 100),
)
def test_weights_mean_one_over_pixels_fall_with_frequency_and_keep_the_cap(pixels, scheme, cap):
    weights = weigh(pixels, scheme, cap=cap)
    counts = np.array(pixels, dtype=float)
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, rel=1e-5)
    assert (weights[counts == 0] == 0).all()
    assert (weights[counts > 0] > 0).all()
    in_order = weights[counts > 0][np.argsort(counts[counts > 0])]
    assert (np.diff(in_order) <= 1e-6 * in_order[1:]).all()
    if cap is not None:
        assert in_order.max() <= cap * in_order.min() * (1 + 1e-6)


def test_a_cap_holds_the_rare_class_only():
    free, capped = weigh(HOMEWORK, "inverse"), weigh(HOMEWORK, "inverse", cap=10)
    assert capped[4] == pytest.approx(10 * capped[1])
    np.testing.assert_allclose(capped[:4] / capped[0], free[:4] / free[0], rtol=1e-6)


@pytest.mark.parametrize("counts", [np.array([3, 1]), torch.tensor([3, 1]), (3, 1)])
def test_counts_come_as_any_array(counts):
    weights = class_weights(counts, "inverse")
    assert weights.dtype == torch.float32
    torch.testing.assert_close(weights, torch.tensor([4 / 6, 2.0]))


@pytest.mark.parametrize(
    ("pixels", "scheme", "options", "message"),
    [
        ([1, 2], "squared", {}, "'squared'"),
        ([0, 0], "inverse", {}, "not all 0"),
        ([-1, 2], "inverse", {}, "none negative"),
        ([], "inverse", {}, "one count per class"),
        ([[1, 2]], "inverse", {}, "one count per class"),
        ([1, 2], "inverse", {"cap": 0.5}, "cap"),
        ([1, 2], "inverse", {"cap": float("nan")}, "cap"),
        ([1, 2], "median", {}, "pixels_where_present"),
    ],
)
def test_what_cannot_be_weighed_is_refused(pixels, scheme, options, message):
    with pytest.raises(AreosegError, match=message):
        class_weights(pixels, scheme, **options)
