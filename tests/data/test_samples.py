import numpy as np
import pytest

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError


def three_samples(**changes):
    fields = {
        "images": np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4),
        "masks": np.ones((3, 2, 4), dtype=np.uint8),
        "names": ("a", "b", "c"),
        "groups": ("stop-1", "stop-1", "stop-2"),
    }
    return SegmentationDataset(**{**fields, **changes})


def test_a_sample_carries_its_image_mask_name_and_group():
    samples = three_samples()
    sample = samples[2]
    assert len(samples) == 3
    np.testing.assert_array_equal(sample.image, samples.images[2])
    assert sample.mask.shape == (2, 4)
    assert (sample.name, sample.group) == ("c", "stop-2")


def test_a_sample_of_an_unlabeled_ungrouped_set_has_neither_mask_nor_group():
    sample = three_samples(masks=None, groups=None)[0]
    assert sample.mask is None
    assert sample.group is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("masks", np.ones((2, 2, 4), np.uint8)), ("names", ("a",)), ("groups", ("x",) * 4)],
)
def test_counts_that_differ_are_refused(field, value):
    with pytest.raises(AreosegError, match=f"3 images but {len(value)} {field}"):
        three_samples(**{field: value})


@pytest.mark.parametrize("indices", [[2, 0], np.array([2, 0])])
def test_select_keeps_the_order_asked_for(indices):
    chosen = three_samples().select(indices)
    assert chosen.names == ("c", "a")
    assert chosen.groups == ("stop-2", "stop-1")
    assert isinstance(chosen.images, np.ndarray)
    assert chosen.images[0, 0, 0] == 16


def test_select_works_on_images_of_different_sizes():
    images = [np.full((size, size), size, np.uint8) for size in (2, 3, 4)]
    chosen = three_samples(images=images, masks=None, groups=None).select([1])
    assert [image.shape for image in chosen.images] == [(3, 3)]
    assert chosen.masks is None


def test_selecting_nothing_gives_an_empty_set():
    assert len(three_samples().select([])) == 0


def test_equal_images_are_stacked():
    images, masks = three_samples(images=list(three_samples().images)).stacked()
    assert images.shape == (3, 2, 4)
    assert masks.shape == (3, 2, 4)


def test_images_of_different_sizes_cannot_be_stacked():
    images = [np.zeros((size, size + 1), np.uint8) for size in range(2, 8)]
    samples = SegmentationDataset(images=images, masks=None, names=tuple("abcdef"))
    with pytest.raises(AreosegError, match=r"6 sizes \(2x3, 3x4, 4x5, 5x6, \.\.\.\).*data.tile"):
        samples.stacked()
