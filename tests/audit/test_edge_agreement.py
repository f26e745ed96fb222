import numpy as np
import pytest

from areoseg.audit import audit_samples
from areoseg.audit.checks.edge_agreement import MAX_SHIFT, edge_agreements
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, draw_set


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=11), 300)


def reasons(mars, place):
    masks = np.stack([place(mask) for mask in mars.masks])
    samples = SegmentationDataset(mars.images, masks, mars.names)
    return [f.reason for f in audit_samples(samples, issues=("misplaced-masks",)).set_findings]


@pytest.mark.parametrize(
    ("place", "how"),
    [
        (lambda mask: mask[:, ::-1], "mirrored left-right"),
        (lambda mask: mask[::-1], "mirrored top-bottom"),
        (lambda mask: np.pad(mask, ((4, 0), (0, 0)), "edge")[:-4], "moved 4 pixels up"),
        (lambda mask: np.pad(mask, ((0, 0), (0, 4)), "edge")[:, 4:], "4 pixels to the right"),
    ],
)
def test_masks_that_are_all_misplaced_are_told_how(mars, place, how):
    (reason,) = reasons(mars, place)
    assert reason.startswith(
        "the masks of the set agree better with the edges of their images when"
    )
    assert how in reason


def test_masks_in_their_place_are_not_misplaced(mars):
    assert reasons(mars, lambda mask: mask) == []


def test_a_few_samples_tell_nothing(mars):
    assert reasons(mars.select(range(40)), lambda mask: mask[::-1]) == []


def test_the_best_agreement_lies_where_the_edge_is():
    image = np.full((40, 60), 50, dtype=np.uint8)
    image[:, 30:] = 200
    mask = np.zeros_like(image)
    mask[:, 27:] = 1
    agreement = edge_agreements(image, mask)
    assert agreement.shape == (4, 2 * MAX_SHIFT + 1, 2 * MAX_SHIFT + 1)
    assert agreement[0, MAX_SHIFT].argmax() - MAX_SHIFT == 3
    assert agreement[0, MAX_SHIFT, MAX_SHIFT + 3] > 0.9


def test_a_mask_of_one_class_has_no_outline():
    assert np.isnan(
        edge_agreements(np.zeros((20, 20), np.uint8), np.ones((20, 20), np.uint8))
    ).all()
