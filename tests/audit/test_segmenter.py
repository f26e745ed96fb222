import numpy as np
import pytest
import torch

from areoseg.audit import segmenter as module
from areoseg.audit.segmenter import cross_val_predict
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError


@pytest.fixture
def few(samples):
    return samples.select(range(16))


def test_every_sample_has_probabilities_of_its_own_size(few):
    images = [image[: 20 + i] for i, image in enumerate(few.images)]
    masks = [mask[: 20 + i] for i, mask in enumerate(few.masks)]
    masks[3][:] = 255
    found = cross_val_predict(
        SegmentationDataset(images, masks, few.names, few.groups), folds=2, steps=2
    )
    for image, each in zip(images, found, strict=True):
        assert (each.dtype, each.shape) == (np.float16, (5, *image.shape))
        np.testing.assert_allclose(each.astype(np.float32).sum(axis=0), 1, atol=0.01)


def test_no_network_sees_the_group_that_it_judges(few, monkeypatch):
    numbered = SegmentationDataset(
        [np.full((8, 8), i, dtype=np.uint8) for i in range(16)],
        [np.ones((8, 8), dtype=np.uint8)] * 16,
        few.names,
        few.groups,
    )
    judged = []

    def number(image):
        return round(float(image[0, 0, 0]) * 255)

    def train(images, labels, **options):
        return {few.groups[number(image)] for image in images}

    def predict(seen_groups, image, size):
        judged.append(number(image))
        assert few.groups[judged[-1]] not in seen_groups
        return np.zeros((5, *size), dtype=np.float16)

    monkeypatch.setattr(module, "_normalized", lambda images: images)
    monkeypatch.setattr(module, "_train", train)
    monkeypatch.setattr(module, "_predict", predict)
    cross_val_predict(numbered, folds=3)
    assert sorted(judged) == list(range(16))


def test_the_same_seed_gives_the_same_probabilities(few):
    state = torch.get_rng_state()
    first, second = (cross_val_predict(few, folds=2, steps=2, seed=4) for _ in range(2))
    other = cross_val_predict(few, folds=2, steps=2, seed=5)
    assert all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))
    assert not all(np.array_equal(one, two) for one, two in zip(first, other, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_what_is_easily_learned_is_learned():
    rng = np.random.default_rng(0)
    masks = [
        np.kron(rng.integers(1, 3, (2, 2)), np.ones((8, 8))).astype(np.uint8) for _ in range(12)
    ]
    images = [(mask * 100 + rng.integers(0, 20, mask.shape)).astype(np.uint8) for mask in masks]
    names = tuple(map(str, range(12)))
    found = cross_val_predict(SegmentationDataset(images, masks, names), folds=2, steps=30)
    right = [(each.argmax(axis=0) == mask).mean() for each, mask in zip(found, masks, strict=True)]
    assert np.mean(right) > 0.85


def test_progress_ends_where_all_steps_are_done(few):
    told = []
    cross_val_predict(few, folds=2, steps=2, progress=lambda *each: told.append(each))
    assert told == [("cross-validation", done, 4) for done in (1, 2, 3, 4)]


def test_samples_without_masks_or_of_one_group_are_refused(few):
    with pytest.raises(AreosegError, match="no masks to train on"):
        cross_val_predict(SegmentationDataset(few.images, None, few.names))
    with pytest.raises(AreosegError, match="one group"):
        cross_val_predict(SegmentationDataset(few.images, few.masks, few.names, ("stop",) * 16))
