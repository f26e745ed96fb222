import numpy as np
import pytest
from PIL import Image

from areoseg.audit import Cache, audit_samples
from areoseg.audit.checks import duplicates as module
from areoseg.audit.checks.duplicates import (
    MAX_SHIFT,
    best_shift,
    mask_disagreement,
    near_duplicate_pairs,
)
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, add_duplicates, draw_set
from areoseg.taxonomy import VOID


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=5), 160)


@pytest.mark.parametrize("kind", ["jpeg", "shifted", "brighter"])
def test_copies_are_found_and_nothing_else(mars, kind):
    samples, copies = add_duplicates(mars, 50, seed=1, kinds=(kind,))
    found = audit_samples(samples, issues=("near-duplicate",)).flagged
    originals = {f.index: f"image as {samples.names[f.index][: -len('-copy')]}," for f in found}
    assert sorted(originals) == copies.tolist()
    assert all(originals[f.index] in f.reason for f in found)


def zoomed(image, zoom):
    height, width = image.shape
    top, left = height * (1 - 1 / zoom) / 2, width * (1 - 1 / zoom) / 2
    box = (left, top, width - left, height - top)
    return np.asarray(Image.fromarray(image).resize((width, height), box=box))


@pytest.mark.parametrize("zoom", [1.03, 1.05, 1.1])
def test_zoomed_copies_are_found_in_either_order(mars, zoom):
    some = mars.images[:40]
    copies = np.stack([zoomed(image, zoom) for image in some])
    expected = {(i, i + 40) for i in range(40)}
    for first, second in ((some, copies), (copies, some)):
        pairs, _ = near_duplicate_pairs(np.concatenate([first, second]), Cache())
        assert {tuple(pair) for pair in pairs.tolist()} == expected


def test_copies_of_another_size_and_type_are_found(mars):
    some = [np.asarray(image) for image in mars.images[:20]]
    smaller = [np.asarray(Image.fromarray(i).resize((96, 48))) / np.float32(255) for i in some]
    pairs, _ = near_duplicate_pairs([*some, *smaller], Cache())
    assert {tuple(pair) for pair in pairs.tolist()} == {(i, i + 20) for i in range(20)}


def test_equal_images_are_left_to_the_check_of_duplicates(mars):
    samples, _ = add_duplicates(mars, 10, seed=1, kinds=("exact",))
    assert audit_samples(samples, issues=("near-duplicate",)).findings == ()


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_images_have_no_duplicates(mars, count):
    samples = SegmentationDataset(mars.images[:count], None, mars.names[:count])
    assert audit_samples(samples, issues=("near-duplicate",)).findings == ()


def test_constant_images_resemble_nothing():
    pairs, _ = near_duplicate_pairs(
        np.stack([np.full((64, 128), g, np.uint8) for g in (0, 9)]), Cache()
    )
    assert len(pairs) == 0


def test_the_best_shift_is_the_one_by_which_the_first_picture_lies_off():
    canvas = np.random.default_rng(0).normal(size=(3, 72, 72)).astype(np.float32)
    shifts = np.array([(0, 0), (3, -2), (-MAX_SHIFT, MAX_SHIFT)])
    second = canvas[:, 4:68, 4:68]
    first = np.stack(
        [
            c[4 - down : 68 - down, 4 - right : 68 - right]
            for c, (down, right) in zip(canvas, shifts, strict=True)
        ]
    )
    height, found = best_shift(first, second)
    np.testing.assert_array_equal(found, shifts)
    assert (height > 0.8).all()


def test_copies_whose_masks_disagree_are_flagged_with_how_much(mars):
    samples, copies = add_duplicates(mars, 6, seed=1, kinds=("exact", "jpeg", "shifted"))
    assert audit_samples(samples, issues=("copies-disagree",)).findings == ()
    masks = samples.masks.copy()
    masks[copies] = (masks[copies] + 1) % 5
    wrong = SegmentationDataset(samples.images, masks, samples.names)
    found = audit_samples(wrong, issues=("copies-disagree",)).flagged
    assert [f.index for f in found] == copies.tolist()
    assert all(f.score > 0.8 for f in found)
    assert all(f.other.name == f.name.removesuffix("-copy") for f in found)
    assert "but the masks disagree on 100.0% of the pixels" in found[0].reason


def test_masks_are_compared_where_they_agree_best():
    rng = np.random.default_rng(0)
    mask = np.repeat(np.repeat(rng.integers(0, 3, (9, 9)), 8, 0), 8, 1).astype(np.uint8)
    first, second = mask[4:68, 4:68], mask[2:66, 7:71]
    assert mask_disagreement(first, second, shifted=True) == 0
    assert mask_disagreement(first, second, shifted=False) > 0.2
    void = np.full_like(first, VOID)
    assert mask_disagreement(first, void, shifted=False) == 0


def test_many_images_are_compared_in_blocks(mars, monkeypatch):
    samples, copies = add_duplicates(mars, 20, seed=1, kinds=("jpeg",))
    whole = near_duplicate_pairs(samples.images, Cache())
    monkeypatch.setattr(module, "BLOCK_SIZE", 7)
    monkeypatch.setattr(module, "BATCH_SIZE", 3)
    blocks = near_duplicate_pairs(samples.images, Cache(jobs=2))
    assert len(copies) == len(whole[0])
    np.testing.assert_array_equal(whole[0], blocks[0])
    np.testing.assert_allclose(whole[1], blocks[1], atol=1e-5)
