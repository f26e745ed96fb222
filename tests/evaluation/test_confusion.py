import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix as sklearn_confusion_matrix
from torchmetrics.classification import MulticlassConfusionMatrix

from areoseg.errors import AreosegError
from areoseg.metrics.confusion import class_counts, confusion_matrix, confusion_per_image, ratio
from areoseg.metrics.stacks import STACK_PIXELS
from areoseg.taxonomy import VOID

masks = arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 4))
masks_with_void = arrays(np.uint8, (3, 4, 5), elements=st.sampled_from([0, 1, 2, 3, 4, VOID]))


@settings(max_examples=50, deadline=None)
@given(prediction=masks, target=masks_with_void)
def test_confusion_matrix_agrees_with_scikit_learn_and_torchmetrics(prediction, target):
    counted = confusion_matrix(prediction, target, 5)

    kept = target != VOID
    if kept.any():  # scikit-learn refuses empty input
        expected = sklearn_confusion_matrix(target[kept], prediction[kept], labels=range(5))
        np.testing.assert_array_equal(counted, expected)
    oracle = MulticlassConfusionMatrix(num_classes=5, ignore_index=VOID)
    expected = oracle(torch.from_numpy(prediction).long(), torch.from_numpy(target).long())
    np.testing.assert_array_equal(counted, expected.numpy())
    assert counted.dtype == np.int64


@settings(max_examples=25, deadline=None)
@given(prediction=masks, target=masks_with_void)
def test_confusion_per_image_is_the_confusion_matrix_of_each_image(prediction, target):
    expected = [confusion_matrix(p, t, 5) for p, t in zip(prediction, target, strict=True)]
    np.testing.assert_array_equal(confusion_per_image(prediction, target, 5), expected)


def test_rows_are_truth_and_columns_are_prediction():
    counted = confusion_matrix(np.array([2, 2, 1]), np.array([1, 1, 1]), 3)
    np.testing.assert_array_equal(counted, [[0, 0, 0], [0, 1, 2], [0, 0, 0]])


def test_images_of_different_sizes_keep_their_places():
    generator = np.random.default_rng(0)
    sizes = [(4, 6), (3, 3), (4, 6), (5, 2), (3, 3)]
    targets = [generator.integers(0, 5, size).astype(np.uint8) for size in sizes]
    predictions = [generator.integers(0, 5, size).astype(np.uint8) for size in sizes]

    expected = [confusion_matrix(p, t, 5) for p, t in zip(predictions, targets, strict=True)]
    np.testing.assert_array_equal(confusion_per_image(predictions, targets, 5), expected)


def test_images_that_fill_more_than_one_stack_are_all_counted():
    side = 600
    images = 2 * (STACK_PIXELS // side**2) + 1
    targets = np.stack([np.full((side, side), index % 5, np.uint8) for index in range(images)])

    counted = confusion_per_image(np.zeros_like(targets), targets, 5)
    for index in range(images):
        assert counted[index, index % 5, 0] == side**2
    assert counted.sum() == targets.size


def test_int64_masks_count_the_same_as_uint8_masks():
    generator = np.random.default_rng(1)
    target, prediction = generator.integers(0, 5, (2, 9, 9))
    np.testing.assert_array_equal(
        confusion_matrix(prediction, target, 5),
        confusion_matrix(prediction.astype(np.uint8), target.astype(np.uint8), 5),
    )


def test_a_mask_of_nothing_but_void_counts_nothing():
    target = np.full((4, 4), VOID, np.uint8)
    assert confusion_matrix(np.zeros_like(target), target, 5).sum() == 0


@pytest.mark.parametrize("value", [5, VOID, -1])
def test_a_prediction_outside_the_classes_is_an_error_even_on_void(value):
    target = np.full((2, 2), VOID, np.int16)
    with pytest.raises(AreosegError, match=rf"prediction holds the value {value}: .* 0 to 4"):
        confusion_matrix(np.full((2, 2), value, np.int16), target, 5)


@pytest.mark.parametrize("value", [5, 254, -1])
def test_a_target_outside_the_classes_is_an_error(value):
    target = np.full((2, 2), value, np.int16)
    with pytest.raises(AreosegError, match=f"target holds the value {value}"):
        confusion_matrix(np.zeros((2, 2), np.uint8), target, 5)


def test_the_error_names_the_image_with_the_wrong_value():
    predictions = np.zeros((4, 2, 2), np.uint8)
    predictions[2, 0, 1] = 9
    with pytest.raises(AreosegError, match="prediction of image 2 holds the value 9"):
        confusion_per_image(predictions, np.zeros_like(predictions), 5)


def test_different_shapes_are_an_error_that_shows_both():
    prediction, target = np.zeros((2, 3), np.uint8), np.zeros((3, 2), np.uint8)
    with pytest.raises(AreosegError, match=r"\(2, 3\) but its target \(3, 2\)"):
        confusion_matrix(prediction, target, 5)
    with pytest.raises(AreosegError, match=r"image 0 has shape \(2, 3\) but its target \(3, 2\)"):
        confusion_per_image([prediction], [target], 5)


def test_float_masks_are_an_error():
    mask = np.zeros((2, 2), np.uint8)
    with pytest.raises(AreosegError, match="prediction has dtype float32"):
        confusion_matrix(mask.astype(np.float32), mask, 5)


def test_another_number_of_predictions_than_targets_is_an_error():
    masks = np.zeros((3, 2, 2), np.uint8)
    with pytest.raises(AreosegError, match="2 predictions but 3 targets"):
        confusion_per_image(masks[:2], masks, 5)


def test_masks_with_channels_are_an_error():
    masks = np.zeros((3, 1, 2, 2), np.uint8)
    with pytest.raises(AreosegError, match=r"shape \(1, 2, 2\): give \(H, W\)"):
        confusion_per_image(masks, masks, 5)


def test_class_counts_of_a_batch_are_those_of_its_matrices():
    batch = np.random.default_rng(2).integers(0, 9, (2, 3, 5, 5))
    counts = class_counts(batch)
    single = class_counts(batch[1, 2])
    for together, alone in zip(counts, single, strict=True):
        np.testing.assert_array_equal(together[1, 2], alone)
    np.testing.assert_array_equal(single.union, single.truth + single.predicted - single.hits)


def test_a_ratio_over_zero_is_nan():
    np.testing.assert_array_equal(ratio(np.array([0, 1]), np.array([0, 2])), [np.nan, 0.5])
