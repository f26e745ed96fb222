from functools import partial

import numpy as np
import pytest
from scipy.special import softmax

from areoseg.errors import AreosegError
from areoseg.metrics.calibration_error import expected_calibration_error, reliability
from areoseg.metrics.confusion import confusion_matrix
from areoseg.metrics.rates import mean_scores
from areoseg.taxonomy import MARS
from areoseg.training.calibration.classes import fit_calibration
from areoseg.training.calibration.fits import (
    MAX_BACKGROUND_COST,
    MAX_BACKGROUND_PENALTY,
    MAX_OFFSET,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    LabeledPixels,
    confusions_by_offset,
    fit_background_offset,
    fit_offsets,
    fit_temperature,
    half_splits,
)

SCORE = partial(mean_scores, protocol="terrain", taxonomy=MARS)


def pixels(number=20_000, groups=8, *, scale=1.0, shift=(0, 0, 0, 0, 0), weights=None, seed=0):
    """Pixels whose probabilities are honest, but for a scale and a shift of their logits."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (number, 5))
    logits[:, 0] = -1e4
    logits[:, 4] -= 1.5
    probabilities = softmax(logits, axis=1)
    targets = (generator.random((number, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return LabeledPixels(
        logits=((logits + shift) * scale).astype(np.float32),
        targets=targets.clip(1, 4),
        groups=generator.integers(0, groups, number),
        class_weights=np.ones(5) if weights is None else np.asarray(weights, dtype=float),
    )


def mean_iou(logits, some):
    return SCORE(confusion_matrix(logits.argmax(axis=1), some.targets, 5))


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.5])
def test_the_temperature_recovers_a_known_scale(scale):
    assert fit_temperature(pixels(scale=scale), np.zeros(5)) == pytest.approx(scale, rel=0.04)


def test_the_temperature_is_bounded():
    assert fit_temperature(pixels(scale=50), np.zeros(5)) == pytest.approx(
        MAX_TEMPERATURE, rel=0.01
    )
    assert fit_temperature(pixels(scale=0.01), np.zeros(5)) == pytest.approx(
        MIN_TEMPERATURE, rel=0.01
    )


def test_the_matrices_of_all_offsets_are_those_counted_one_by_one():
    some = pixels(500, weights=[1, 2, 1, 1, 3])
    offsets, grid = np.array([0, 0.3, 0, -0.7, 0]), np.linspace(-2, 2, 9)
    found = confusions_by_offset(some, offsets, 4, grid)
    for value, matrix in zip(grid, found, strict=True):
        offsets[4] = value
        answers = (some.logits + offsets).argmax(axis=1)
        expected = confusion_matrix(answers, some.targets, 5) * some.class_weights[:, None]
        assert np.array_equal(matrix, expected)


def test_offsets_take_back_a_known_shift():
    shifted = pixels(60_000, shift=(0, 0, 0, 1.2, -2.0))
    plain = pixels(60_000)
    found = fit_offsets(shifted, SCORE, [3, 2, 4])
    best = fit_offsets(plain, SCORE, [3, 2, 4])
    assert np.allclose(found[1:] - best[1:], [0, 0, -1.2, 2.0], atol=0.15)
    assert found[0] == found[1] == 0
    assert np.abs(found).max() <= MAX_OFFSET


def test_offsets_never_lower_the_score_that_they_are_fitted_to():
    some = pixels(400, seed=3)
    offsets = fit_offsets(some, SCORE, [4, 3, 2])
    assert mean_iou(some.logits + offsets, some) >= mean_iou(some.logits, some)


def test_offsets_that_cannot_help_stay_at_zero():
    sure = np.eye(5, dtype=np.float32)[[1, 2, 3, 4]] * 50
    some = LabeledPixels(sure, np.array([1, 2, 3, 4]), np.arange(4), np.ones(5))
    assert not fit_offsets(some, SCORE, [2, 3, 4]).any()


def test_halves_share_no_group_and_both_have_the_rare_class():
    some = pixels(2000, groups=9)
    halves = list(half_splits(some, rare=4, repeats=3))
    assert len(halves) == 6
    for fitted, tested in halves:
        assert not set(some.groups[fitted]) & set(some.groups[tested])
        assert (fitted ^ tested).all()
        assert (some.targets[fitted] == 4).any()


def test_a_shift_and_a_scale_are_found_together_and_help_out_of_fold():
    some = pixels(40_000, scale=2.0, shift=(0, 0, 0, 0, -2.5))
    found = fit_calibration(some, MARS)
    assert found.offsets_help
    assert found.score_out_of_fold > found.score_before + 0.02
    assert found.score_after >= found.score_out_of_fold - 0.01
    before, after = map(expected_calibration_error, (found.before, found.after))
    assert after < before / 3
    # What is stored: softmax(logits / temperature + offsets).
    stored = softmax(some.logits / found.temperature + found.offsets, axis=1)
    hits = stored.argmax(axis=1) == some.targets
    error = expected_calibration_error(reliability(stored.max(axis=1), hits))
    assert error == pytest.approx(after, abs=0.01)
    assert mean_iou(stored, some) == pytest.approx(found.score_after)


@pytest.mark.parametrize("seed", [20, 25, 26])
def test_offsets_that_do_not_help_out_of_fold_are_not_kept(seed):
    best = fit_offsets(pixels(100_000, seed=12), SCORE, [4, 3, 2])
    found = fit_calibration(pixels(3000, groups=12, shift=best, seed=seed), MARS)
    assert found.score_out_of_fold < found.score_before
    assert not found.offsets_help
    assert not found.offsets.any()
    assert found.score_after == found.score_before


def with_background(*, clear=4.0, doubtful=0.0):
    """Pixels of which a fifth are background, with a clear logit, and a doubtful one elsewhere."""
    some = pixels(20_000)
    logits, targets = some.logits.copy(), some.targets.copy()
    logits[:, 0] = doubtful
    logits[:4000, 0] = logits[:4000, 1:].max(axis=1) + clear
    targets[:4000] = 0
    return LabeledPixels(logits, targets, some.groups, np.ones(5))


def test_a_score_of_all_classes_counts_background():
    found = fit_calibration(with_background(), MARS, protocol="five-class")
    assert found.protocol == "five-class"
    assert found.pixels == 20_000
    assert found.offsets[0] == 0


def test_where_the_score_is_of_terrain_background_is_held_out_until_it_costs_little():
    some = with_background()
    terrain = some.select(some.targets != 0)
    found = fit_calibration(some, MARS)
    assert found.protocol == "terrain"
    assert found.pixels == 16_000
    assert found.score_before < found.score_out_of_fold
    logits = some.logits + found.offsets * found.temperature
    answers = logits.argmax(axis=1)
    assert (answers[:4000] == 0).mean() > 0.95
    never = logits[4000:].copy()
    never[:, 0] = -np.inf
    cost = mean_iou(never, terrain) - mean_iou(logits[4000:], terrain)
    assert 0 < cost < 1.5 * MAX_BACKGROUND_COST


def test_background_that_costs_nothing_is_not_held_out():
    some = with_background(doubtful=-20)
    terrain = some.select(some.targets != 0)
    assert fit_background_offset(terrain, SCORE, np.zeros(5), 0) == 0


def test_background_is_held_out_no_further_than_a_bound():
    some = with_background(doubtful=50)
    terrain = some.select(some.targets != 0)
    assert fit_background_offset(terrain, SCORE, np.zeros(5), 0) == -MAX_BACKGROUND_PENALTY


def test_groups_of_background_alone_count_for_nothing():
    some = with_background()
    groups = np.where(some.targets == 0, 0, 1 + some.groups)
    groups = np.where(groups == 4, 9, groups)  # numbers may have gaps
    found = fit_calibration(LabeledPixels(some.logits, some.targets, groups, np.ones(5)), MARS)
    assert found.groups == 8
    groups[some.targets != 0] = 1
    with pytest.raises(AreosegError, match="cannot calibrate on 1 group"):
        fit_calibration(LabeledPixels(some.logits, some.targets, groups, np.ones(5)), MARS)


def test_info_are_plain_json_values():
    info = fit_calibration(pixels(2000), MARS).info(MARS)
    assert info.offsets.keys() == set(MARS.names)
    assert len(info.reliability.before.accuracy) == 15
    assert sum(info.reliability.after.share) == pytest.approx(1, abs=1e-4)
    assert info.reliability.before.accuracy[0] is None


def test_one_group_and_no_terrain_are_refused():
    with pytest.raises(AreosegError, match="two are needed"):
        fit_calibration(pixels(100, groups=1), MARS)
    some = pixels(100)
    background = LabeledPixels(some.logits, np.zeros(100, dtype=int), some.groups, np.ones(5))
    with pytest.raises(AreosegError, match="no pixel of any terrain class"):
        fit_calibration(background, MARS)
