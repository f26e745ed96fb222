import numpy as np
import pytest
import torch
from scipy import ndimage

from areoseg.taxonomy import VOID
from areoseg.transforms import warp as warps
from areoseg.transforms.draws import smoothing_matrix

torch.set_num_threads(1)

STRENGTHS = {
    "quarter_turn": {},
    "random_crop": {"smallest": 0.5},
    "shift_scale_rotate": {"shift": 0.2, "scale": 0.3, "rotation": 60},
    "elastic": {"alpha": 3, "sigma": 6},
    "grid_distortion": {"steps": 5, "limit": 0.5},
    "optical_distortion": {"limit": 0.4},
}
NEUTRAL = {
    "random_crop": {"smallest": 1},
    "shift_scale_rotate": {"shift": 0, "scale": 0, "rotation": 0},
    "elastic": {"alpha": 0, "sigma": 6},
    "grid_distortion": {"steps": 5, "limit": 0},
    "optical_distortion": {"limit": 0},
}
SIZES = [(24, 40), (17, 9), (32, 32), (1, 5), (1, 1)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(samples=3, height=24, width=40, seed=0):
    images = torch.rand(samples, 1, height, width, generator=generator(seed))
    masks = torch.randint(1, 5, (samples, height, width), generator=generator(seed))
    return images, masks


def warp(name, images, seed=0, **strengths):
    positions = warps.identity_positions(images)
    return getattr(warps, name)(positions, generator=generator(seed), **strengths)


def test_identity_positions_change_nothing_in_the_mask_and_rounding_in_the_image():
    images, masks = batch()
    new_images, new_masks = warps.resample(images, masks, warps.identity_positions(images))
    assert torch.equal(new_masks, masks)
    torch.testing.assert_close(new_images, images, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", STRENGTHS)
def test_labels_stay_exact_and_only_outside_is_void(name, size):
    images, masks = batch(4, *size)
    positions = warp(name, images, **STRENGTHS[name])
    new_images, new_masks = warps.resample(images, masks, positions)
    x, y = positions.unbind(-1)
    outside = (x < -0.5) | (x >= size[1] - 0.5) | (y < -0.5) | (y >= size[0] - 0.5)
    assert torch.equal(new_masks == VOID, outside)
    assert set(new_masks.unique().tolist()) <= {*masks.unique().tolist(), VOID}
    assert new_masks.dtype == torch.int64
    assert new_images.isfinite().all()
    assert new_images.min() >= images.min() - 1e-6
    assert new_images.max() <= images.max() + 1e-6


@pytest.mark.parametrize("name", STRENGTHS)
def test_positions_follow_from_the_generator_and_change(name):
    images, _ = batch()
    first, again = (warp(name, images, **STRENGTHS[name]) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, warp(name, images, seed=1, **STRENGTHS[name]))
    assert not torch.allclose(first, warps.identity_positions(images), atol=0.1)


@pytest.mark.parametrize("name", NEUTRAL)
def test_no_strength_is_no_change(name):
    images, _ = batch()
    positions = warp(name, images, **NEUTRAL[name])
    torch.testing.assert_close(positions, warps.identity_positions(images), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", STRENGTHS)
def test_image_and_mask_stay_aligned(name):
    """A picture whose gray values code its mask still does, away from the borders of its areas."""
    masks = torch.zeros(6, 32, 48, dtype=torch.int64)
    masks[:, :, 20:] = 2
    masks[:, 18:, 10:30] = 4
    images = masks[:, None].float() / 4
    positions = warp(name, images, **STRENGTHS[name])
    new_images, new_masks = warps.resample(images, masks, positions)
    decoded = new_images[:, 0] * 4
    known = new_masks != VOID
    # Bilinear reading touches the pixels within one of the position, so compare away from edges.
    edge = torch.from_numpy(
        np.stack(
            [
                ndimage.maximum_filter(mask, 3) != ndimage.minimum_filter(mask, 3)
                for mask in masks.numpy()
            ]
        )
    )
    _, near_edge = warps.resample(images, edge.long(), positions)
    compared = known & (near_edge == 0)
    assert compared.float().mean() > 0.3
    torch.testing.assert_close(decoded[compared], new_masks[compared].float(), atol=1e-3, rtol=0)


def test_resampling_agrees_with_scipy_inside_the_tile():
    images, masks = batch(1)
    positions = warp("shift_scale_rotate", images, **STRENGTHS["shift_scale_rotate"])
    new_images, new_masks = warps.resample(images, masks, positions)
    x, y = positions[0].numpy().astype(np.float64).transpose(2, 0, 1)
    linear = ndimage.map_coordinates(images[0, 0].numpy(), [y, x], order=1, mode="nearest")
    nearest = ndimage.map_coordinates(masks[0].numpy(), [y, x], order=0, mode="nearest")
    within = (x > 0) & (x < 39) & (y > 0) & (y < 23)
    assert within.mean() > 0.3
    np.testing.assert_allclose(new_images[0, 0].numpy()[within], linear[within], atol=1e-4)
    np.testing.assert_array_equal(new_masks[0].numpy()[within], nearest[within])


def test_a_whole_pixel_shift_moves_labels_and_voids_the_rest():
    images, masks = batch(1)
    positions = warps.identity_positions(images) + torch.tensor([3.0, 0.0])
    new_images, new_masks = warps.resample(images, masks, positions)
    assert torch.equal(new_masks[..., :-3], masks[..., 3:])
    assert (new_masks[..., -3:] == VOID).all()
    torch.testing.assert_close(new_images[..., :-3], images[..., 3:], atol=1e-4, rtol=0)
    torch.testing.assert_close(  # reflected at the tile's edge
        new_images[..., -3:], images[..., -3:].flip(-1), atol=1e-4, rtol=0
    )


def test_quarter_turns_of_square_tiles_are_exact_and_of_all_three_kinds():
    images, masks = batch(24, 16, 16)
    positions = warp("quarter_turn", images)
    new_images, new_masks = warps.resample(images, masks, positions)
    turns = []
    for sample in range(24):
        turned = [torch.rot90(masks[sample], k) for k in range(4)]
        (k,) = [k for k in range(4) if torch.equal(turned[k], new_masks[sample])]
        torch.testing.assert_close(
            new_images[sample], torch.rot90(images[sample], k, (1, 2)), atol=1e-4, rtol=0
        )
        turns.append(k)
    assert set(turns) == {1, 2, 3}


@pytest.mark.parametrize("name", ["quarter_turn", "random_crop", "grid_distortion"])
def test_warps_that_stay_inside_void_nothing(name):
    images, masks = batch(16, 13, 37)
    _, new_masks = warps.resample(images, masks, warp(name, images, **STRENGTHS[name]))
    assert not (new_masks == VOID).any()


def test_rotation_and_shift_alone_keep_distances():
    images, _ = batch()
    before = warps.identity_positions(images).flatten(1, 2)
    after = warp("shift_scale_rotate", images, shift=0.2, scale=0, rotation=90).flatten(1, 2)
    torch.testing.assert_close(
        torch.cdist(after, after), torch.cdist(before, before), atol=0.05, rtol=0
    )


def test_a_random_crop_spans_the_share_that_was_asked_for():
    images, _ = batch(64)
    p = warp("random_crop", images, smallest=0.5)
    side = (p[:, 0, -1, 0] - p[:, 0, 0, 0]) / 39
    assert side.min() >= 0.5 - 1e-4
    assert side.max() <= 1 + 1e-4
    assert side.max() - side.min() > 0.3


def test_elastic_displaces_by_alpha_and_more_smoothly_with_larger_sigma():
    images, _ = batch()
    identity = warps.identity_positions(images)
    fields = [warp("elastic", images, alpha=3, sigma=s) - identity for s in (2, 8)]
    for field in fields:
        rms = field.square().mean(dim=(1, 2, 3)).sqrt()
        torch.testing.assert_close(rms, torch.full((3,), 3.0), atol=1e-3, rtol=0)
    rough, smooth = ((f[:, :, 1:] - f[:, :, :-1]).abs().mean() for f in fields)
    assert smooth < rough / 2


def test_grid_distortion_keeps_order_and_cell_widths_in_bounds():
    images, _ = batch(8, 50, 50)
    p = warp("grid_distortion", images, steps=5, limit=0.3)
    step = (p[:, 0, 1:] - p[:, 0, :-1])[..., 0]
    assert step.min() >= 0.7 / 1.3 - 1e-3
    assert step.max() <= 1.3 / 0.7 + 1e-3
    assert step.std() > 0.05


def test_optical_distortion_leaves_the_center_and_moves_along_the_radius():
    images, _ = batch(8, 25, 41)
    identity = warps.identity_positions(images)
    center = torch.tensor([20.0, 12.0])
    p = warp("optical_distortion", images, limit=0.4)
    torch.testing.assert_close(p[:, 12, 20], center.expand(8, 2))
    a, b = p - center, identity - center
    torch.testing.assert_close(a[..., 0] * b[..., 1], a[..., 1] * b[..., 0], atol=1e-3, rtol=1e-4)


def test_smoothing_agrees_with_scipy_away_from_the_border():
    image = torch.rand(1, 40, 60, generator=generator())
    sigma = torch.tensor([1.5])
    smooth = smoothing_matrix(40, sigma) @ image @ smoothing_matrix(60, sigma).mT
    expected = ndimage.gaussian_filter(image[0].double().numpy(), 1.5, truncate=8)
    inner = slice(10, -10)
    np.testing.assert_allclose(smooth[0].numpy()[inner, inner], expected[inner, inner], atol=1e-5)


def test_smoothing_keeps_a_constant_up_to_the_border():
    matrix = smoothing_matrix(9, torch.tensor([0.05, 3.0, 500.0]))
    torch.testing.assert_close(matrix.sum(-1), torch.ones(3, 9))
    assert torch.equal(matrix[0], torch.eye(9))
