import warnings

import numpy as np
import pytest

from areoseg.errors import AreosegError
from areoseg.metrics.bootstrap import percentile_interval, resampled_sums, sum_by_group
from areoseg.metrics.rates import mean_scores, score


def random_confusions(images, seed=0):
    """Images that differ in how well they are predicted."""
    generator = np.random.default_rng(seed)
    hit_rate = generator.uniform(0.3, 0.9, images)
    chances = [np.full((5, 5), (1 - rate) / 5) + np.eye(5) * rate for rate in hit_rate]
    return np.stack([generator.multinomial(40, chance) for chance in chances]).astype(np.int64)


def width_of(per_unit):
    low, high = percentile_interval(mean_scores(resampled_sums(per_unit)))
    return high - low


def test_the_interval_contains_the_score():
    confusions = random_confusions(50)
    low, high = percentile_interval(mean_scores(resampled_sums(confusions)))
    assert low < score(confusions.sum(axis=0)) < high


def test_intervals_cover_the_true_score_about_as_often_as_they_say():
    truth = score(random_confusions(20_000, seed=99).sum(axis=0))
    covered = 0
    for seed in range(100):
        samples = mean_scores(resampled_sums(random_confusions(40, seed), resamples=300, seed=seed))
        low, high = percentile_interval(samples)
        covered += low <= truth <= high
    assert 85 <= covered <= 100  # 95 in expectation, a little less for 40 images


def test_more_images_give_narrower_intervals():
    confusions = random_confusions(400)
    assert width_of(confusions) < 0.7 * width_of(confusions[:50])


def test_copies_within_a_group_widen_the_interval_over_groups():
    confusions = random_confusions(30).repeat(8, axis=0)
    groups = [f"frame {index // 8:02}" for index in range(240)]
    by_group = sum_by_group(confusions, groups)
    assert width_of(by_group) > 2 * width_of(confusions)
    # Groups of eight copies each say what thirty images say.
    assert width_of(by_group) == pytest.approx(width_of(random_confusions(30)))


def test_sums_are_of_as_many_units_as_there_are():
    per_unit = np.stack([np.full(12, 1), np.arange(12)], axis=1)
    sums = resampled_sums(per_unit, resamples=2000)
    assert sums.shape == (2000, 2)
    assert (sums[:, 0] == 12).all()
    # Mean and spread of a sum of 12 draws from 0..11.
    assert sums[:, 1].mean() == pytest.approx(66, abs=1)
    assert sums[:, 1].std() == pytest.approx(np.sqrt(12 * 143 / 12), rel=0.1)


def test_the_same_seed_draws_the_same_units_and_another_seed_others():
    confusions = random_confusions(20)
    one, two = resampled_sums(confusions, seed=1), resampled_sums(confusions, seed=1)
    np.testing.assert_array_equal(one, two)
    assert (resampled_sums(confusions, seed=2) != one).any()
    # Whatever the counts are: the diagonals of the same draws.
    diagonals = np.diagonal(confusions, axis1=1, axis2=2)
    drawn = np.diagonal(one, axis1=1, axis2=2)
    np.testing.assert_array_equal(resampled_sums(diagonals, seed=1), drawn)


def test_sum_by_group_sums_the_images_of_each_group():
    sums = sum_by_group(np.array([[1, 0], [2, 0], [4, 1]]), ["b", "a", "b"])
    np.testing.assert_array_equal(sums, [[2, 0], [5, 1]])


def test_one_unit_or_no_resamples_give_no_interval():
    for sums in (resampled_sums(random_confusions(1)), resampled_sums(random_confusions(9), 0)):
        assert sums.shape == (0, 5, 5)
        assert np.isnan(percentile_interval(mean_scores(sums))).all()


def test_percentiles_are_those_of_numpy_and_pass_over_nan():
    samples = np.random.default_rng(0).normal(size=(500, 3))
    samples[::2, 1] = np.nan
    samples[:, 2] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ends = percentile_interval(samples, confidence=0.9)
    np.testing.assert_allclose(ends[:, 0], np.percentile(samples[:, 0], [5, 95]))
    np.testing.assert_allclose(ends[:, 1], np.percentile(samples[1::2, 1], [5, 95]))
    assert np.isnan(ends[:, 2]).all()


def test_wrong_groups_and_resamples_are_errors():
    with pytest.raises(AreosegError, match="3 images but 2 groups"):
        sum_by_group(np.zeros((3, 5, 5), np.int64), ["a", "b"])
    with pytest.raises(AreosegError, match="resamples is -1"):
        resampled_sums(np.zeros((3, 5, 5), np.int64), resamples=-1)
