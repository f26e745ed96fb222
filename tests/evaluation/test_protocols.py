import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import jaccard_score
from torchmetrics.classification import MulticlassJaccardIndex

from areoseg.errors import AreosegError
from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.protocols import PROTOCOLS, protocol
from areoseg.metrics.rates import class_iou, mean_scores, score
from areoseg.taxonomy import MARS, VOID, Taxonomy

HOMEWORK_SHARES = np.array([0.2432, 0.3392, 0.2327, 0.1836, 0.0013])
TERRAIN = {1, 2, 3, 4}

masks = arrays(np.uint8, (60,), elements=st.integers(0, 4))
masks_with_void = arrays(np.uint8, (60,), elements=st.sampled_from([0, 1, 2, 3, 4, VOID]))
# Few classes, so that absent ones are common.
poor_masks = arrays(np.uint8, (6,), elements=st.integers(0, 4))


def scikit_learn_score(name, prediction, target):
    """The protocols once more, by jaccard_score over hand-picked pixels and labels."""
    labeled_only = name in ("terrain", "keras")
    kept = (target != VOID) & ((target != 0) if labeled_only else True)
    target, prediction = target[kept], prediction[kept]
    true, either = set(target.tolist()), set(target.tolist()) | set(prediction.tolist())
    labels = {
        "terrain": true & TERRAIN,
        "keras": either,
        "all-pixels": either & TERRAIN,
        "five-class": either,
    }[name]
    if not labels:
        return np.nan
    return jaccard_score(target, prediction, labels=sorted(labels), average="macro")


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=40, deadline=None)
@given(prediction=masks, target=masks_with_void)
def test_scores_agree_with_scikit_learn(name, prediction, target):
    confusion = confusion_matrix(prediction, target, 5)
    expected = scikit_learn_score(name, prediction, target)
    np.testing.assert_allclose(score(confusion, name), expected, rtol=1e-12)


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=40, deadline=None)
@given(prediction=poor_masks, target=poor_masks)
def test_scores_with_absent_classes_agree_with_scikit_learn(name, prediction, target):
    confusion = confusion_matrix(prediction, target, 5)
    expected = scikit_learn_score(name, prediction, target)
    np.testing.assert_allclose(score(confusion, name), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "ignored"), [("terrain", 0), ("keras", 0), ("all-pixels", None), ("five-class", None)]
)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_terrain_class_iou_agrees_with_torchmetrics(name, ignored, seed):
    target, prediction = np.random.default_rng(seed).integers(0, 5, (2, 8, 16))
    oracle = MulticlassJaccardIndex(num_classes=5, ignore_index=ignored, average="none")
    expected = oracle(torch.from_numpy(prediction), torch.from_numpy(target)).numpy()

    iou = class_iou(confusion_matrix(prediction, target, 5), name)
    np.testing.assert_allclose(iou[1:], expected[1:], rtol=1e-6)
    if name == "five-class":
        np.testing.assert_allclose(iou[0], expected[0], rtol=1e-6)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_perfect_predictions_score_one(name):
    target = np.arange(5).repeat(4)
    assert score(confusion_matrix(target, target, 5), name) == 1.0


def test_one_labeled_pixel_predicted_background_costs_keras_a_fifth():
    target = np.array([1] * 10 + [2] * 10 + [3] * 10 + [4] * 10)
    prediction = target.copy()
    assert score(confusion_matrix(prediction, target, 5), "keras") == 1.0

    prediction[0] = 0
    confusion = confusion_matrix(prediction, target, 5)
    np.testing.assert_allclose(class_iou(confusion, "keras"), [0, 0.9, 1, 1, 1])
    assert score(confusion, "keras") == pytest.approx((0 + 0.9 + 1 + 1 + 1) / 5)
    assert score(confusion, "terrain") == pytest.approx((0.9 + 1 + 1 + 1) / 4)


