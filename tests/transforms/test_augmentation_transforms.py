import pytest
import torch

from areoseg.taxonomy import VOID
from areoseg.transforms import erasing, mixing, photometric, warp

torch.set_num_threads(1)

LIGHT = {
    "brightness_contrast": {"brightness": 0.2, "contrast": 0.2},
    "gamma": {"limit": 0.3},
    "blur": {"sigma": 1.0},
    "sensor_noise": {"read": 0.05, "shot": 0.01},
}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(samples=4, height=24, width=40, seed=0):
    images = torch.rand(samples, 1, height, width, generator=generator(seed))
    masks = torch.randint(0, 4, (samples, height, width), generator=generator(seed))
    return images, masks


def test_flips_mirror_exactly_and_undo_themselves():
    images, masks = batch()
    for flip, axis in ((warp.horizontal_flip, -1), (warp.vertical_flip, -2)):
        new_images, new_masks = flip(images, masks, generator=generator())
        assert torch.equal(new_images, torch.flip(images, [axis]))
        assert torch.equal(new_masks, torch.flip(masks, [axis]))
        back = flip(new_images, new_masks, generator=generator())
        assert torch.equal(back[0], images)
        assert torch.equal(back[1], masks)


@pytest.mark.parametrize("name", LIGHT)
def test_light_and_sensor_change_the_image_within_bounds_and_no_label(name):
    images, masks = batch()
    change = getattr(photometric, name)
    new_images, new_masks = change(images, masks, generator=generator(), **LIGHT[name])
    assert torch.equal(new_masks, masks)
    assert not torch.equal(new_images, images)
    assert new_images.min() >= 0
    assert new_images.max() <= 1
    again, _ = change(images, masks, generator=generator(), **LIGHT[name])
    assert torch.equal(new_images, again)
    other, _ = change(images, masks, generator=generator(1), **LIGHT[name])
    assert not torch.equal(new_images, other)


@pytest.mark.parametrize(
    ("name", "strengths"),
    [
        ("brightness_contrast", {"brightness": 0, "contrast": 0}),
        ("gamma", {"limit": 0}),
        ("sensor_noise", {"read": 0, "shot": 0}),
    ],
)
def test_light_without_strength_changes_nothing(name, strengths):
    images, masks = batch()
    new_images, _ = getattr(photometric, name)(images, masks, generator=generator(), **strengths)
    torch.testing.assert_close(new_images, images, atol=1e-6, rtol=0)


def test_brightness_shifts_the_mean_and_contrast_scales_about_it():
    images = 0.4 + 0.2 * batch(64)[0]
    masks = torch.zeros(64, 24, 40, dtype=torch.int64)
    draw = generator()
    shifted, _ = photometric.brightness_contrast(
        images, masks, generator=draw, brightness=0.2, contrast=0
    )
    shift = shifted.mean((1, 2, 3)) - images.mean((1, 2, 3))
    assert shift.abs().max() <= 0.2
    assert shift.min() < -0.1
    assert shift.max() > 0.1
    stretched, _ = photometric.brightness_contrast(
        images, masks, generator=draw, brightness=0, contrast=0.5
    )
    torch.testing.assert_close(stretched.mean((1, 2, 3)), images.mean((1, 2, 3)))
    ratio = stretched.std((1, 2, 3)) / images.std((1, 2, 3))
    assert ratio.min() >= 0.5
    assert ratio.max() <= 1.5


def test_gamma_keeps_black_white_and_order():
    images = torch.linspace(0, 1, 50).view(1, 1, 5, 10)
    masks = torch.zeros(1, 5, 10, dtype=torch.int64)
    new_images, _ = photometric.gamma(images, masks, generator=generator(), limit=1)
    assert new_images.flatten()[0] == 0
    assert new_images.flatten()[-1] == 1
    assert (new_images.flatten().diff() > 0).all()


def test_noise_has_the_variance_of_its_formula():
    images = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).expand(2, 1, 200, 200)
    masks = torch.zeros(2, 200, 200, dtype=torch.int64)
    drawn = torch.rand(2, 2, generator=generator())
    new_images, _ = photometric.sensor_noise(
        images, masks, generator=generator(), read=0.02, shot=0.001
    )
    expected = (drawn[0] * 0.02) ** 2 + drawn[1] * 0.001 * torch.tensor([0.2, 0.8])
    measured = (new_images - images).var(dim=(1, 2, 3))
    torch.testing.assert_close(measured, expected, rtol=0.05, atol=0)


