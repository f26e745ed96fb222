import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels, rarest_class, split_samples
from areoseg.errors import AreosegError


def samples_of(groups, rare):
    """Samples of 2x2 pixels of soil, with one pixel of big rock where `rare` says so."""
    masks = np.ones((len(groups), 2, 2), dtype=np.uint8)
    masks[np.asarray(rare, dtype=bool), 0, 0] = 4
    images = np.zeros_like(masks)
    names = tuple(str(i) for i in range(len(groups)))
    return SegmentationDataset(images, masks, names, tuple(groups))


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefghijklmnop"), min_size=40, max_size=120),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_every_sample_is_in_one_part_and_every_group_too(groups, seed, data):
    if len(set(groups)) < 3:
        return
    rare = data.draw(st.lists(st.booleans(), min_size=len(groups), max_size=len(groups)))
    split = split_samples(samples_of(groups, rare), seed=seed)
    assert sorted(split.train + split.val + split.test) == list(range(len(groups)))
    parts_of = {}
    for part in ("train", "val", "test"):
        for index in split.indices(part):
            parts_of.setdefault(groups[index], set()).add(part)
    assert all(len(parts) == 1 for parts in parts_of.values())


def test_the_rare_class_is_spread_by_the_shares():
    rare = [i % 10 == 0 for i in range(400)]
    samples = samples_of([str(i) for i in range(400)], rare)
    split = split_samples(samples, val=0.2, test=0.1)
    assert [len(split.indices(p)) for p in ("train", "val", "test")] == [280, 80, 40]
    assert sum(rare[i] for i in split.val) == 8
    assert sum(rare[i] for i in split.test) == 4


def test_the_seed_decides():
    samples = samples_of([str(i) for i in range(60)], [i < 9 for i in range(60)])
    assert split_samples(samples, seed=3) == split_samples(samples, seed=3)
    assert split_samples(samples, seed=3) != split_samples(samples, seed=4)


def test_a_part_with_share_zero_is_empty():
    samples = samples_of([str(i) for i in range(20)], [False] * 20)
    assert split_samples(samples, test=0.0).test == ()


@pytest.mark.parametrize(
    ("groups", "shares", "expected"),
    [
        (["a"] * 10, {}, "1 groups cannot fill 3 splits"),
        (list("abcdef"), {"val": 0.9, "test": 0.2}, "for training"),
        (list("abcdef"), {"val": -0.1}, "for training"),
    ],
)
def test_an_impossible_split_is_refused(groups, shares, expected):
    with pytest.raises(AreosegError, match=expected):
        split_samples(samples_of(groups, [False] * len(groups)), **shares)


def test_pixels_are_counted_by_class_without_void():
    masks = np.array([[[0, 1], [4, 255]], [[1, 1], [1, 1]]], dtype=np.uint8)
    samples = SegmentationDataset(np.zeros_like(masks), masks, ("a", "b"))
    assert class_pixels(samples).tolist() == [[1, 1, 0, 0, 1], [0, 4, 0, 0, 0]]
    assert rarest_class(class_pixels(samples)) == 4


def test_masks_without_terrain_are_refused():
    masks = np.zeros((2, 2, 2), dtype=np.uint8)
    with pytest.raises(AreosegError, match="terrain"):
        rarest_class(class_pixels(SegmentationDataset(masks, masks, ("a", "b"))))
