"""Color-blind people tell the classes apart."""

from itertools import combinations

import numpy as np
import pytest

from areoseg import weights
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS
from areoseg.utils.images import OUTLINE_COLOR, overlay

colorspacious = pytest.importorskip("colorspacious", reason="colorspacious is not installed")

LEAST = 20
"""Smallest difference of two classes in CIE76 units; 2.3 are just noticeable."""

VISIONS = {
    "normal": None,
    "deuteranopia": "deuteranomaly",
    "protanopia": "protanomaly",
    "tritanopia": "tritanomaly",
}


def in_lab(colors, vision):
    """Colors (N, 3) from 0 to 255 in CIELAB as seen with a vision (Machado et al. 2009)."""
    seen = np.asarray(colors) / 255
    if VISIONS[vision] is not None:
        space = {"name": "sRGB1+CVD", "cvd_type": VISIONS[vision], "severity": 100}
        seen = colorspacious.cspace_convert(seen, space, "sRGB1").clip(0, 1)
    return colorspacious.cspace_convert(seen, "sRGB1", "CIELab")


def smallest(colors, vision):
    pairs = combinations(in_lab(colors, vision), 2)
    return min(float(np.linalg.norm(one - other)) for one, other in pairs)


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_classes_differ(vision):
    assert smallest(MARS.colors, vision) >= LEAST


@pytest.mark.parametrize("vision", VISIONS)
def test_any_two_classes_differ_in_overlays_on_mid_gray(vision):
    mask = np.repeat(np.arange(5, dtype=np.uint8), 5).reshape(5, 5)[:, :, None].repeat(3, 1)[..., 0]
    seen = overlay(np.full(mask.shape, 128, np.uint8), mask, MARS)
    plain = [seen[index, 1] for index in range(4)]
    blended = np.round(0.55 * 128 + 0.45 * np.array(MARS.colors[4]))
    assert smallest([*plain, blended], vision) >= LEAST


def test_big_rocks_have_an_outline_in_overlays():
    mask = np.ones((9, 9), np.uint8)
    mask[2:7, 2:7] = 4
    seen = overlay(np.full((9, 9), 128, np.uint8), mask, MARS)
    edge = (seen == OUTLINE_COLOR).all(axis=-1)
    assert edge.sum() == 16
    assert edge[2, 2:7].all()
    assert not edge[3:6, 3:6].any()


@pytest.mark.parametrize("name", weights.bundled_names())
def test_bundled_models_have_these_colors(name):
    assert open_run(name).taxonomy == MARS
