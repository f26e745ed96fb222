"""The pieces that samples are made of, each against a plain computation of the same thing."""

import numpy as np
import pytest
from scipy import ndimage

from areoseg.synthetic.background import _near_border
from areoseg.synthetic.camera import cast_shadows, look, shade, shifted
from areoseg.synthetic.noise import SIZE, fractal_noise, make_texture, sample_texture
from areoseg.synthetic.settings import Light
from areoseg.synthetic.terrain import Rock, rock_height


@pytest.fixture(scope="module")
def noise():
    return fractal_noise(np.random.default_rng(0), exponent=3)


def test_noise_is_standardized_and_periodic(noise):
    assert noise.mean() == pytest.approx(0, abs=1e-4)
    assert noise.std() == pytest.approx(1, abs=1e-4)
    across_the_seam = np.abs(noise[:, 0] - noise[:, -1]).mean()
    inside = np.abs(np.diff(noise, axis=1)).mean()
    assert across_the_seam < 2 * inside


def test_sampling_agrees_with_scipy_at_full_detail(noise):
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-700, 700, (2, 20, 30)).astype(np.float32)
    found = sample_texture(make_texture(noise), x, y, np.ones((20, 1), dtype=np.float32))
    expected = ndimage.map_coordinates(noise, [y, x], order=1, mode="grid-wrap")
    assert np.allclose(found, expected, atol=2e-3)


def test_far_ground_is_sampled_from_blurred_copies(noise):
    texture = make_texture(noise)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(0, SIZE, (2, 40, 40)).astype(np.float32)
    spreads = [
        sample_texture(texture, x, y, np.full((40, 1), footprint, dtype=np.float32)).std()
        for footprint in (1, 8, 60)
    ]
    assert spreads[0] > spreads[1] > spreads[2]


def test_a_shift_takes_values_from_the_named_side():
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert shifted(values, 1, 2)[0, 0] == values[1, 2]
    assert shifted(values, -1, -1)[2, 3] == values[1, 2]
    assert np.array_equal(shifted(values, 5, 0), values)


def test_a_wall_casts_a_shadow_of_the_right_length_away_from_the_sun():
    height = np.zeros((9, 60), dtype=np.float32)
    height[:, 40] = 8
    shadow = cast_shadows(height, toward=(1.0, 0.0), rise=0.5)
    assert shadow[4, 26:40].min() == 1
    assert shadow[4, :23].max() == 0
    assert shadow[4, 41:].max() == 0


def test_flat_ground_has_light_one_and_slopes_to_the_sun_have_more():
    light = Light(azimuth=0.0, elevation=0.7, ambient=0.3)
    flat = np.zeros((8, 20), dtype=np.float32)
    falling_to_the_right = flat - 0.2 * np.arange(20, dtype=np.float32)
    assert np.allclose(shade(flat, light), 1)
    assert (shade(falling_to_the_right, light) > 1).all()
    assert (shade(-falling_to_the_right, light) < 1).all()


def test_ground_grows_finer_toward_the_horizon():
    view = look(64, 128, horizon=-40, steepness=1.2, offset=(0, 0))
    assert (np.diff(view.footprint[:, 0]) < 0).all()
    assert (np.diff(view.y[:, 0]) > 0).all()
    assert view.footprint[32, 0] == pytest.approx(1, rel=0.02)


def test_a_large_sample_shows_the_same_ground_in_more_detail():
    small = look(256, 256, horizon=-40, steepness=1.2, offset=(0, 0))
    large = look(1024, 1024, horizon=-40, steepness=1.2, offset=(0, 0))
    for name in ("x", "y"):
        reduced = getattr(large, name).reshape(256, 4, 256, 4).mean(axis=(1, 3))
        assert np.allclose(reduced, getattr(small, name), rtol=0.02, atol=0.5)


def test_a_rock_is_as_large_as_asked_and_in_one_piece():
    rock = Rock(row=32, column=64, radius=12, albedo=0.5, seed=4)
    window, height, albedo = rock_height(rock, (64, 128))
    inside = np.zeros((64, 128), dtype=bool)
    inside[window] = height > 0
    assert inside[32, 64]
    assert ndimage.label(inside)[1] == 1
    assert 0.35 < inside.sum() / (np.pi * 12**2) < 1.4
    assert albedo.shape == height.shape


def test_a_seam_follows_the_border_between_classes():
    mask = np.ones((10, 20), dtype=np.uint8)
    mask[:, 8:] = 2
    near = _near_border(mask, 3)
    columns = np.flatnonzero(near.all(axis=0))
    assert 2 <= len(columns) <= 5
    assert {7, 8} <= set(columns)
    assert np.array_equal(near.any(axis=0), near.all(axis=0))
