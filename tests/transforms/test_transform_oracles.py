"""Transforms agree with kornia, numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from areoseg.transforms import photometric, warp
from areoseg.transforms.draws import uniform

HEIGHT, WIDTH = 24, 40


def generator():
    return torch.Generator().manual_seed(0)


def random_images(samples=4):
    images = torch.rand(samples, 1, HEIGHT, WIDTH, generator=generator())
    smooth = torch.nn.functional.avg_pool2d(images, 5, stride=1, padding=2)
    return smooth, torch.zeros(samples, HEIGHT, WIDTH, dtype=torch.int64)


def test_shift_scale_rotate_is_the_affine_warp_of_kornia():
    geometry = pytest.importorskip("kornia.geometry.transform")
    images, masks = random_images()
    positions = warp.shift_scale_rotate(
        warp.identity_positions(images), generator=generator(), shift=0.1, scale=0.3, rotation=60
    )
    ours, new_masks = warp.resample(images, masks, positions)

    draw = uniform(4, len(images), low=-1, high=1, generator=generator(), like=images)
    matrix = geometry.get_affine_matrix2d(
        translations=draw[:2].T * 0.1 * torch.tensor([WIDTH, HEIGHT]),
        center=torch.tensor([(WIDTH - 1) / 2, (HEIGHT - 1) / 2]).expand(len(images), 2),
        scale=(1 + draw[3] * 0.3)[:, None].expand(-1, 2),
        angle=-draw[2] * 60,  # which kornia counts clockwise
    )
    theirs = geometry.warp_affine(images, matrix[:, :2], (HEIGHT, WIDTH), align_corners=True)
    # Within the tile; at its border kornia fills in zeros where we reflect.
    x, y = positions.unbind(-1)
    inside = (x > 0) & (x < WIDTH - 1) & (y > 0) & (y < HEIGHT - 1)
    assert inside.float().mean() > 0.5
    assert (new_masks[inside] == 0).all()
    torch.testing.assert_close(ours[:, 0][inside], theirs[:, 0][inside], atol=1e-4, rtol=0)


def test_optical_distortion_is_the_radial_distortion_of_kornia():
    calibration = pytest.importorskip("kornia.geometry.calibration")
    images, _ = random_images()
    identity = warp.identity_positions(images)
    ours = warp.optical_distortion(identity, generator=generator(), limit=0.4)
    k = uniform(len(images), low=-0.4, high=0.4, generator=generator(), like=images)
    corner = float(np.hypot(WIDTH / 2, HEIGHT / 2))
    camera = torch.tensor(
        [[corner, 0, (WIDTH - 1) / 2], [0, corner, (HEIGHT - 1) / 2], [0, 0, 1]]
    ).expand(len(images), 3, 3)
    coefficients = torch.zeros(len(images), 4)
    coefficients[:, 0] = k
    theirs = calibration.distort_points(identity.flatten(1, 2), camera, coefficients)
    torch.testing.assert_close(ours.flatten(1, 2), theirs, atol=1e-3, rtol=0)


def test_grid_distortion_is_the_piecewise_linear_interpolation_of_numpy():
    images, _ = random_images()
    ours = warp.grid_distortion(
        warp.identity_positions(images), generator=generator(), steps=5, limit=0.5
    )
    cells = uniform(len(images), 2, 5, low=0.5, high=1.5, generator=generator(), like=images)
    for sample in range(len(images)):
        for axis, size in enumerate((WIDTH, HEIGHT)):
            widths = cells[sample, axis].numpy().astype(np.float64)
            edges = np.concatenate([[0], np.cumsum(widths / widths.sum())]) * size
            grid = np.linspace(0, size, 6)
            expected = np.interp(np.arange(size) + 0.5, grid, edges) - 0.5
            line = ours[sample, 0, :, 0] if axis == 0 else ours[sample, :, 0, 1]
            np.testing.assert_allclose(line.numpy(), expected, atol=1e-4)


def test_the_elastic_field_is_noise_smoothed_by_scipy():
    images = torch.zeros(1, 1, 60, 80)
    identity = warp.identity_positions(images)
    field = warp.elastic(identity, generator=generator(), alpha=2, sigma=1.5) - identity
    noise = uniform(1, 2, 60, 80, low=-1, high=1, generator=generator(), like=images)
    for axis in range(2):
        smooth = ndimage.gaussian_filter(noise[0, axis].double().numpy(), 1.5, truncate=8)
        ours = field[0, ..., axis].numpy()[12:-12, 12:-12]
        expected = smooth[12:-12, 12:-12]
        scale = (ours * expected).sum() / (expected**2).sum()
        np.testing.assert_allclose(ours, scale * expected, atol=1e-3)


def test_gamma_is_that_of_kornia():
    enhance = pytest.importorskip("kornia.enhance")
    images, masks = random_images()
    ours, _ = photometric.gamma(images, masks, generator=generator(), limit=0.5)
    exponent = uniform(len(images), low=-0.5, high=0.5, generator=generator(), like=images).exp()
    torch.testing.assert_close(ours, enhance.adjust_gamma(images, exponent))


def test_blur_is_the_gaussian_filter_of_kornia_away_from_the_border():
    filters = pytest.importorskip("kornia.filters")
    images, masks = random_images()
    ours, _ = photometric.blur(images, masks, generator=generator(), sigma=1.2)
    sigma = uniform(len(images), low=0.12, high=1.2, generator=generator(), like=images)
    theirs = filters.gaussian_blur2d(images, (17, 17), sigma[:, None].expand(-1, 2))
    inner = slice(8, -8)
    torch.testing.assert_close(
        ours[..., inner, inner], theirs[..., inner, inner], atol=1e-5, rtol=0
    )
