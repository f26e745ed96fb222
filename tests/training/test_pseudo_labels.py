import numpy as np
import pytest
import torch

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS, VOID
from areoseg.training.self_training.pseudo_labels import (
    balanced_thresholds,
    pseudo_label,
    unseen_samples,
)


def teacher(images):
    """Answers soil on dark pixels and bedrock on bright ones, surer of soil."""
    sure = 0.5 + 0.5 * (images[:, 0] - 0.5).abs() * torch.where(images[:, 0] < 0.5, 2, 1)
    found = torch.zeros(len(images), 5, *images.shape[2:])
    dark = images[:, 0] < 0.5
    found[:, 1] = torch.where(dark, sure, 1 - sure)
    found[:, 2] = torch.where(dark, 1 - sure, sure)
    return found


def samples(images, **options):
    names = tuple(f"sample-{index}" for index in range(len(images)))
    return SegmentationDataset(images, None, names, **options)


def test_thresholds_by_hand():
    answers = np.array([1, 1, 1, 1, 2, 2, 2, 4])
    confidences = np.array([0.9, 0.6, 0.8, 0.7, 0.55, 0.5, 0.52, 0.3])
    found = balanced_thresholds(
        answers, confidences, classes=5, keep_fraction=0.5, min_confidence=0.4
    )
    # Two of four soil pixels, two of three bedrock pixels, and big rock falls below the floor.
    assert np.allclose(found, [np.nan, 0.8, 0.52, np.nan, 0.4], equal_nan=True)
    all_of_it = balanced_thresholds(
        answers, confidences, classes=5, keep_fraction=1.0, min_confidence=0.0
    )
    assert np.allclose(all_of_it[[1, 2, 4]], [0.6, 0.5, 0.3])


def test_each_class_keeps_the_same_share_however_sure_the_teacher_is():
    ramp = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (1, 10, 1))
    found = pseudo_label(teacher, samples(ramp), classes=5, keep_fraction=0.3, min_confidence=0.0)
    info = found.info(MARS)
    assert info["soil"].kept == pytest.approx(0.3, abs=0.01)
    assert info["bedrock"].kept == pytest.approx(0.3, abs=0.01)
    assert info["soil"].predicted == pytest.approx(0.5)
    assert info["soil"].threshold > info["bedrock"].threshold > 0.5
    assert info["sand"].model_dump() == {
        "predicted": 0,
        "threshold": None,
        "kept": None,
        "share": 0,
    }
    mask = found.samples.masks[0]
    assert (mask[:, :29] == 1).all()  # the darkest
    assert (mask[:, -29:] == 2).all()  # the brightest
    assert (mask[:, 40:-40] == VOID).all()


def test_samples_without_a_pseudo_label_are_left_out():
    images = np.stack([np.full((4, 4), value, np.float32) for value in (0.02, 0.49, 0.01)])
    found = pseudo_label(teacher, samples(images), classes=5, keep_fraction=1.0, min_confidence=0.9)
    assert found.samples.names == ("sample-0", "sample-2")
    assert found.kept.tolist() == [0, 32, 0, 0, 0]
    with pytest.raises(AreosegError, match="lower the minimum confidence"):
        pseudo_label(teacher, samples(images[1:2]), classes=5, min_confidence=0.9)


@pytest.mark.parametrize(
    "options",
    [{"keep_fraction": 0}, {"keep_fraction": 1.2}, {"min_confidence": 1}, {"min_confidence": -0.1}],
)
def test_shares_that_make_no_sense_are_refused(options):
    with pytest.raises(AreosegError, match=r"give --(keep-fraction above 0|min-confidence from 0)"):
        pseudo_label(teacher, samples(np.zeros((1, 4, 4), np.uint8)), classes=5, **options)


def test_images_of_held_out_groups_and_labeled_images_are_left_out():
    images = np.arange(6, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    labeled = SegmentationDataset(
        images[:2], np.zeros((2, 2, 2), np.uint8), ("a", "b"), ("stop-1", "stop-2")
    )
    unlabeled = samples(images[1:], groups=("stop-9", "stop-1", "stop-2", "stop-3", "stop-4"))
    # The first is an image of the training split, the third of the stop that is held out.
    found = unseen_samples(unlabeled, labeled, held_out=["b"])
    assert found.names == ("sample-1", "sample-3", "sample-4")
    without_groups = samples(images[1:])
    assert len(unseen_samples(without_groups, labeled, held_out=["b"])) == 4
