import numpy as np
import pytest

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic import (
    SyntheticMars,
    add_aliens,
    add_duplicates,
    draw_set,
    mirror_masks,
    shift_masks,
    swap_masks,
)

ISSUES = {
    "aliens": lambda samples, seed: add_aliens(samples, 5, seed=seed),
    "swap": lambda samples, seed: swap_masks(samples, 0.3, seed=seed),
    "mirror": lambda samples, seed: mirror_masks(samples, 0.2, seed=seed),
    "shift": lambda samples, seed: shift_masks(samples, 0.2, seed=seed),
    "duplicates": lambda samples, seed: add_duplicates(samples, 8, seed=seed),
}


@pytest.fixture(scope="module")
def clean():
    return draw_set(SyntheticMars(seed=4), 40)


@pytest.fixture(scope="module")
def unlabeled():
    return draw_set(SyntheticMars(seed=4), 8, labeled=False)


def as_floats_in_lists(samples):
    return SegmentationDataset(
        images=[(image / 255).astype(np.float32) for image in samples.images],
        masks=list(samples.masks),
        names=samples.names,
    )


def changed(before, after):
    return [
        i for i, (a, b) in enumerate(zip(before, after, strict=True)) if not np.array_equal(a, b)
    ]


@pytest.mark.parametrize("issue", ISSUES.values(), ids=ISSUES)
def test_a_issue_leaves_its_input_alone_and_repeats_with_its_seed(clean, issue):
    images, masks = clean.images.copy(), clean.masks.copy()
    first, indices = issue(clean, 1)
    again, same = issue(clean, 1)
    other, _ = issue(clean, 2)
    first.images[:] = 0
    first.masks[:] = 0
    assert np.array_equal(clean.images, images)
    assert np.array_equal(clean.masks, masks)
    assert list(indices) == list(same) == sorted(set(same))
    assert not (
        np.array_equal(again.images, other.images) and np.array_equal(again.masks, other.masks)
    )


@pytest.mark.parametrize("issue", ISSUES.values(), ids=ISSUES)
def test_a_issue_keeps_float_images_in_lists(clean, issue):
    spoilt, _ = issue(as_floats_in_lists(clean), 1)
    assert isinstance(spoilt.images, list)
    assert {image.dtype for image in spoilt.images} == {np.dtype(np.float32)}
    assert max(image.max() for image in spoilt.images) <= 1


def test_aliens_change_their_images_and_share_one_wrong_mask(clean):
    spoilt, indices = add_aliens(clean, 6, seed=0)
    assert changed(clean.images, spoilt.images) == list(indices)
    assert len({spoilt.masks[index].tobytes() for index in indices}) == 1
    assert set(np.unique(spoilt.masks[indices[0]])) == {0, 1, 2, 3}
    assert changed(clean.masks, spoilt.masks) == list(indices)
    assert len(indices) == 6


def test_an_alien_is_a_compact_bright_figure_with_dark_eyes(clean):
    spoilt, indices = add_aliens(clean, 10, seed=0)
    for index in indices:
        difference = spoilt.images[index].astype(int) - clean.images[index]
        touched = (difference != 0).mean()
        assert 0.01 < touched < 0.25
        assert difference.max() > 20


def test_aliens_with_own_masks_leave_every_mask_true(clean):
    spoilt, indices = add_aliens(clean, 6, seed=0, masks="own")
    assert np.array_equal(spoilt.masks, clean.masks)
    assert changed(clean.images, spoilt.images) == list(indices)


def test_swapped_masks_are_the_masks_of_other_samples(clean):
    spoilt, indices = swap_masks(clean, 0.5, seed=0)
    known = {mask.tobytes() for mask in clean.masks}
    assert changed(clean.masks, spoilt.masks) == list(indices)
    assert 15 <= len(indices) <= 20
    assert all(spoilt.masks[index].tobytes() in known for index in indices)
    assert np.array_equal(spoilt.images, clean.images)


