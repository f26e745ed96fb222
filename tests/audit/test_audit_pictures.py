import base64
import io

import numpy as np
import pytest
from PIL import Image

from areoseg.audit import Finding, OtherSample
from areoseg.audit.pictures import (
    MAX_PER_ISSUE,
    MAX_PICTURES,
    MAX_SIDE,
    pictures_of_findings,
    sample_pictures,
    samples_to_show,
)
from areoseg.data.samples import Sample, SegmentationDataset
from areoseg.taxonomy import MARS, VOID
from areoseg.utils.images import color_mask


def finding(index, issue="near-duplicate", score=1.0, other=None):
    return Finding(index, f"sample-{index}", issue, score, "because", "flag", other)


def decoded(uri):
    head, content = uri.split(",")
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    return head, picture


def test_of_each_issue_the_worst_are_shown():
    findings = [finding(i, score=i) for i in range(MAX_PER_ISSUE + 20)]
    findings += [finding(5, "constant-image")]
    shown = {index for _, index in samples_to_show(findings)}
    assert shown == {5, *range(20, MAX_PER_ISSUE + 20)}


def test_many_issues_share_the_pictures():
    findings = [finding(i, issue=f"issue {i % 30}") for i in range(2 * MAX_PICTURES)]
    assert len(samples_to_show(findings)) == MAX_PICTURES


def test_the_other_sample_of_a_finding_is_shown_too():
    other = OtherSample(4, "sample-4", "unlabeled")
    places = samples_to_show([finding(4, other=other), finding(4)])
    assert places == [("labeled", 4), ("unlabeled", 4)]


def test_pictures_come_from_the_part_that_a_sample_stands_in(samples):
    findings = [finding(0, other=OtherSample(1, "x", "unlabeled"))]
    images = np.stack([np.full((8, 9), 10, np.uint8), np.full((8, 9), 200, np.uint8)])
    unlabeled = SegmentationDataset(images, None, ("w", "x"))
    shown = pictures_of_findings(findings, samples, unlabeled, MARS)
    assert shown.keys() == {"labeled 0", "unlabeled 1"}
    assert "mask" not in shown["unlabeled 1"]
    _, picture = decoded(shown["unlabeled 1"]["image"])
    assert np.asarray(picture).mean() == pytest.approx(200, abs=3)
    assert pictures_of_findings(findings, samples, None, MARS).keys() == {"labeled 0"}


def test_a_mask_has_the_colors_of_its_classes():
    mask = np.array([[0, 1, 2, 3, 4, VOID]] * 3, np.uint8)
    shown = sample_pictures(Sample(np.zeros((3, 6), np.uint8), mask, "a", None), MARS)
    head, picture = decoded(shown["mask"])
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), color_mask(mask, MARS))
    assert tuple(shown["size"]) == (3, 6)


@pytest.mark.parametrize("shape", [(1024, 512), (100, 2000), (1, 1)])
def test_large_pictures_are_reduced_and_masks_with_them(shape):
    image = np.random.default_rng(0).random(shape, dtype=np.float32)
    shown = sample_pictures(Sample(image, np.ones(shape, np.uint8), "a", None), MARS)
    sizes = {decoded(shown[what])[1].size for what in ("image", "mask")}
    assert len(sizes) == 1
    assert max(sizes.pop()) == min(MAX_SIDE, max(shape))


@pytest.mark.parametrize(
    ("brightest", "gain"), [(0, 4.0), (20, 4.0), (94, 2.5), (235, 1), (255, 1)]
)
def test_dark_images_are_brightened_for_the_eye_alone(brightest, gain):
    image = np.full((20, 20), brightest, np.uint8)
    shown = sample_pictures(Sample(image, None, "a", None), MARS)
    assert shown["gain"] == gain
    assert np.asarray(decoded(shown["image"])[1]).max() == pytest.approx(brightest, abs=2)
