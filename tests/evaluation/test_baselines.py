from pathlib import Path

import numpy as np
import pytest

import areoseg
from areoseg.data.load import read_data
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels, split_samples
from areoseg.errors import AreosegError
from areoseg.evaluation.baselines import (
    BASELINES,
    SCALES,
    baseline,
    evaluate_baseline,
    expected_confusion,
    logistic_regression,
    majority,
    pixel_features,
    random,
)
from areoseg.metrics.confusion import confusion_per_image
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import score
from areoseg.taxonomy import MARS

DATA = Path(__file__).parents[2] / "../shared/data"
HOMEWORK_SHARES = np.array([0.2432, 0.3392, 0.2327, 0.1836, 0.0013])


def score_of_guesses(masks, protocol):
    images = np.zeros_like(masks)
    guesses = random(
        SegmentationDataset(images, masks, tuple(map(str, range(len(masks))))), images, seed=0
    )
    return score(confusion_per_image(guesses, masks, len(MARS)).sum(axis=0), protocol)


def test_guessing_is_the_reports_random_predictor_in_expectation():
    assert score(expected_confusion(HOMEWORK_SHARES), "five-class") == pytest.approx(
        0.0990, abs=5e-5
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_guessing_scores_in_practice_what_it_does_in_expectation(protocol):
    generator = np.random.default_rng(1)
    masks = generator.choice(5, size=(40, 64, 128), p=HOMEWORK_SHARES / HOMEWORK_SHARES.sum())
    masks = masks.astype(np.uint8)
    pixels = np.bincount(masks.ravel(), minlength=5)
    assert score_of_guesses(masks, protocol) == pytest.approx(
        score(expected_confusion(pixels), protocol), abs=1e-3
    )


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not at ../shared/data")
def test_guessing_scores_the_reports_value_on_the_homeworks_masks():
    samples = read_data(DATA / "terrain64.npz").labeled
    copies = {}
    for index, mask in enumerate(samples.masks):
        copies.setdefault(mask.tobytes(), []).append(index)
    aliens = max(copies.values(), key=len)
    clean = samples.select(sorted(set(range(len(samples))) - set(aliens)))
    pixels = class_pixels(clean).sum(axis=0)
    assert score(expected_confusion(pixels), "five-class") == pytest.approx(0.0990, abs=5e-5)
    assert score_of_guesses(clean.masks, "five-class") == pytest.approx(0.0990, abs=2e-4)


def test_majority_answers_the_commonest_terrain_class_and_never_background():
    masks = np.zeros((3, 4, 4), dtype=np.uint8)
    masks[:, 0, :3] = 3
    masks[:, 1, 0] = 1
    samples = SegmentationDataset(np.zeros_like(masks), masks, ("a", "b", "c"))
    answers = majority(samples, samples.images[:2])
    assert np.array_equal(answers, np.full((2, 4, 4), 3))
    assert score(confusion_per_image(answers, masks[:2], 5).sum(axis=0)) == pytest.approx(
        (6 / 8 + 0) / 2
    )


def test_pixel_features_are_constant_on_a_constant_image():
    features = pixel_features(np.full((6, 9), 51, dtype=np.uint8))
    assert features.shape == (54, 2 + 2 * len(SCALES))
    assert features[:, [0, 2, 4, 6]] == pytest.approx(np.full((54, 4), 0.2), abs=1e-6)
    assert features[:, [1, 3, 5, 7]] == pytest.approx(np.zeros((54, 4)), abs=1e-3)


def test_logistic_regression_tells_bright_from_dark():
    generator = np.random.default_rng(0)
    masks = np.ones((4, 16, 16), dtype=np.uint8)
    masks[:, :, 8:] = 3
    masks[:, 0] = 0
    noise = generator.integers(0, 20, masks.shape)
    images = (np.where(masks == 3, 200, 60) + noise).astype(np.uint8)
    samples = SegmentationDataset(images, masks, ("a", "b", "c", "d"))
    answers = np.stack(logistic_regression(samples.select([0, 1]), images[2:]))
    terrain = masks[2:] != 0
    assert (answers == masks[2:])[terrain].mean() > 0.95
    assert set(np.unique(answers)) == {1, 3}


@pytest.mark.parametrize(
    "masks", [None, np.zeros((2, 4, 4), np.uint8), np.ones((2, 4, 4), np.uint8)]
)
def test_logistic_regression_without_two_classes_is_refused(masks):
    samples = SegmentationDataset(np.zeros((2, 4, 4), dtype=np.uint8), masks, ("a", "b"))
    with pytest.raises(AreosegError, match="logistic-regression"):
        logistic_regression(samples, samples.images)


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_repeatable_and_scores_under_every_protocol(name, samples):
    split = split_samples(samples)
    first = evaluate_baseline(name, samples, split, resamples=10)
    assert first.to_json() == evaluate_baseline(name, samples, split, resamples=10).to_json()
    assert first.protocols.keys() == PROTOCOLS.keys()
    assert first.images == len(split.test)
    assert baseline(name).summary


def test_logistic_regression_beats_majority_beats_nothing(samples):
    split = split_samples(samples, val=0.25, test=0.25)
    scores = {
        name: evaluate_baseline(name, samples, split, resamples=0).score for name in BASELINES
    }
    assert scores["logistic-regression"] > max(scores["majority"], scores["random"])


def test_unknown_names_and_empty_parts_are_refused(samples):
    with pytest.raises(AreosegError, match="did you mean 'random'"):
        baseline("randm")
    with pytest.raises(AreosegError, match="split 'test'"):
        evaluate_baseline("random", samples, split_samples(samples, test=0.0))
    with pytest.raises(AreosegError, match="there is no split"):
        evaluate_baseline("random", samples, split_samples(samples), scored_split="tst")


def test_baselines_are_scored_on_the_split_of_a_training(homework_npz):
    recipe = ["split.val=0.25", "split.test=0.25"]
    found = areoseg.baselines(["random"], homework_npz, overrides=recipe)["random"]
    assert (found.images, found.groups) == (12, 3)
