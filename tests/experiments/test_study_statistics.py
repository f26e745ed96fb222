import numpy as np
import pytest
from scipy import stats

from areoseg.experiments.statistics import p_value, spread, verdict


def test_mean_std_and_interval_are_those_of_scipy():
    values = [0.51, 0.53, 0.50, 0.56]
    found = spread(values)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.std == pytest.approx(stats.tstd(values))
    expected = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert found.interval == pytest.approx(expected)


def test_scores_that_are_not_defined_are_left_out():
    assert spread([0.5, None]).values == (0.5,)
    assert spread([None]).mean is None
    assert spread([0.5]).std is None
    assert spread([0.5]).interval is None


def test_p_is_that_of_welch():
    row, baseline = [0.51, 0.53, 0.50], [0.47, 0.49, 0.50, 0.44]
    expected = stats.ttest_ind(row, baseline, equal_var=False).pvalue
    assert p_value(spread(row), spread(baseline)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ([0.60, 0.61, 0.62], "better"),
        ([0.40, 0.41, 0.42], "worse"),
        ([0.50, 0.53, 0.56], "no difference"),
        ([0.9], "one seed"),
        ([], "no score"),
        ([None, None], "no score"),
    ],
)
def test_a_verdict_needs_more_than_the_seeds_give(row, expected):
    assert verdict(spread(row), spread([0.50, 0.51, 0.52])) == expected


def test_rows_without_any_std_differ_if_their_means_do():
    assert verdict(spread([0.5, 0.5]), spread([0.5, 0.5])) == "no difference"
    assert verdict(spread([0.6, 0.6]), spread([0.5, 0.5])) == "better"


def test_about_one_in_twenty_equal_rows_seems_different():
    draws = np.random.default_rng(0).normal(0.5, 0.01, size=(2000, 2, 5))
    seem = [verdict(spread(row), spread(base)) != "no difference" for row, base in draws.tolist()]
    assert 0.03 < np.mean(seem) < 0.06
