import base64
import io

import numpy as np
import pytest
from PIL import Image as Pillow

from areoseg.audit import Finding, OtherScene
from areoseg.colours import colour_mask
from areoseg.data.scenes import Scene, SceneSet
from areoseg.report.audit_pictures import (
    LONGEST_SIDE,
    MOST,
    MOST_A_FAULT,
    all_thumbnails,
    pictured,
    thumbnails,
)
from areoseg.taxonomy import MARS, VOID


def finding(index, fault="near-duplicate", score=1.0, other=None):
    return Finding(index, f"scene-{index}", fault, score, "because", "flag", other)


def decoded(uri):
    head, content = uri.split(",")
    picture = Pillow.open(io.BytesIO(base64.b64decode(content)))
    return head, picture


def test_of_each_fault_the_worst_are_shown():
    findings = [finding(i, score=i) for i in range(MOST_A_FAULT + 20)]
    findings += [finding(5, "constant-image")]
    shown = {place.index for place in pictured(findings)}
    assert shown == {5, *range(20, MOST_A_FAULT + 20)}


def test_many_faults_share_the_pictures():
    findings = [finding(i, fault=f"fault {i % 30}") for i in range(2 * MOST)]
    assert len(pictured(findings)) == MOST


def test_the_other_scene_of_a_finding_is_shown_too():
    other = OtherScene(4, "scene-4", "unlabelled")
    places = [str(place) for place in pictured([finding(4, other=other), finding(4)])]
    assert places == ["labelled 4", "unlabelled 4"]


def test_pictures_come_from_the_part_that_a_scene_stands_in(scenes):
    findings = [finding(0, other=OtherScene(1, "x", "unlabelled"))]
    images = np.stack([np.full((8, 9), 10, np.uint8), np.full((8, 9), 200, np.uint8)])
    unlabelled = SceneSet(images, None, ("w", "x"))
    shown = all_thumbnails(findings, scenes, unlabelled, MARS)
    assert shown.keys() == {"labelled 0", "unlabelled 1"}
    assert "mask" not in shown["unlabelled 1"]
    _, picture = decoded(shown["unlabelled 1"]["image"])
    assert np.asarray(picture).mean() == pytest.approx(200, abs=3)
    assert all_thumbnails(findings, scenes, None, MARS).keys() == {"labelled 0"}


def test_a_mask_has_the_colours_of_its_classes():
    mask = np.array([[0, 1, 2, 3, 4, VOID]] * 3, np.uint8)
    shown = thumbnails(Scene(np.zeros((3, 6), np.uint8), mask, "a", None), MARS)
    head, picture = decoded(shown["mask"])
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), colour_mask(mask, MARS))
    assert tuple(shown["size"]) == (3, 6)


@pytest.mark.parametrize("shape", [(1024, 512), (100, 2000), (1, 1)])
def test_large_pictures_are_reduced_and_masks_with_them(shape):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    shown = thumbnails(Scene(image, np.ones(shape, np.uint8), "a", None), MARS)
    sizes = {decoded(shown[what])[1].size for what in ("image", "mask")}
    assert len(sizes) == 1
    assert max(sizes.pop()) == min(LONGEST_SIDE, max(shape))


@pytest.mark.parametrize(
    ("brightest", "gain"), [(0, 4.0), (20, 4.0), (94, 2.5), (235, 1), (255, 1)]
)
def test_dark_images_are_brightened_for_the_eye_alone(brightest, gain):
    image = np.full((20, 20), brightest, np.uint8)
    shown = thumbnails(Scene(image, None, "a", None), MARS)
    assert shown["gain"] == gain
    assert np.asarray(decoded(shown["image"])[1]).max() == pytest.approx(brightest, abs=2)
