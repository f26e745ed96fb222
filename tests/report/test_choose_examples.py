from itertools import chain

import numpy as np
import pytest

from areoseg.errors import AreosegError
from areoseg.report import choose_examples
from areoseg.taxonomy import MARS, VOID

SIZE = (10, 10)


def masks_with_wrong_pixels(*wrong):
    """Truths all of soil, and predictions with so many of the 100 pixels wrong."""
    truths = np.full((len(wrong), *SIZE), 1, dtype=np.uint8)
    predictions = truths.copy()
    for prediction, number in zip(predictions, wrong, strict=True):
        prediction.ravel()[:number] = 2
    return truths, predictions


def chosen_names(truths, predictions, **options):
    images = np.zeros_like(truths)
    names = [str(index) for index in range(len(truths))]
    chosen = choose_examples(images, truths, predictions, names, taxonomy=MARS, **options)
    return {kind: [example.name for example in examples] for kind, examples in chosen.items()}


def all_of(chosen):
    return list(chain.from_iterable(chosen.values()))


def test_examples_are_ranked_by_the_share_of_right_pixels():
    truths, predictions = masks_with_wrong_pixels(50, 0, 90, 40, 10, 60)
    assert chosen_names(truths, predictions, per_kind=2) == {
        "best": ["1", "4"],
        "typical": ["3", "0"],
        "worst": ["2", "5"],
    }


def test_the_score_is_the_share_of_labeled_pixels_that_are_right():
    truths, predictions = masks_with_wrong_pixels(25)
    truths[0].ravel()[:5] = VOID
    truths[0].ravel()[5:20] = MARS.background
    best = choose_examples(truths, truths, predictions, ["a"], taxonomy=MARS)["best"][0]
    assert best.score == pytest.approx(75 / 80)


def test_typical_examples_come_from_the_middle():
    truths, predictions = masks_with_wrong_pixels(*range(0, 90, 10))
    assert chosen_names(truths, predictions, per_kind=1)["typical"] == ["4"]


@pytest.mark.parametrize("number", [0, 1, 2, 3, 5, 11, 12])
def test_no_sample_is_chosen_twice(number):
    truths, predictions = masks_with_wrong_pixels(*range(number))
    chosen = chosen_names(truths, predictions)
    names = all_of(chosen)
    assert len(names) == len(set(names))
    assert len(chosen["best"]) == (0 if number == 0 else max(1, min(4, number // 3)))


def test_samples_without_labels_are_left_out():
    truths, predictions = masks_with_wrong_pixels(0, 0, 0)
    truths[0], truths[1] = MARS.background, VOID
    assert all_of(chosen_names(truths, predictions)) == ["2"]


def test_samples_with_few_labels_are_shown_only_if_there_are_no_others():
    truths, predictions = masks_with_wrong_pixels(5, 0)
    truths[0].ravel()[5:] = MARS.background
    assert all_of(chosen_names(truths, predictions)) == ["1"]
    assert all_of(chosen_names(truths[:1], predictions[:1])) == ["0"]


def test_of_equal_samples_the_one_with_more_classes_comes_first():
    truths, predictions = masks_with_wrong_pixels(0, 0, 0)
    truths[1].ravel()[:50] = predictions[1].ravel()[:50] = 3
    assert chosen_names(truths, predictions, per_kind=1)["best"] == ["1"]


def test_samples_may_differ_in_size():
    truths = [np.ones((4, 6), np.uint8), np.ones((8, 3), np.uint8)]
    chosen = choose_examples(truths, truths, truths, ["a", "b"], taxonomy=MARS)
    assert sorted(example.name for kind in chosen.values() for example in kind) == ["a", "b"]


def test_a_prediction_of_another_size_is_refused_by_name():
    truths, _ = masks_with_wrong_pixels(0)
    with pytest.raises(AreosegError, match=r"rock-7: .*\(10, 10\).*\(10, 9\)"):
        choose_examples(truths, truths, truths[:, :, :9], ["rock-7"], taxonomy=MARS)


def test_a_missing_prediction_is_refused():
    truths, predictions = masks_with_wrong_pixels(0, 0)
    with pytest.raises(AreosegError, match="2 images, 2 truths, 1 predictions and 2 names"):
        choose_examples(truths, truths, predictions[:1], ["a", "b"], taxonomy=MARS)
