import json
import subprocess
import sys

import numpy as np
import pytest

from areoseg.errors import AreosegError
from areoseg.metrics.boundary import boundary_counts, boundary_iou
from areoseg.metrics.confusion import ClassCounts, confusion_matrix
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import class_iou, pixel_accuracy, precision, recall, score
from areoseg.metrics.scores import evaluate_predictions, score_rows
from areoseg.taxonomy import MARS, VOID, Taxonomy


@pytest.fixture
def masks():
    """Twelve images of square patches, a fifth of the pixels mispredicted, no big rock."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(0, 4, (12, 4, 8))
    targets = coarse.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    wrong = generator.random(targets.shape) < 0.2
    predictions = np.where(wrong, generator.integers(0, 4, targets.shape), targets)
    targets[:, 0, 0] = VOID
    return predictions.astype(np.uint8), targets


def test_scores_are_those_of_the_whole_set_by_every_protocol(masks):
    predictions, targets = masks
    scores = evaluate_predictions(predictions, targets, resamples=50)
    confusion = confusion_matrix(predictions, targets, 5)
    assert np.array(scores.confusion).tolist() == confusion.tolist()
    for name in PROTOCOLS:
        entry = scores.protocols[name]
        assert entry.score == pytest.approx(score(confusion, name))
        assert entry.interval[0] <= entry.score <= entry.interval[1]
        np.testing.assert_array_equal(list(entry.iou.values()), class_iou(confusion, name))
        assert list(entry.iou) == list(entry.iou_interval) == list(MARS.names)
    assert scores.images == 12
    assert scores.groups is None


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_headline_is_that_of_the_chosen_protocol(masks, name):
    predictions, targets = masks
    scores = evaluate_predictions(predictions, targets, protocol=name, resamples=20)
    confusion = confusion_matrix(predictions, targets, 5)
    outline = ClassCounts(*(c.sum(axis=0) for c in boundary_counts(predictions, targets, name)))
    assert scores.protocol == name
    assert (scores.score, scores.interval) == (
        scores.protocols[name].score,
        scores.protocols[name].interval,
    )
    for index, entry in enumerate(scores.classes.values()):
        expected = [rate(confusion, name)[index] for rate in (class_iou, precision, recall)]
        expected.append(boundary_iou(outline)[index])
        got = [entry.iou, entry.precision, entry.recall, entry.boundary_iou]
        np.testing.assert_array_equal(got, expected)
        assert entry.pixels == (targets == index).sum()
    assert scores.pixel_accuracy == pixel_accuracy(confusion, name)
    assert scores.boundary_interval[0] <= scores.boundary_iou <= scores.boundary_interval[1]


def test_a_list_of_masks_of_different_sizes_is_scored_as_a_whole(masks):
    predictions, targets = masks
    cut_predictions = [*predictions[:6], *predictions[6:, :, :20]]
    cut_targets = [*targets[:6], *targets[6:, :, :20]]
    scores = evaluate_predictions(cut_predictions, cut_targets, resamples=5)
    pixels = sum((target != VOID).sum() for target in cut_targets)
    assert np.sum(scores.confusion) == pixels


def test_groups_are_counted_and_widen_the_interval_when_their_images_are_copies(masks):
    predictions, targets = (array[:6].repeat(6, axis=0) for array in masks)
    groups = [f"frame {index // 6}" for index in range(36)]
    grouped = evaluate_predictions(predictions, targets, groups=groups)
    alone = evaluate_predictions(predictions, targets)
    assert grouped.groups == 6
    assert grouped.score == alone.score
    assert np.diff(grouped.interval) > np.diff(alone.interval)
    assert np.diff(grouped.boundary_interval) > np.diff(alone.boundary_interval)


def test_the_same_seed_gives_the_same_scores(masks):
    one = evaluate_predictions(*masks, resamples=30, seed=4).to_json()
    assert one == evaluate_predictions(*masks, resamples=30, seed=4).to_json()
    assert one != evaluate_predictions(*masks, resamples=30, seed=5).to_json()


def test_json_is_strict_with_null_for_what_is_not_defined(masks):
    content = evaluate_predictions(*masks, resamples=10).to_json()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert set(content) == {
        "protocol", "score", "interval", "protocols", "classes", "boundary_iou",
        "boundary_interval", "pixel_accuracy", "lost_ground", "found_background", "confusion",
        "images", "groups", "resamples",
    }  # fmt: skip
    assert set(content["protocols"]) == set(PROTOCOLS)
    assert set(content["protocols"]["keras"]) == {"score", "interval", "iou", "iou_interval"}
    assert content["classes"]["big rock"] == {
        "iou": None,
        "interval": [None, None],
        "precision": None,
        "recall": None,
        "boundary_iou": None,
        "pixels": 0,
    }


def test_rows_hold_every_class_and_then_the_mean(masks):
    scores = evaluate_predictions(*masks, resamples=10)
    rows = score_rows(scores)
    assert [row["class"] for row in rows] == [*MARS.names, "mean"]
    assert rows[1]["iou"] == scores.classes["soil"].iou
    assert (rows[1]["low"], rows[1]["high"]) == scores.classes["soil"].interval
    assert rows[4]["iou"] is None
    assert rows[-1]["iou"] == scores.score
    assert rows[-1]["pixels"] == np.sum(scores.confusion)
    assert all(row.keys() == rows[0].keys() for row in rows)


def test_one_image_has_a_score_but_no_interval(masks):
    predictions, targets = masks
    scores = evaluate_predictions(predictions[:1], targets[:1])
    assert 0 < scores.score < 1
    assert np.isnan(scores.interval).all()


def test_nothing_labeled_scores_nan_without_a_warning(recwarn):
    targets = np.full((3, 8, 8), VOID, np.uint8)
    content = evaluate_predictions(np.zeros_like(targets), targets, resamples=10).to_json()
    assert content["score"] is None
    assert content["boundary_iou"] is None
    assert content["pixel_accuracy"] is None
    assert not recwarn.list


def test_another_taxonomy_brings_its_own_names():
    taxonomy = Taxonomy(names=("sky", "ground"), colors=((0, 0, 0), (9, 9, 9)))
    target = np.array([[[0, 1], [1, 1]]], np.uint8)
    scores = evaluate_predictions(target, target, taxonomy=taxonomy)
    assert list(scores.classes) == ["sky", "ground"]
    assert scores.score == 1.0


def test_wrong_input_is_an_error_that_says_what(masks):
    predictions, targets = masks
    with pytest.raises(AreosegError, match="no images to score"):
        evaluate_predictions([], [])
    with pytest.raises(AreosegError, match="did you mean 'five-class'"):
        evaluate_predictions(predictions, targets, protocol="fiveclass")
    with pytest.raises(AreosegError, match="12 images but 2 groups"):
        evaluate_predictions(predictions, targets, groups=["a", "b"])
    with pytest.raises(AreosegError, match="image 0 has shape"):
        evaluate_predictions(predictions[:, :8], targets)


def test_the_metrics_do_not_import_torch():
    code = "import sys, areoseg.metrics.scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
