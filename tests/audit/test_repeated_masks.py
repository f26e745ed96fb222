import numpy as np
import pytest

from areoseg.audit import audit_samples
from areoseg.audit.checks.masks import is_trivial
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, add_aliens, add_duplicates, draw_set
from areoseg.taxonomy import VOID


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=3), 120)


def rejected(samples):
    return [finding.index for finding in audit_samples(samples, issues=("repeated-mask",)).rejected]


def noise_set(masks, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, np.shape(masks), dtype=np.uint8)
    return SegmentationDataset(
        images, np.asarray(masks), tuple(f"sample-{i}" for i in range(len(masks)))
    )


def test_exactly_the_aliens_with_one_mask_are_rejected(mars):
    samples, aliens = add_aliens(mars, 9, seed=1)
    findings = audit_samples(samples, issues=("repeated-mask",)).rejected
    assert [finding.index for finding in findings] == aliens.tolist()
    assert {finding.score for finding in findings} == {9.0}
    assert f"first on {samples.names[aliens[0]]}" in findings[-1].reason


def test_clean_samples_are_kept(mars):
    assert rejected(mars) == []


def test_copies_of_a_picture_share_their_mask_by_right(mars):
    samples, copies = add_duplicates(mars, 60, seed=2)
    assert len(copies) == 60
    assert rejected(samples) == []


def test_copies_of_a_picture_do_not_hide_a_mask_that_repeats():
    mask = np.indices((32, 32)).sum(axis=0).astype(np.uint8) // 16
    samples = noise_set([mask, mask, mask])
    samples.images[1] = samples.images[0]
    assert rejected(samples) == [0, 1, 2]


def test_masks_of_one_class_may_repeat():
    mask = np.ones((20, 30), dtype=np.uint8)
    mask[0, :5] = 3
    assert rejected(noise_set([mask] * 4)) == []


def test_a_mask_is_trivial_above_99_percent_of_its_pixels():
    mask = np.ones((10, 100), dtype=np.uint8)
    mask[4, 40:50] = 2
    assert not is_trivial(mask)
    mask[4, 40] = 1
    assert is_trivial(mask)


def test_unlabeled_strips_at_the_border_leave_a_mask_trivial():
    mask = np.full((64, 128), VOID, dtype=np.uint8)
    mask[2:, 1:] = 2
    assert is_trivial(mask)
    mask[20:30, 20:30] = 1
    assert not is_trivial(mask)


def test_a_set_without_masks_has_no_repeated_ones(mars):
    samples = SegmentationDataset(mars.images, None, mars.names)
    assert audit_samples(samples, issues=("repeated-mask",)).findings == ()
