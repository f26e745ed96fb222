import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import mean_of_entering, pixel_accuracy, precision, recall
from areoseg.taxonomy import VOID

predictions = arrays(np.uint8, (40,), elements=st.integers(0, 4))
targets = arrays(np.uint8, (40,), elements=st.sampled_from([0, 1, 2, 3, 4, VOID]))


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=30, deadline=None)
@given(prediction=predictions, target=targets)
def test_precision_recall_and_accuracy_agree_with_scikit_learn(name, prediction, target):
    confusion = confusion_matrix(prediction, target, 5)
    drops_background = name in ("terrain", "keras")
    kept = (target != VOID) & ((target != 0) if drops_background else True)
    if not kept.any():
        assert np.isnan(pixel_accuracy(confusion, name))
        return
    expected_precision, expected_recall, _, _ = precision_recall_fscore_support(
        target[kept], prediction[kept], labels=range(5), zero_division=np.nan
    )
    if drops_background:
        expected_precision[0] = np.nan
    np.testing.assert_allclose(precision(confusion, name), expected_precision)
    np.testing.assert_allclose(recall(confusion, name), expected_recall)
    accuracy = accuracy_score(target[kept], prediction[kept])
    np.testing.assert_allclose(pixel_accuracy(confusion, name), accuracy)


def test_rates_take_batches():
    batch = np.random.default_rng(0).integers(0, 9, (3, 5, 5))
    for rate in (precision, recall, pixel_accuracy):
        np.testing.assert_equal(rate(batch)[2], rate(batch[2]))


def test_the_mean_passes_over_nan_and_is_nan_where_nothing_is_left():
    values = np.array([[0.2, np.nan, 0.4], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(mean_of_entering(values), [0.3, np.nan])
