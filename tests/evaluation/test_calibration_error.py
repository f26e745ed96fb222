import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from areoseg.errors import AreosegError
from areoseg.metrics.calibration_error import expected_calibration_error, reliability


def answers(number=4000, classes=5):
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.full(classes, 0.4), number)
    targets = generator.integers(0, classes, number)
    return probabilities, targets


def counts_of(probabilities, targets, **options):
    hits = probabilities.argmax(axis=1) == targets
    return reliability(probabilities.max(axis=1), hits, **options)


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_error_is_that_of_torchmetrics(bins):
    probabilities, targets = answers()
    expected = multiclass_calibration_error(
        torch.from_numpy(probabilities), torch.from_numpy(targets), 5, n_bins=bins, norm="l1"
    )
    found = expected_calibration_error(counts_of(probabilities, targets, bins=bins))
    assert found == pytest.approx(float(expected), abs=1e-5)  # theirs is float32


def test_a_hand_made_case():
    counts = reliability(np.array([0.55, 0.6, 0.95]), np.array([True, False, True]), bins=10)
    assert counts.pixels.tolist() == [0, 0, 0, 0, 0, 2, 0, 0, 0, 1]
    assert counts.accuracy[5] == 0.5
    assert counts.mean_confidence[5] == pytest.approx(0.575)
    assert np.isnan(counts.accuracy[0])
    # (2/3) * |0.5 - 0.575| + (1/3) * |1 - 0.95|
    assert expected_calibration_error(counts) == pytest.approx((2 * 0.075 + 0.05) / 3)


def test_counts_of_parts_add_up_to_those_of_the_whole():
    probabilities, targets = answers()
    parts = [counts_of(probabilities[some], targets[some]) for some in np.split(np.arange(4000), 4)]
    together = parts[0] + parts[1] + parts[2] + parts[3]
    whole = counts_of(probabilities, targets)
    assert np.array_equal(together.pixels, whole.pixels)
    assert expected_calibration_error(together) == pytest.approx(expected_calibration_error(whole))


def test_a_weight_of_two_is_the_same_answer_twice():
    confidences, hits = np.array([0.3, 0.9]), np.array([True, True])
    weighed = reliability(confidences, hits, weights=np.array([2.0, 1.0]))
    twice = reliability(confidences[[0, 0, 1]], hits[[0, 0, 1]])
    assert expected_calibration_error(weighed) == pytest.approx(expected_calibration_error(twice))


def test_certain_and_hopeless_answers_have_a_bin_and_no_answers_no_error():
    counts = reliability(np.array([0.0, 1.0]), np.array([False, True]))
    assert counts.pixels[[0, -1]].tolist() == [1, 1]
    assert expected_calibration_error(counts) == 0
    nothing = reliability(np.zeros(0), np.zeros(0, dtype=bool))
    assert np.isnan(expected_calibration_error(nothing))


def test_what_is_no_probability_is_refused():
    with pytest.raises(AreosegError, match="probabilities 0 to 1"):
        reliability(np.array([1.5]), np.array([True]))
    with pytest.raises(AreosegError, match="give one each"):
        reliability(np.array([0.5]), np.array([True, False]))
