"""Lost ground and found background."""

import math

import numpy as np

from areoseg.metrics.background import found_background, lost_ground
from areoseg.metrics.scores import evaluate_predictions
from areoseg.taxonomy import MARS


def truth():
    mask = np.ones((40, 40), np.uint8)
    mask[:20] = 0  # the sky
    mask[30:34, 10:14] = 0  # a gap
    return mask


def test_lost_ground_counts_labeled_pixels_only():
    confusion = np.zeros((5, 5), int)
    confusion[0] = [90, 5, 0, 0, 5]
    confusion[1, 0], confusion[1, 1], confusion[4, 0] = 3, 95, 2
    assert lost_ground(confusion, MARS) == 0.05
    assert math.isnan(lost_ground(np.diag([4, 0, 0, 0, 0]), MARS))


def test_found_background_does_not_count_gaps():
    prediction = np.ones((40, 40), np.uint8)
    prediction[:9] = 0
    assert found_background([prediction], [truth()], MARS) == 0.5  # 9 of 18 rows beyond the margin
    assert math.isnan(found_background([prediction], [np.ones((40, 40), np.uint8)], MARS))


def test_scores_report_both():
    prediction = truth()
    prediction[39, 0:10] = 0
    scores = evaluate_predictions([prediction], [truth()], resamples=0)
    assert scores.lost_ground == 10 / 784
    assert scores.found_background == 1.0
    assert scores.to_json()["found_background"] == 1.0
