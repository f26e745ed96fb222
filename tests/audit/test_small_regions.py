import numpy as np

from areoseg.audit import audit_samples
from areoseg.audit.checks.masks import tiny_regions
from areoseg.data.samples import SegmentationDataset
from areoseg.taxonomy import VOID


def mask():
    return np.ones((64, 128), dtype=np.uint8)


def test_a_plain_mask_has_no_tiny_regions():
    assert tiny_regions(mask(), 0) == ([], [])


def test_islands_are_regions_of_fewer_than_five_pixels():
    drawn = mask()
    drawn[10, 20:23] = 2
    drawn[40:43, 50:53] = 2
    assert tiny_regions(drawn, 0) == ([(10, 20, 11, 23)], [])


def test_islands_scale_with_the_image():
    drawn = np.ones((256, 256), dtype=np.uint8)
    drawn[10:15, 10:15] = 3
    assert tiny_regions(drawn, 0)[0] == [(10, 10, 15, 15)]


def test_slivers_are_long_and_at_most_two_pixels_wide():
    drawn = mask()
    drawn[30:32, 10:60] = 3
    drawn[50:53, 10:60] = 3
    assert tiny_regions(drawn, 0) == ([], [(30, 10, 32, 60)])


def test_a_strip_at_the_border_may_go_on_outside():
    drawn = mask()
    drawn[:2] = 3
    assert tiny_regions(drawn, 0) == ([], [])


def test_diagonal_neighbors_are_one_region():
    drawn = mask()
    drawn[np.arange(10, 30), np.arange(10, 30)] = 2
    assert tiny_regions(drawn, 0) == ([], [(10, 10, 30, 30)])


def test_background_and_void_between_regions_are_nobodys_drawing():
    drawn = mask()
    drawn[20:22] = VOID
    drawn[40:41] = 0
    assert tiny_regions(drawn, 0) == ([], [])


def test_masks_with_several_are_flagged_and_shown_at_the_largest():
    masks = np.stack([mask()] * 4)
    masks[1, 5, 5] = 2
    masks[2, 5, 5:7] = 2
    masks[2, 9, 9] = 3
    masks[3, 30, 10:60] = 2
    masks[3, 40, 10:50] = 2
    images = np.random.default_rng(0).integers(0, 255, masks.shape, dtype=np.uint8)
    samples = SegmentationDataset(images, masks, tuple("abcd"))
    audit = audit_samples(samples, issues=("islands", "slivers"))
    assert [(f.index, f.issue, f.score, f.reason, f.region) for f in audit.flagged] == [
        (2, "islands", 2.0, "2 islands of a few pixels", (5, 5, 6, 7)),
        (3, "slivers", 2.0, "2 strips at most 2 pixels wide", (30, 10, 31, 60)),
    ]
