import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.metrics import roc_auc_score

from areoseg.audit import audit_samples
from areoseg.audit.checks import appearance
from areoseg.audit.checks.appearance import GRID, grid_points, mask_fits, point_features
from areoseg.audit.context import AuditContext
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, draw_set, mirror_masks, swap_masks
from areoseg.taxonomy import VOID


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=11), 400)


def flagged(samples, issue):
    return {f.index for f in audit_samples(samples, issues=(issue,)).flagged}


@pytest.fixture(scope="module")
def two_sides():
    """Bright ground on one side, dark ground on the other, in 80 images."""
    rng = np.random.default_rng(0)
    masks = np.ones((80, 40, 60), dtype=np.uint8)
    for mask, border in zip(masks, rng.integers(10, 26, 80), strict=True):
        mask[:, :border] = 2
    images = rng.normal(100, 5, masks.shape) + 60 * (masks == 2)
    return SegmentationDataset(images.astype(np.uint8), masks, tuple(map(str, range(80))))


def test_mirrored_masks_are_found_and_told_how(two_sides):
    masks = two_sides.masks.copy()
    masks[[4, 50]] = masks[[4, 50], :, ::-1]
    samples = SegmentationDataset(two_sides.images, masks, two_sides.names)
    findings = audit_samples(samples, issues=("mirrored-mask",)).flagged
    assert [f.index for f in findings] == [4, 50]
    assert {f.reason for f in findings} == {
        "the mask fits the image better when mirrored left-right"
    }


def test_masks_with_classes_exchanged_are_found(two_sides):
    masks = two_sides.masks.copy()
    masks[7] = 3 - masks[7]
    assert flagged(
        SegmentationDataset(two_sides.images, masks, two_sides.names), "unlikely-mask"
    ) == {7}


def test_good_masks_fit(two_sides):
    assert flagged(two_sides, "unlikely-mask") == flagged(two_sides, "mirrored-mask") == set()


@pytest.mark.parametrize(
    ("spoil", "worse", "better"), [(mirror_masks, "own", "left-right"), (swap_masks, "own", "best")]
)
def test_planted_issues_rank_above_most_samples(mars, spoil, worse, better):
    samples, bad = spoil(mars, 0.04, seed=3)
    fits = mask_fits(AuditContext(samples))
    # Without a segmenter it is a ranking: benchmarks/audit.py has precision and recall.
    assert roc_auc_score(np.isin(np.arange(400), bad), fits[better] - fits[worse]) > 0.75


def test_few_samples_tell_nothing(two_sides):
    masks = two_sides.masks.copy()
    masks[4] = masks[4, :, ::-1]
    few = SegmentationDataset(two_sides.images, masks, two_sides.names).select(range(49))
    assert flagged(few, "mirrored-mask") == set()


def test_void_and_rare_classes_are_not_judged(two_sides):
    masks = np.full_like(two_sides.masks, VOID)
    masks[0, 20, 20] = 3
    fits = mask_fits(AuditContext(SegmentationDataset(two_sides.images, masks, two_sides.names)))
    assert all((values == 0).all() for values in fits.values())


def test_log_densities_are_those_of_scipy(monkeypatch):
    monkeypatch.setattr(appearance, "BLOCK_SIZE", 3)
    rng = np.random.default_rng(0)
    looks = (rng.normal(size=(10, 60, 4)) @ rng.normal(size=(4, 4))).astype(np.float16)
    chosen = rng.random((10, 60)) < 0.5
    normal = appearance._Normal(looks, chosen)
    some = looks[chosen].astype(float)
    covariance = np.cov(some.T, bias=True) + 1e-3 * np.eye(4)
    expected = multivariate_normal(some.mean(0), covariance).logpdf(looks.astype(float))
    difference = expected - normal.log_density(looks)
    np.testing.assert_allclose(difference, difference[0, 0], atol=1e-2)


@pytest.mark.parametrize("shape", [(60, 120), (100, 20)])
def test_a_mirror_leaves_the_points_in_place(shape):
    values = np.arange(np.prod(shape)).reshape(shape)
    points = [grid_points(np.asarray(v)) for v in (values, values[:, ::-1], values[::-1])]
    height, width = (side // GRID for side in shape)
    assert points[0].shape == (GRID, GRID)
    assert (np.abs(points[0] - points[1][:, ::-1]) <= width).all()
    assert (np.abs(points[0] - points[2][::-1]) <= height * shape[1]).all()


@pytest.mark.parametrize("shape", [(64, 128), (7, 5), (300, 500), (1, 1)])
def test_images_of_any_size_have_a_look(shape):
    values = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    look = point_features(values)
    assert look.shape == (GRID * GRID, 11)
    assert np.isfinite(look).all()
