import json

import numpy as np
import pytest
from scipy import stats

from areoseg.audit import Cache, audit_samples
from areoseg.audit.checks.images import image_statistics
from areoseg.audit.summary import FEATURES, drifts, effective_images, iou_margin
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.synthetic import SyntheticMars, draw_set


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(height=32, width=48, seed=5), 120)


def without_masks(samples, change=lambda images: images):
    return SegmentationDataset(change(samples.images), None, samples.names)


def test_the_summary_counts_what_is_there(mars):
    split = {"train": range(90), "val": range(90, 120)}
    unlabeled = without_masks(mars.select(range(10)))
    audit = audit_samples(mars, split=split, unlabeled=unlabeled)
    summary = audit.summary
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert summary["images"] == 120
    assert summary["groups"] == len(set(mars.groups))
    assert summary["sizes"] == [{"height": 32, "width": 48, "images": 120}]
    pixels = class_pixels(mars)
    assert [c["pixels"] for c in summary["classes"]] == pixels.sum(0).tolist()
    assert [c["images"] for c in summary["classes"]] == (pixels > 0).sum(0).tolist()
    assert sum(c["share"] for c in summary["classes"]) == pytest.approx(1)
    median = float(np.median(mars.images.mean(axis=(1, 2))))
    assert summary["intensity"]["mean"]["q50"] == pytest.approx(median, abs=1e-3)
    val = summary["split"]["val"]
    assert val["images"] == 30
    assert [c["images"] for c in val["classes"]] == (pixels[90:] > 0).sum(0).tolist()
    assert summary["unlabeled"]["images"] == 10
    assert 0 < summary["dispersion"]["q50"] < summary["dispersion"]["largest"] == 0.4


def test_an_audit_for_single_issues_has_no_summary(mars):
    assert audit_samples(mars, issues=("repeated-mask",)).summary == {}


def test_images_without_masks_have_a_summary_without_classes(mars):
    summary = audit_samples(without_masks(mars)).summary
    assert "classes" not in summary
    assert "dispersion" not in summary


def test_images_of_equal_weight_are_all_effective_and_one_large_image_decides_alone():
    assert effective_images(np.full(40, 7)) == 40
    assert effective_images(np.array([1_000_000, 1, 1, 0])) == pytest.approx(1, abs=1e-4)
    assert effective_images(np.zeros(5, dtype=np.int64)) == 0


def test_the_margin_is_what_bootstrapping_images_gives():
    rng = np.random.default_rng(0)
    pixels = rng.lognormal(3, 1, 120).astype(np.int64)
    found = rng.random((4000, 120)) < 0.5
    drawn = rng.integers(0, 120, (4000, 120))
    weight = np.stack([np.bincount(row, minlength=120) for row in drawn]) * pixels
    resampled = (weight * found[0]).sum(1) / weight.sum(1)
    margin = iou_margin(effective_images(pixels))
    assert 1.96 * resampled.std() == pytest.approx(margin, rel=0.2)


def test_a_class_that_never_occurs_has_any_iou():
    assert iou_margin(0) == 0.5
    assert iou_margin(1) == 0.5


def test_brighter_unlabeled_images_drift(mars):
    brighter = without_masks(mars, lambda images: np.minimum(images + 40, 255).astype(np.uint8))
    findings = audit_samples(mars, issues=("drift",), unlabeled=brighter).set_findings
    assert {f.issue for f in findings} == {"drift"}
    assert any(f.reason.startswith("the brightness of the unlabeled images") for f in findings)
    assert all(0.1 < f.score <= 1 for f in findings)


def test_images_of_the_same_kind_do_not_drift(mars):
    half, other = mars.select(range(0, 120, 2)), without_masks(mars.select(range(1, 120, 2)))
    assert audit_samples(half, issues=("drift",), unlabeled=other).set_findings == ()


def test_images_of_other_frames_of_the_same_kind_do_not_drift(mars):
    half, other = mars.select(range(60)), without_masks(mars.select(range(60, 120)))
    assert audit_samples(half, issues=("drift",), unlabeled=other).set_findings == ()


def test_drifts_are_those_of_scipy_and_corrected(mars):
    one = image_statistics(mars.select(range(0, 120, 2)).images, Cache())
    other = image_statistics(mars.select(range(1, 120, 2)).images, Cache())
    found = {drift.feature: drift for drift in drifts(one, other)}
    for field, feature in FEATURES.items():
        expected = stats.ks_2samp(one[field], other[field])
        assert found[feature].distance == pytest.approx(expected.statistic)
        chance = min(1, len(FEATURES) * expected.pvalue)
        assert found[feature].chance == pytest.approx(chance, rel=0.3)


def test_images_in_groups_prove_less(mars):
    one = image_statistics(mars.select(range(60)).images, Cache())
    other = image_statistics(mars.select(range(60, 120)).images, Cache())
    alone, grouped = drifts(one, other), drifts(one, other, group_size=4)
    assert [drift.distance for drift in alone] == [drift.distance for drift in grouped]
    assert alone[0].chance < grouped[0].chance
