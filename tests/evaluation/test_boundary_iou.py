import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from areoseg.errors import AreosegError
from areoseg.metrics.boundary import (
    boundary_counts,
    boundary_iou,
    boundary_width,
    mean_boundary_iou,
    on_boundary,
)
from areoseg.metrics.confusion import ClassCounts
from areoseg.taxonomy import VOID


def eroded_boundary(mask, width):
    """The paper's way: the mask less its erosions, outside the image counted as zero."""
    square = np.ones((3, 3), bool)
    return mask & ~ndimage.binary_erosion(mask, square, iterations=width, border_value=0)


def blobs(seed, shape=(24, 40), cell=6):
    """Random labels in square patches, so that masks have an inside."""
    coarse = np.random.default_rng(seed).integers(
        0, 5, (shape[0] // cell + 1, shape[1] // cell + 1)
    )
    return np.kron(coarse, np.ones((cell, cell), int))[: shape[0], : shape[1]].astype(np.uint8)


def total(counts):
    return ClassCounts(*(array.sum(axis=0) for array in counts))


@pytest.mark.parametrize(
    ("height", "width", "expected"), [(64, 128, 3), (1024, 1024, 29), (8, 8, 1), (1, 1, 1)]
)
def test_the_boundary_is_two_percent_of_the_diagonal_and_at_least_a_pixel(height, width, expected):
    assert boundary_width(height, width) == expected


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 5))
def test_the_boundary_is_what_erosions_take_away(seed, width):
    labels = blobs(seed)
    boundary = on_boundary(labels[np.newaxis], np.zeros((1, *labels.shape), bool), width)[0]
    for index in range(5):
        mask = labels == index
        np.testing.assert_array_equal(boundary & mask, eroded_boundary(mask, width))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 4))
def test_ignored_pixels_neither_make_nor_hide_a_boundary(seed, width):
    labels, ignored = blobs(seed), blobs(seed + 1, cell=4) == 0
    boundary = on_boundary(labels[np.newaxis], ignored[np.newaxis], width)[0]
    for index in range(5):
        mask = labels == index
        expected = eroded_boundary(mask | ignored, width) & mask & ~ignored
        np.testing.assert_array_equal(boundary & mask, expected)


def test_a_boundary_wider_than_the_image_is_the_whole_image():
    assert on_boundary(np.ones((1, 3, 4), np.uint8), np.zeros((1, 3, 4), bool), 9).all()


def test_identical_masks_score_one():
    masks = np.stack([blobs(seed) for seed in range(3)])
    counts = total(boundary_counts(masks, masks, "five-class"))
    np.testing.assert_array_equal(boundary_iou(counts), np.ones(5))
    assert mean_boundary_iou(counts) == 1.0


def test_a_square_shifted_by_one_pixel_scores_as_counted_by_hand():
    # A 6 x 6 square in a 20 x 20 image (width 1): its outline has 20 pixels. Shifted by one pixel
    # to the right, the outlines share the top and bottom rows but for one column: 2 * 5 = 10.
    target = np.ones((1, 20, 20), np.uint8)
    target[0, 7:13, 7:13] = 2
    counts = boundary_counts(np.roll(target, 1, axis=2), target)
    assert (counts.hits[0, 2], counts.truth[0, 2], counts.predicted[0, 2]) == (10, 20, 20)
    assert boundary_iou(counts)[0, 2] == pytest.approx(10 / 30)
    # Class 1 has the 76 pixels of the image border and a ring of 28 around the square; the rings
    # share seven pixels above the square and seven below.
    assert (counts.hits[0, 1], counts.truth[0, 1], counts.predicted[0, 1]) == (90, 104, 104)


def test_sums_over_images_come_before_the_ratio():
    target = np.ones((2, 20, 20), np.uint8)
    target[:, 7:13, 7:13] = 2
    prediction = target.copy()
    prediction[1] = np.roll(target[1], 1, axis=1)
    assert boundary_iou(total(boundary_counts(prediction, target)))[2] == pytest.approx(30 / 50)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_predictions_on_pixels_that_do_not_count_change_nothing(seed):
    target = blobs(seed)
    target[3:8, 10:20] = VOID
    prediction, other = blobs(seed + 1), blobs(seed + 1)
    uncounted = (target == VOID) | (target == 0)
    other[uncounted] = blobs(seed + 2)[uncounted]
    for one, two in zip(
        boundary_counts([prediction], [target]), boundary_counts([other], [target]), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_background_truth_counts_where_the_protocol_counts_it():
    target = np.zeros((1, 20, 20), np.uint8)
    target[0, 7:13, 7:13] = 2
    assert boundary_counts(target, target, "terrain").truth[0].tolist() == [0, 0, 0, 0, 0]
    assert boundary_counts(target, target, "all-pixels").truth[0, 2] == 20


def test_without_a_boundary_in_the_truth_a_class_is_nan_and_stays_out_of_the_mean():
    target = np.ones((1, 20, 20), np.uint8)
    prediction = target.copy()
    prediction[0, 7:13, 7:13] = 4
    counts = total(boundary_counts(prediction, target))
    iou = boundary_iou(counts)
    assert np.isnan(iou[[0, 2, 3, 4]]).all()
    assert mean_boundary_iou(counts) == iou[1] < 1


def test_nothing_to_count_gives_nan():
    target = np.full((1, 8, 8), VOID, np.uint8)
    assert np.isnan(mean_boundary_iou(total(boundary_counts(np.zeros_like(target), target))))


def test_images_of_different_sizes_have_their_own_width():
    small, large = blobs(0, (16, 16)), blobs(1, (100, 100), cell=25)
    both = boundary_counts([small, large], [small, large])
    for index, image in enumerate((small, large)):
        alone = boundary_counts([image], [image])
        np.testing.assert_array_equal(both.truth[index], alone.truth[0])


def test_an_unknown_protocol_is_an_error():
    mask = np.ones((1, 4, 4), np.uint8)
    with pytest.raises(AreosegError, match="did you mean 'keras'"):
        boundary_counts(mask, mask, "kera")
