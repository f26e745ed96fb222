import numpy as np

from areoseg.audit import audit_samples
from areoseg.audit.checks.duplicates import identical_groups
from areoseg.data.samples import SegmentationDataset

NAMES = ("a", "b", "c", "d", "e")


def images():
    return np.random.default_rng(0).integers(0, 256, (5, 16, 24), dtype=np.uint8)


def findings(samples, issue):
    return audit_samples(samples, issues=(issue,)).flagged


def test_all_but_the_first_of_equal_images_are_flagged():
    pixels = images()
    pixels[3] = pixels[4] = pixels[1]
    found = findings(SegmentationDataset(pixels, None, NAMES), "duplicate-image")
    assert [(f.index, f.score, f.reason) for f in found] == [
        (3, 3.0, "the same image as b"),
        (4, 3.0, "the same image as b"),
    ]


def test_the_reason_says_where_masks_of_equal_images_disagree():
    pixels = images()
    pixels[4] = pixels[0]
    masks = np.ones_like(pixels)
    masks[4, :4] = 2
    (found,) = findings(SegmentationDataset(pixels, masks, NAMES), "duplicate-image")
    assert found.reason == "the same image as a, but the masks disagree on 25.0% of the pixels"


def test_images_of_one_pixel_difference_are_not_duplicates():
    pixels = images()
    pixels[1] = pixels[0]
    pixels[1, 0, 0] ^= 1
    assert findings(SegmentationDataset(pixels, None, NAMES), "duplicate-image") == ()


def test_equal_bytes_of_another_shape_or_type_are_not_identical():
    zeros = np.zeros((2, 8), dtype=np.uint8)
    assert identical_groups([zeros, zeros.reshape(4, 4), zeros.view(np.float32)]) == []
    assert identical_groups([zeros, zeros[:, ::-1].copy()]) == [[0, 1]]


def test_constant_images_are_flagged_with_their_gray_level():
    pixels = images()
    pixels[2] = 7
    (found,) = findings(SegmentationDataset(pixels, None, NAMES), "constant-image")
    assert (found.index, found.reason) == (2, "every pixel has the gray level 7")