def test_what_is_predicted_on_background_matters_only_where_every_pixel_counts():
    target = np.array([0, 0, 0, 1, 1, 1])
    prediction = np.array([1, 1, 0, 1, 1, 1])
    confusion = confusion_matrix(prediction, target, 5)
    assert score(confusion, "terrain") == score(confusion, "keras") == 1.0
    assert score(confusion, "all-pixels") == pytest.approx(3 / 5)
    assert score(confusion, "five-class") == pytest.approx((1 / 3 + 3 / 5) / 2)


def test_a_terrain_class_that_is_only_predicted_enters_all_but_the_terrain_protocol():
    confusion = confusion_matrix(np.array([1, 1, 1, 4]), np.array([1, 1, 1, 1]), 5)
    assert score(confusion, "terrain") == pytest.approx(3 / 4)
    for name in ("keras", "all-pixels", "five-class"):
        assert score(confusion, name) == pytest.approx((3 / 4 + 0) / 2)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("five-class", 0.0990), ("all-pixels", 0.0929), ("terrain", 0.1058), ("keras", 0.0846)],
)
def test_uniform_guessing_scores_what_its_expected_confusion_says(name, expected):
    confusion = np.outer(HOMEWORK_SHARES, np.full(5, 1 / 5))
    assert score(confusion, name) == pytest.approx(expected, abs=5e-5)


def test_uniform_guessing_drawn_at_random_scores_the_expected_value():
    generator = np.random.default_rng(3)
    shares = HOMEWORK_SHARES / HOMEWORK_SHARES.sum()
    target = generator.choice(5, size=400_000, p=shares)
    prediction = generator.integers(0, 5, target.shape)
    confusion = confusion_matrix(prediction, target, 5)
    assert score(confusion, "five-class") == pytest.approx(0.0990, abs=1e-3)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_batch_scores_as_its_matrices_do(name):
    batch = np.random.default_rng(4).integers(0, 3, (4, 3, 5, 5))
    batch[0, 0] = 0
    scores = mean_scores(batch, name)
    assert scores.shape == (4, 3)
    for index in np.ndindex(4, 3):
        np.testing.assert_equal(scores[index], score(batch[index], name))
        np.testing.assert_equal(class_iou(batch, name)[index], class_iou(batch[index], name))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_pixel_at_all_scores_nan(name):
    assert np.isnan(score(np.zeros((5, 5), np.int64), name))


@pytest.mark.parametrize("name", ["terrain", "keras"])
def test_no_labeled_pixel_scores_nan_under_protocols_that_drop_background(name):
    confusion = confusion_matrix(np.array([0, 1, 2]), np.array([0, 0, 0]), 5)
    assert np.isnan(score(confusion, name))


def test_selecting_pixels_leaves_the_given_matrix_alone():
    confusion = np.ones((5, 5), np.int64)
    score(confusion, "terrain")
    assert confusion.sum() == 25


def test_another_taxonomy_has_its_own_background():
    taxonomy = Taxonomy(names=("rock", "sky", "sand"), colors=((0, 0, 0),) * 3, background=1)
    confusion = np.array([[6, 0, 2], [9, 5, 9], [0, 2, 8]])
    iou = class_iou(confusion, "terrain", taxonomy)
    np.testing.assert_allclose(iou, [6 / 8, np.nan, 8 / 12])
    assert score(confusion, "five-class", taxonomy) == pytest.approx((6 / 17 + 5 / 25 + 8 / 21) / 3)


def test_an_unknown_protocol_is_an_error_that_names_the_nearest():
    with pytest.raises(AreosegError, match="no protocol 'terain': did you mean 'terrain'"):
        protocol("terain")
    with pytest.raises(AreosegError, match="choose from terrain, keras, all-pixels, five-class"):
        score(np.zeros((5, 5), np.int64), "xyz")


def test_a_confusion_matrix_of_another_size_is_an_error():
    with pytest.raises(AreosegError, match=r"shape \(4, 4\).*5 classes"):
        score(np.zeros((4, 4), np.int64), "terrain", MARS)


def test_every_protocol_is_registered_under_its_own_name_with_a_summary():
    assert list(PROTOCOLS) == ["terrain", "keras", "all-pixels", "five-class"]
    for name, entry in PROTOCOLS.items():
        assert entry.name == name
        assert entry.summary
        assert protocol(name) is entry
