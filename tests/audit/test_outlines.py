import numpy as np
import pytest

from areoseg.audit.features import outline_strengths


@pytest.fixture
def ground():
    return np.random.default_rng(0).normal(80, 12, (64, 128)).clip(0, 255).astype(np.uint8)


def test_a_flat_bright_figure_is_stronger_than_a_rough_one(ground):
    rough, flat = ground.astype(float), ground.copy()
    rough[16:40, 48:80] += 110
    flat[16:40, 48:80] = 190
    rough = rough.clip(0, 255).astype(np.uint8)
    usual = outline_strengths(ground).max()
    assert outline_strengths(flat).max() > outline_strengths(rough).max() + 1 > usual


def test_what_is_flat_and_dark_has_no_outline(ground):
    shadow = ground.copy()
    shadow[16:40, 48:80] = 10
    bright = ground.copy()
    bright[16:40, 48:80] = 190
    assert outline_strengths(shadow).max() < outline_strengths(bright).max() - 1


def test_overexposed_ground_is_no_drawing(ground):
    burnt, drawn = ground.copy(), ground.copy()
    burnt[16:40, 48:80] = 255
    drawn[16:40, 48:80] = 240
    assert outline_strengths(burnt).max() < outline_strengths(drawn).max() - 1


@pytest.mark.parametrize("shape", [(3, 3), (16, 200), (300, 400)])
def test_strengths_are_finite_one_a_window(shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    strengths = outline_strengths(image)
    assert strengths.ndim == 1
    assert np.isfinite(strengths).all()


def test_a_constant_image_has_no_outline():
    assert (outline_strengths(np.full((40, 60), 9, dtype=np.uint8)) == 0).all()
