import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis
from sklearn.metrics import average_precision_score

from areoseg.audit import audit_samples
from areoseg.audit.checks.content_outliers import FLAG_ABOVE, FLAG_ABOVE_IF_UNEXPLAINED, MIN_IMAGES
from areoseg.audit.checks.content_outliers import content_scores as scores_of_context
from areoseg.audit.context import AuditContext
from areoseg.audit.features import WINDOW, robust_distances, window_features, windows
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, add_aliens, draw_set


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=3), 200)


def with_issue(mars, indices, spoil):
    images = mars.images.copy()
    for index in indices:
        images[index] = spoil(images[index])
    return SegmentationDataset(images, mars.masks, mars.names)


def audit(samples):
    return audit_samples(samples, issues=("content-outlier",))


def content_scores(images):
    samples = SegmentationDataset(images, None, tuple(map(str, range(len(images)))))
    return scores_of_context(AuditContext(samples))


def noise(image):
    return np.random.default_rng(1).integers(0, 256, image.shape, dtype=np.uint8)


def checkers(image):
    return (np.indices(image.shape).sum(axis=0) // 4 % 2 * 200).astype(np.uint8)


def salt(image):
    return np.where(np.random.default_rng(2).random(image.shape) < 0.05, 255, image)


@pytest.mark.parametrize("seed", [1, 2])
def test_drawings_over_the_terrain_are_rejected_and_nothing_else(mars, seed):
    samples, aliens = add_aliens(mars, 8, seed=seed, masks="own")
    truth = np.isin(np.arange(len(samples)), aliens)
    assert average_precision_score(truth, content_scores(samples.images).total) > 0.95
    rejected = {finding.index for finding in audit(samples).rejected}
    assert len(rejected & set(aliens.tolist())) >= 7
    assert rejected <= set(aliens.tolist())


def test_the_reason_for_a_drawing_names_its_outlines_and_a_box_around_them(mars):
    samples, (alien,) = add_aliens(mars, 1, seed=4, masks="own")
    (finding,) = audit(samples).rejected
    assert finding.index == alien
    assert "as if drawn" in finding.reason
    top, left, bottom, right = finding.region
    drawn = samples.images[alien] != mars.images[alien]
    assert drawn[top:bottom, left:right].mean() > 0.1


@pytest.mark.parametrize("spoil", [noise, checkers, salt])
def test_images_of_another_kind_are_found_near_the_top(mars, spoil):
    samples = with_issue(mars, [7, 70], spoil)
    scores = content_scores(samples.images).total
    assert {7, 70} <= set(np.argsort(scores)[-8:].tolist())
    assert {7, 70} <= {finding.index for finding in audit(samples).findings}


def test_clean_samples_are_not_rejected(mars):
    assert audit(mars).rejected == ()


def test_the_reason_says_where_the_image_is_unusual(mars):
    def stamp(image):
        image[10:40, 90:120] = 255
        return image

    samples = with_issue(mars, [33], stamp)
    (finding,) = (f for f in audit(samples).findings if f.index == 33)
    row, column = (int(word) for word in finding.reason.replace(",", "").split() if word.isdigit())
    assert 8 <= row <= 48
    assert 80 <= column <= 128


def test_small_sets_have_no_outliers(mars):
    few = with_issue(mars, [3], noise).select(range(MIN_IMAGES - 1))
    assert audit(few).findings == ()


def test_floats_score_like_bytes(mars):
    bytes_score = content_scores(mars.images[:60]).total
    floats_score = content_scores((mars.images[:60] / 255).astype(np.float32)).total
    np.testing.assert_allclose(floats_score, bytes_score, rtol=1e-3)


def test_images_of_several_sizes_are_compared(mars):
    images = [image[: 20 + i, : 40 + i] for i, image in enumerate(mars.images[:40])]
    large = [np.tile(image, (5, 3)) for image in mars.images[:20]]
    assert np.isfinite(content_scores([*images, *large]).total).all()


def test_constant_images_of_one_level_have_finite_scores():
    assert np.isfinite(content_scores(np.full((60, 64, 64), 9, dtype=np.uint8)).total).all()


@pytest.mark.parametrize(("height", "width"), [(64, 128), (50, 33), (16, 200), (3, 3)])
def test_windows_cover_every_pixel_and_are_of_one_size(height, width):
    covered = np.zeros((height, width), dtype=bool)
    shapes = set()
    for cut in windows(height, width):
        covered[cut] = True
        shapes.add(np.empty((height, width))[cut].shape)
    assert covered.all()
    assert shapes == {(min(height, WINDOW), min(width, WINDOW))}


def test_window_features_of_a_flat_image_are_its_brightness_and_no_roughness():
    features = window_features(np.full((64, 128), 95, dtype=np.uint8))
    assert features.shape == (21, 12)
    np.testing.assert_allclose(features[:, :3], np.log(100))
    np.testing.assert_allclose(features[:, 3:], 0, atol=0.1)


def test_robust_distances_of_clean_samples_order_like_scipys_mahalanobis():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(4000, 3)) @ rng.normal(size=(3, 3))
    inverse = np.linalg.inv(np.cov(points.T))
    expected = [mahalanobis(point, points.mean(0), inverse) for point in points]
    assert np.corrcoef(robust_distances(points), expected)[0, 1] > 0.98


def test_robust_distances_are_not_swayed_by_a_cluster_of_outliers():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(1000, 4))
    points[:80] = rng.normal(8, 0.1, size=(80, 4))
    distances = robust_distances(points)
    assert distances[:80].min() > distances[80:].max()
    assert np.median(distances) == pytest.approx(1)


def test_the_residual_of_a_segmenter_flags_more_and_rejects_nothing_more(mars):
    samples, _ = add_aliens(mars, 8, seed=1, masks="own")
    plain = audit(samples)
    total = content_scores(samples.images).total
    unusual = np.flatnonzero((total > FLAG_ABOVE_IF_UNEXPLAINED) & (total <= FLAG_ABOVE))[
        :2
    ].tolist()
    usual = np.flatnonzero(total < 1)[:2].tolist()
    truth = np.eye(5)[samples.masks].transpose(0, 3, 1, 2)
    found = 0.1 + 0.5 * truth
    found[[*unusual, *usual]] = 0.1 + 0.5 * (1 - truth[[*unusual, *usual]]) / 4
    found[:, 0] += 1 - found.sum(axis=1)
    told = audit_samples(samples, issues=("content-outlier",), probabilities=list(found))
    assert [f.index for f in told.rejected] == [f.index for f in plain.rejected]
    before = {finding.index for finding in plain.findings}
    assert {finding.index for finding in told.findings} - before == {*unusual}
    reasons = {finding.index: finding.reason for finding in told.findings}
    assert all("a model explains 9" in reasons[index] for index in unusual)
    assert all(finding.action == "flag" for finding in told.findings if finding.index in unusual)
