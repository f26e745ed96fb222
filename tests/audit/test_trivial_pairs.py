import numpy as np
import pytest

from areoseg.audit import Cache, audit_samples
from areoseg.audit.checks.images import image_statistics
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import VOID

ISSUES = ("few-labels", "saturated-image", "lost-bits", "odd-size", "constant-image")


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(height=48, width=64, seed=3), 40)


def spoilt(mars, index, *, image=None, mask=None):
    images, masks = list(mars.images), list(mars.masks)
    images[index] = images[index] if image is None else image
    masks[index] = masks[index] if mask is None else mask
    return SegmentationDataset(images, masks, mars.names)


def found(samples, issue):
    return [
        (f.index, round(f.score, 3), f.reason)
        for f in audit_samples(samples, issues=(issue,)).flagged
    ]


def test_clean_samples_are_not_trivial(mars):
    assert audit_samples(mars, issues=ISSUES).findings == ()


def test_masks_without_labels_are_flagged(mars):
    empty = np.zeros((48, 64), np.uint8)
    empty[:, :10] = VOID
    assert found(spoilt(mars, 3, mask=empty), "few-labels") == [(3, 1.0, "no labels")]
    empty[40, :30] = 2
    assert found(spoilt(mars, 3, mask=empty), "few-labels") == [
        (3, 0.99, "only 1.0% of the pixels are labeled")
    ]
    empty[40:42] = 2
    assert found(spoilt(mars, 3, mask=empty), "few-labels") == []


def test_saturated_images_are_flagged_and_constant_ones_left_to_their_own_check(mars):
    bright = mars.images[5].copy()
    bright[:10] = 0
    bright[10:20] = 255
    assert found(spoilt(mars, 5, image=bright), "saturated-image") == [
        (5, 0.417, "21% of the pixels are black and 21% white")
    ]
    white = np.full((48, 64), 255, np.uint8)
    assert found(spoilt(mars, 5, image=white), "saturated-image") == []
    assert [f[0] for f in found(spoilt(mars, 5, image=white), "constant-image")] == [5]


def test_images_of_four_bits_are_flagged(mars):
    coarse = mars.images[7] // 16 * 16
    levels = len(np.unique(coarse))
    ((index, score, reason),) = found(spoilt(mars, 7, image=coarse), "lost-bits")
    assert (index, score) == (7, round(8 - np.log2(levels), 3))
    assert reason.startswith(f"only {levels} gray levels between ")


@pytest.mark.parametrize(("highest", "bits"), [(1, 7.0), (15, 4.0)])
def test_images_stored_as_if_they_had_fewer_bits_are_flagged(mars, highest, bits):
    dark = np.rint(mars.images[7] / mars.images[7].max() * highest).astype(np.uint8)
    ((index, score, reason),) = found(spoilt(mars, 7, image=dark), "lost-bits")
    assert (index, score) == (7, bits)
    assert reason == f"no pixel is above gray level {highest} of 255"


def test_a_hazy_image_of_few_levels_keeps_its_bits(mars):
    haze = (100 + np.indices((48, 64)).sum(axis=0) // 10).astype(np.uint8)
    assert found(spoilt(mars, 7, image=haze), "lost-bits") == []


def test_an_image_of_another_size_is_flagged(mars):
    small = spoilt(mars, 9, image=mars.images[9][:24], mask=mars.masks[9][:24])
    assert found(small, "odd-size") == [(9, 2.0, "24x64 pixels, where 39 of 40 images have 48x64")]


def test_sizes_that_vary_anyway_are_not_odd(mars):
    images = [image[: 40 + i % 3] for i, image in enumerate(mars.images)]
    assert found(SegmentationDataset(images, None, mars.names), "odd-size") == []


def test_statistics_of_floats_are_those_of_bytes(mars):
    floats = SegmentationDataset(
        (mars.images / np.float32(255)).astype(np.float32), None, mars.names
    )
    one, other = (image_statistics(each.images, Cache()) for each in (mars, floats))
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=1e-3)
    np.testing.assert_allclose(one["mean"], mars.images.mean(axis=(1, 2)), rtol=1e-5)
    assert one["levels"].tolist() == [len(np.unique(image)) for image in mars.images]
