import numpy as np
import pytest
import torch
from scipy import ndimage

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID
from areoseg.transforms.paste import rare_object_bank, rare_paste

torch.set_num_threads(1)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def tiles_with_rocks():
    """Two tiles: one with two rocks of which one touches the border, one with none."""
    images = np.random.default_rng(0).integers(60, 100, (2, 32, 48)).astype(np.uint8)
    masks = np.ones((2, 32, 48), np.uint8)
    masks[0, 10:16, 20:28] = 4
    masks[0, 0:5, 0:4] = 4
    masks[0, 30, 40] = 4  # one pixel: too small
    images[masks == 4] = 220
    return images, masks


def test_the_bank_holds_each_object_large_enough_once():
    bank = rare_object_bank(*tiles_with_rocks(), 4)
    assert bank.rare_class == 4
    assert sorted(int(one.shape.sum()) for one in bank.objects) == [20, 48]


def test_objects_that_touch_at_a_corner_are_one():
    masks = np.zeros((1, 20, 20), np.uint8)
    masks[0, 2:6, 2:6] = masks[0, 6:10, 6:10] = 4
    assert len(rare_object_bank(np.zeros((1, 20, 20), np.float32), masks, 4)) == 1


def test_an_object_is_relief_against_its_surroundings_with_a_soft_edge():
    images, masks = tiles_with_rocks()
    bank = rare_object_bank(images, masks, 4)
    rock = max(bank.objects, key=lambda one: int(one.shape.sum()))
    assert rock.shape.shape == rock.relief.shape == rock.opacity.shape == (12, 14)
    assert rock.relief[~rock.shape].mean() == pytest.approx(0, abs=1e-6)
    assert rock.relief[rock.shape].mean() == pytest.approx((220 - 79.5) / 255, abs=0.01)
    assert (rock.opacity[rock.shape] == 1).all()
    distance = ndimage.distance_transform_edt(~rock.shape)
    assert rock.opacity[distance == 1].min() > rock.opacity[distance == 2].max() > 0
    assert rock.opacity[distance > 4].max() < 1e-3
    assert rock.opacity.dtype == rock.relief.dtype == np.float32


def test_images_of_bytes_and_of_floats_give_the_same_bank():
    images, masks = tiles_with_rocks()
    bytes_bank = rare_object_bank(images, masks, 4)
    float_bank = rare_object_bank(images.astype(np.float32) / 255, masks, 4)
    for one, other in zip(bytes_bank.objects, float_bank.objects, strict=True):
        np.testing.assert_allclose(one.relief, other.relief, atol=1e-6)


def test_a_tile_that_is_one_object_still_gives_it():
    bank = rare_object_bank([np.full((8, 8), 0.5, np.float32)], [np.full((8, 8), 4)], 4)
    assert len(bank) == 1
    assert np.isfinite(bank.objects[0].relief).all()


def test_tiles_without_the_class_give_an_empty_bank():
    images, masks = tiles_with_rocks()
    assert len(rare_object_bank(images, masks, 3)) == 0
    assert len(rare_object_bank(images, np.full_like(masks, VOID), 4)) == 0


def test_a_bank_of_unequal_sizes_is_refused():
    images, masks = tiles_with_rocks()
    with pytest.raises(AreosegError, match="2 images but 1 masks"):
        rare_object_bank(images, masks[:1], 4)
    with pytest.raises(AreosegError, match="image 0 is"):
        rare_object_bank(images, masks[:, 1:], 4)


@pytest.mark.parametrize("fill", [1, 0, VOID])
def test_pasting_raises_the_rare_share_and_changes_only_what_it_covers(fill):
    bank = rare_object_bank(*tiles_with_rocks(), 4)
    images = torch.full((6, 1, 32, 48), 0.3)
    masks = torch.full((6, 32, 48), fill)
    new_images, new_masks = rare_paste(
        images, masks, generator=generator(), objects=1, rare_bank=bank
    )
    rare = new_masks == 4
    assert set(rare.flatten(1).sum(1).tolist()) == {20, 48}
    assert ((new_masks == fill) | rare).all()
    distance = torch.from_numpy(
        np.stack([ndimage.distance_transform_cdt(~one) for one in rare.numpy()])
    )
    assert torch.equal(new_images[:, 0][distance > 3], images[:, 0][distance > 3])
    assert (new_images[:, 0][rare] > 0.6).all()  # the rock stands out as it did
    near = new_images[:, 0][(distance > 0) & (distance <= 3)]
    assert near.min() > 0.2  # its surroundings took the brightness of the place
    assert near.max() < 0.4
    assert (images == 0.3).all()
    assert (masks == fill).all()


def test_at_most_the_asked_number_is_pasted():
    bank = rare_object_bank(*tiles_with_rocks(), 4)
    images, masks = torch.zeros(40, 1, 64, 96), torch.zeros(40, 64, 96, dtype=torch.int64)
    _, new_masks = rare_paste(images, masks, generator=generator(), objects=3, rare_bank=bank)
    counts = [ndimage.label(mask, np.ones((3, 3)))[1] for mask in (new_masks == 4).numpy()]
    assert set(counts) == {1, 2, 3}


def test_an_object_larger_than_the_tile_is_cut_to_it():
    bank = rare_object_bank(*tiles_with_rocks(), 4)
    images, masks = torch.zeros(8, 1, 7, 6), torch.zeros(8, 7, 6, dtype=torch.int64)
    new_images, new_masks = rare_paste(
        images, masks, generator=generator(), objects=2, rare_bank=bank
    )
    assert new_images.shape == images.shape
    assert (new_masks == 4).any()


def test_pasting_follows_from_the_generator():
    bank = rare_object_bank(*tiles_with_rocks(), 4)
    images = torch.rand(4, 1, 32, 48, generator=generator())
    masks = torch.zeros(4, 32, 48, dtype=torch.int64)
    results = [
        rare_paste(images, masks, generator=generator(seed), objects=2, rare_bank=bank)
        for seed in (0, 0, 1)
    ]
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])
    assert not torch.equal(results[0][1], results[2][1])
