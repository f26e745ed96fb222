import numpy as np
import pytest
from cleanlab.count import get_confident_thresholds

from areoseg.audit import audit_samples
from areoseg.audit.checks.disputed_masks import (
    BACKGROUND_WEIGHT,
    GRID,
    SHIFTS,
    background_odds,
    class_confidence,
    gain,
    label_points,
    log_points,
    mask_likelihoods,
)
from areoseg.audit.context import AuditContext
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic import SyntheticMars, draw_set, mirror_masks, shift_masks, swap_masks
from areoseg.taxonomy import VOID

CLASSES = 5


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=5), 120)


@pytest.fixture(scope="module")
def probabilities(mars):
    """What a fair segmenter answers: the truth, blurred by doubt and by wrong patches."""
    rng = np.random.default_rng(0)
    found = []
    for mask in mars.masks:
        logits = 3.0 * (mask == np.arange(CLASSES)[:, None, None])
        logits += np.kron(rng.normal(0, 1.2, (CLASSES, 8, 16)), np.ones((8, 8)))
        odds = np.exp(logits)
        found.append((odds / odds.sum(axis=0)).astype(np.float16))
    return found


def audit(samples, probabilities, issue):
    return audit_samples(samples, issues=(issue,), probabilities=probabilities).findings


def changed(mars, flawed, indices):
    """The indices where at least a fifth of the labeled pixels changed."""
    return {
        int(index)
        for index in indices
        if (mars.masks[index] != flawed.masks[index])[flawed.masks[index] != 0].mean() >= 0.2
    }


def test_sound_masks_are_not_disputed(mars, probabilities):
    for issue in ("swapped-mask", "moved-mask"):
        assert audit(mars, probabilities, issue) == ()


def test_swapped_masks_are_found_and_their_image_is_named(mars, probabilities):
    flawed, indices = swap_masks(mars, 0.06, seed=1)
    wrong = changed(mars, flawed, indices)
    findings = audit(flawed, probabilities, "swapped-mask")
    found = {finding.index for finding in findings}
    assert len(wrong) >= 4
    assert len(found & wrong) >= 0.8 * len(wrong)
    assert found <= set(indices.tolist())
    for finding in findings:
        if finding.other is not None:
            assert (flawed.masks[finding.index] == mars.masks[finding.other.index]).mean() > 0.6
    assert any(finding.other is not None for finding in findings)
    assert {finding.action for finding in findings} == {"flag"}


def test_mirrored_masks_are_found_and_said_to_be_mirrored(mars, probabilities):
    flawed, indices = mirror_masks(mars, 0.06, seed=2)
    wrong = changed(mars, flawed, indices)
    findings = audit(flawed, probabilities, "moved-mask")
    found = {finding.index for finding in findings}
    assert len(found & wrong) >= 0.8 * len(wrong)
    assert found <= set(indices.tolist())
    assert all("mirrored left-right" in finding.reason for finding in findings)


@pytest.mark.parametrize(
    ("move", "way"),
    [(lambda m: m[::-1], "mirrored top-bottom"), (lambda m: m[::-1, ::-1], "turned upside down")],
)
def test_the_reason_says_which_way_a_mask_was_moved(mars, probabilities, move, way):
    masks = mars.masks.copy()
    index = max(range(len(masks)), key=lambda i: (masks[i] != move(masks[i])).mean())
    masks[index] = move(masks[index])
    samples = SegmentationDataset(mars.images, masks, mars.names)
    (finding,) = audit(samples, probabilities, "moved-mask")
    assert (finding.index, finding.reason.endswith(way)) == (index, True)


def test_the_best_shift_is_the_one_that_undoes_the_issue(mars, probabilities):
    flawed, indices = shift_masks(mars, 0.05, seed=3, pixels=(12, 12))
    fits = mask_likelihoods(AuditContext(flawed, probabilities=probabilities))
    others = np.setdiff1d(np.arange(len(mars)), indices)
    assert fits.shift_gain[indices].mean() > 3 * fits.shift_gain[others].mean()
    sizes = np.hypot(*(fits.shift[indices] * (64, 128)).T)
    assert np.median(sizes) == pytest.approx(12, abs=4)
    assert (0, 0) not in SHIFTS