def test_mirrored_masks_are_mirrored_and_differ(clean):
    spoilt, indices = mirror_masks(clean, 0.25, seed=0)
    assert changed(clean.masks, spoilt.masks) == list(indices)
    assert len(indices) == 10
    for index in indices:
        assert np.array_equal(spoilt.masks[index], clean.masks[index][:, ::-1])


def test_shifted_masks_are_moved_by_the_asked_distance(clean):
    spoilt, indices = shift_masks(clean, 0.25, seed=0, pixels=(10, 10))
    assert changed(clean.masks, spoilt.masks) == list(indices)
    assert len(indices) == 10
    for index in indices:
        inner = spoilt.masks[index][12:-12, 12:-12]
        distances = [
            np.hypot(down, right)
            for down in range(-11, 12)
            for right in range(-11, 12)
            if np.array_equal(
                inner, clean.masks[index][12 - down : 52 - down, 12 - right : 116 - right]
            )
        ]
        assert any(distance == pytest.approx(10, abs=1) for distance in distances)


def test_duplicates_are_appended_in_new_groups_and_resemble_their_originals(clean):
    spoilt, indices = add_duplicates(clean, 8, seed=0)
    assert list(indices) == list(range(40, 48))
    assert len(set(spoilt.names)) == 48
    for index in indices:
        original = clean.names.index(spoilt.names[index].removesuffix("-copy"))
        likeness = np.corrcoef(spoilt.images[index].ravel(), clean.images[original].ravel())[0, 1]
        assert likeness > 0.3
        assert spoilt.groups[index] not in clean.groups


@pytest.mark.parametrize(
    ("kind", "same_image", "same_mask"),
    [
        ("exact", True, True),
        ("jpeg", False, True),
        ("brighter", False, True),
        ("shifted", False, False),
    ],
)
def test_each_kind_of_duplicate_changes_what_it_should(clean, kind, same_image, same_mask):
    spoilt, indices = add_duplicates(clean, 10, seed=0, kinds=[kind])
    originals = [clean.names.index(spoilt.names[index].removesuffix("-copy")) for index in indices]
    images = changed(spoilt.images[indices], clean.images[originals])
    masks = changed(spoilt.masks[indices], clean.masks[originals])
    assert (len(images) == 0) == same_image
    assert (len(masks) == 0) == same_mask
    difference = np.abs(spoilt.images[indices].astype(int) - clean.images[originals])
    assert np.median(difference) <= {"exact": 0, "jpeg": 4, "brighter": 8, "shifted": 12}[kind]


def test_image_issues_work_without_masks_and_mask_issues_say_that_they_need_them(unlabeled):
    assert add_aliens(unlabeled, 2, seed=0)[0].masks is None
    assert add_duplicates(unlabeled, 2, seed=0)[0].masks is None
    for issue in (swap_masks, mirror_masks, shift_masks):
        with pytest.raises(AreosegError, match="without masks"):
            issue(unlabeled, 0.5, seed=0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: add_aliens(s, 41, seed=0), "41 issues among 40 samples"),
        (lambda s: add_aliens(s, 1, seed=0, masks="any"), "'shared' or 'own'"),
        (lambda s: add_duplicates(s, 1, seed=0, kinds=["blurred"]), "exact, jpeg"),
        (lambda s: add_duplicates(s, 1, seed=0, kinds=[]), "name at least one of exact, jpeg"),
        (lambda s: swap_masks(s, 1.2, seed=0), "from 0 to 1"),
        (lambda s: shift_masks(s, 0.1, seed=0, pixels=(0, 4)), "above 0"),
        (lambda s: mirror_masks(s, 1.0, seed=0), "masks that differ when mirrored"),
    ],
)
def test_impossible_issues_are_refused(clean, call, said):
    with pytest.raises(AreosegError, match=said):
        call(clean)


def test_masks_cannot_be_swapped_between_sizes(clean):
    mixed = SegmentationDataset(
        images=[clean.images[0], clean.images[1][:32]],
        masks=[clean.masks[0], clean.masks[1][:32]],
        names=("a", "b"),
    )
    with pytest.raises(AreosegError, match="several sizes"):
        swap_masks(mixed, 1.0, seed=0)