def test_dropout_hides_whole_holes_behind_the_mean():
    images, masks = batch()
    new_images, new_masks = erasing.coarse_dropout(
        images, masks, generator=generator(), holes=1, size=6
    )
    assert torch.equal(new_masks, masks)
    for new, old in zip(new_images[:, 0], images[:, 0], strict=True):
        rows, columns = (new != old).nonzero().unbind(1)
        assert rows.max() - rows.min() == columns.max() - columns.min() == 5
        assert len(rows) == 36
        torch.testing.assert_close(new[rows, columns], old.mean().expand(36))


def test_a_hole_larger_than_the_tile_hides_all_of_it():
    images, masks = batch(2, 5, 9)
    new_images, _ = erasing.coarse_dropout(images, masks, generator=generator(), holes=2, size=1000)
    torch.testing.assert_close(new_images, images.mean((1, 2, 3), keepdim=True).expand_as(images))


def test_grid_mask_hides_the_square_of_the_ratio():
    images, masks = batch(3, 60, 40)
    new_images, new_masks = erasing.grid_mask(
        images, masks, generator=generator(), period=10, ratio=0.4
    )
    assert torch.equal(new_masks, masks)
    assert ((new_images != images).float().mean((1, 2, 3)) == 0.16).all()


def coded(samples, height=20, width=30):
    """Images and masks in which every value tells its sample and pixel."""
    code = torch.arange(samples * height * width).view(samples, height, width)
    return code[:, None].float() / code.numel(), code


def test_cutmix_takes_whole_boxes_of_one_other_tile_in_place():
    images, masks = coded(5)
    new_images, new_masks = mixing.cutmix(images, masks, generator=generator(), largest=0.5)
    torch.testing.assert_close(new_images[:, 0] * masks.numel(), new_masks.float())
    for sample in range(5):
        assert torch.equal(new_masks[sample] % 600, masks[0])  # every pixel stays at its place
        rows, columns = (new_masks[sample] != masks[sample]).nonzero().unbind(1)
        area = (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
        assert len(rows) == area <= 0.55 * 600
        sources = new_masks[sample, rows, columns] // 600
        assert len(sources.unique()) == 1
        assert sources[0] != sample


def test_cutmix_leaves_a_batch_of_one():
    images, masks = coded(1)
    new_images, new_masks = mixing.cutmix(images, masks, generator=generator(), largest=0.5)
    assert torch.equal(new_images, images)
    assert torch.equal(new_masks, masks)


def test_rare_cutmix_brings_the_rare_class_to_every_tile():
    images, masks = batch(8)
    masks[3, 0, 0] = 4  # in a corner, where the box cannot be centered
    new_images, new_masks = mixing.rare_cutmix(
        images, masks, generator=generator(), largest=0.3, rare_class=4
    )
    assert (new_masks == 4).flatten(1).any(1).all()
    changed = new_images[:, 0] != images[:, 0]
    assert torch.equal(new_images[:, 0], torch.where(changed, images[3, 0], images[:, 0]))
    assert torch.equal(new_masks, torch.where(changed, masks[3], masks))


@pytest.mark.parametrize("fill", [0, VOID])
def test_rare_cutmix_without_the_rare_class_changes_nothing(fill):
    images, masks = batch()
    masks = torch.full_like(masks, fill)
    new_images, new_masks = mixing.rare_cutmix(
        images, masks, generator=generator(), largest=0.3, rare_class=4
    )
    assert torch.equal(new_images, images)
    assert torch.equal(new_masks, masks)


def test_rare_cutmix_draws_as_much_with_the_rare_class_as_without():
    images, masks = batch()
    states = []
    for rare_class in (1, 4):
        draw = generator()
        mixing.rare_cutmix(images, masks, generator=draw, largest=0.3, rare_class=rare_class)
        states.append(draw.get_state())
    assert torch.equal(*states)