def test_a_gain_is_that_of_terrain_and_half_that_of_background():
    soil_left = np.full((64, 128), 1, dtype=np.uint8)
    soil_left[:, 64:] = 3
    seen = np.full((CLASSES, 64, 128), 0.02)
    np.put_along_axis(seen, soil_left[None].astype(int), 0.8, axis=0)
    seen[0] = 0.14
    logs = log_points(seen)
    odds = background_odds(logs, 0)
    labels = label_points(soil_left, np.ones(CLASSES, dtype=bool))

    def gained(labels, moved):
        return gain(logs, odds, labels, moved, 0)

    sure, doubtful = logs[1, 0, 0], logs[3, 0, 0]
    assert gained(labels, labels[:, ::-1]) == pytest.approx(doubtful - sure, rel=1e-4)
    assert gained(labels[:, ::-1], labels) == pytest.approx(sure - doubtful, rel=1e-4)
    left_out = labels.copy()
    left_out[:16, :8] = 0
    turned = left_out[::-1].copy()
    assert gained(left_out, turned) == pytest.approx(0, abs=1e-6)  # it could as well lie there
    share = 16 * 8 / (GRID[0] * GRID[1])
    assert gained(labels, left_out) == pytest.approx(
        BACKGROUND_WEIGHT * share * odds[0, 0], rel=1e-4
    )
    assert gained(np.full(GRID, -1), labels) == 0


def test_a_patch_of_another_class_is_told_with_its_box_and_classes(mars, probabilities):
    masks = mars.masks.copy()
    index = next(i for i in range(len(masks)) if (masks[i] == 3).mean() > 0.95)
    masks[index][20:44, 40:80] = 2
    samples = SegmentationDataset(mars.images, masks, mars.names)
    sure = [np.where(mask == np.arange(CLASSES)[:, None, None], 0.9, 0.025) for mask in mars.masks]
    (finding,) = audit(samples, sure, "wrong-region")
    assert finding.index == index
    assert "labeled bedrock, looks like sand" in finding.reason
    top, left, bottom, right = finding.region
    assert (top >= 20, left >= 40, bottom <= 44, right <= 80) == (True,) * 4
    assert (bottom - top) * (right - left) > 0.9 * 24 * 40
    assert finding.score == pytest.approx(0.875 * 24 * 40, rel=0.1)


def test_confidence_is_that_of_cleanlab():
    rng = np.random.default_rng(1)
    masks = rng.integers(0, 3, (6, 16, 16)).astype(np.uint8)
    found = rng.dirichlet((1, 1, 1), (6, 16, 16)).transpose(0, 3, 1, 2)
    pixels = found.transpose(0, 2, 3, 1).reshape(-1, 3)
    expected = get_confident_thresholds(masks.ravel().astype(int), pixels)
    np.testing.assert_allclose(class_confidence(found, masks), expected, rtol=1e-5)


def test_confidence_is_the_mean_probability_where_a_class_is_labeled():
    masks = np.array([[[0, 1], [1, VOID]]], dtype=np.uint8)
    found = np.array([[[[0.9, 0.2], [0.4, 0.5]], [[0.1, 0.8], [0.6, 0.5]], np.zeros((2, 2))]])
    assert class_confidence(found, masks).tolist() == pytest.approx([0.9, 0.7, np.inf])


def test_a_class_that_is_never_answered_is_not_disputed(mars, probabilities):
    without = []
    for each in probabilities:
        terrain = each.astype(np.float32)
        terrain[0] = 0
        without.append((terrain / terrain.sum(axis=0)).astype(np.float16))
    assert all("labeled background" not in f.reason for f in audit(mars, without, "wrong-region"))
    assert (label_points(mars.masks[0], np.array([False] + [True] * 4)) != 0).all()


def test_void_and_samples_of_several_sizes_are_taken(mars, probabilities):
    masks = [mask.copy() for mask in mars.masks]
    masks[0][:] = VOID
    masks[1][:30] = VOID
    images = [image[: 40 + i % 3] for i, image in enumerate(mars.images)]
    samples = SegmentationDataset(
        images, [m[: 40 + i % 3] for i, m in enumerate(masks)], mars.names
    )
    cut = [p[:, : 40 + i % 3] for i, p in enumerate(probabilities)]
    issues = ("swapped-mask", "moved-mask", "wrong-region")
    found = audit_samples(samples, issues=issues, probabilities=cut)
    assert found.issues == issues
    assert 0 not in {finding.index for finding in found.findings}


def test_without_probabilities_nothing_is_disputed(mars):
    assert audit_samples(mars, issues=("swapped-mask",)).issues == ()


def test_probabilities_that_do_not_fit_the_samples_are_refused(mars, probabilities):
    with pytest.raises(AreosegError, match="119 of 120 samples"):
        audit(mars, probabilities[1:], "swapped-mask")
    wrong = [*probabilities[:-1], probabilities[-1][:4]]
    with pytest.raises(AreosegError, match=r"\(4, 64, 128\), give \(5, 64, 128\)"):
        audit(mars, wrong, "swapped-mask")
