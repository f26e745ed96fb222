"""Pixels that are certainly not ground, from the masks alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from areoseg.data.ground import MARGIN, MIN_WIDTH, find_not_ground
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import VOID


def frame(height=96, width=128):
    """A frame of labeled ground with the unlabeled border of AI4Mars."""
    unlabeled = np.zeros((height, width), bool)
    unlabeled[:2] = unlabeled[-2:] = True
    unlabeled[:, :2] = unlabeled[:, -2:] = True
    return unlabeled


def test_the_border_and_gaps_stay_unknown():
    unlabeled = frame()
    unlabeled[40:70, 30:60] = True  # a wide gap inside
    unlabeled[80:86, 60:128] = True  # a narrow gap that reaches the edge
    assert not find_not_ground(unlabeled)[2:].any()


def test_unlabeled_rows_from_the_top_are_sky():
    unlabeled = frame()
    unlabeled[:8] = True  # narrower than MIN_WIDTH
    found = find_not_ground(unlabeled)
    assert found[: 8 - MARGIN].all()
    assert not found[8:].any()


def test_a_wide_region_at_the_edge_is_the_rover():
    unlabeled = frame()
    unlabeled[60:, 80:] = True
    found = find_not_ground(unlabeled)
    assert found[60 + MARGIN : -2, 80 + MARGIN :].all()
    assert not found[:58].any()
    assert not found[:, :78].any()


def test_a_frame_without_labels_tells_nothing():
    assert not find_not_ground(np.ones((40, 40), bool)).any()


def test_a_fully_labeled_frame_has_no_background():
    assert not find_not_ground(np.zeros((40, 40), bool)).any()


@given(st.integers(0, 2**32 - 1))
def test_found_pixels_are_unlabeled_and_away_from_labels(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.random((rng.integers(1, 6), rng.integers(1, 6))) < 0.5
    unlabeled = coarse.repeat(rng.integers(1, 24), 0).repeat(rng.integers(1, 24), 1)
    found = find_not_ground(unlabeled)
    assert found.shape == unlabeled.shape
    assert not (found & ~unlabeled).any()
    near = ndimage.binary_dilation(~unlabeled, np.ones((3, 3)), iterations=MARGIN)
    rows = found.all(axis=1)
    assert not (found & near)[~rows].any()


@given(st.integers(0, 2**32 - 1))
def test_regions_are_those_of_a_morphological_opening(seed):
    rng = np.random.default_rng(seed)
    unlabeled = rng.random((5, 7)) < 0.6
    unlabeled = unlabeled.repeat(8, 0).repeat(8, 1)
    unlabeled[0, 0] = unlabeled[-1, -1] = False
    opened = ndimage.binary_opening(unlabeled, np.ones((MIN_WIDTH, MIN_WIDTH)))
    sky = np.cumprod(unlabeled.all(axis=1)).astype(bool)
    assert not (find_not_ground(unlabeled) & ~opened)[~sky].any()


@pytest.mark.parametrize("background", [0, 2])
def test_all_other_unlabeled_pixels_become_unknown(background):
    unlabeled = frame()
    unlabeled[:20] = True
    mask = np.where(unlabeled, background, 1).astype(np.uint8)
    dataset = SegmentationDataset(mask[None], mask[None], ("a",))
    marked = dataset.with_unknown(background).masks[0]
    found = find_not_ground(unlabeled)
    np.testing.assert_array_equal(marked == background, found)
    np.testing.assert_array_equal(marked == VOID, unlabeled & ~found)
    np.testing.assert_array_equal(marked[~unlabeled], mask[~unlabeled])
    assert mask[50, 0] == background  # the argument is not modified


def test_known_pixels_replace_the_derived_ones():
    unlabeled = frame()
    unlabeled[:20] = True
    known = np.zeros_like(unlabeled)
    known[:5] = True
    mask = np.where(unlabeled, 0, 1).astype(np.uint8)
    dataset = SegmentationDataset([mask, mask], [mask, mask], ("a", "b"), not_ground=[known, None])
    first, second = dataset.select([0, 1]).with_unknown(0).masks
    np.testing.assert_array_equal(first == 0, known)
    np.testing.assert_array_equal(second == 0, find_not_ground(unlabeled))
