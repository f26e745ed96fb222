"""Statistics of a few seeds: spread of a row, and comparison of two rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.05
"""Significance level: equal rows are called different in one of twenty comparisons."""


@dataclass(frozen=True)
class Spread:
    """The scores of one row.

    Attributes:
        values: One score per seed, without undefined scores.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Mean over the seeds, or None without seeds."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def std(self) -> float | None:
        """Sample standard deviation (n - 1) over the seeds, or None below two seeds."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % confidence interval of the mean (Student's t), or None below two seeds."""
        if self.mean is None or self.std is None:
            return None
        count = len(self.values)
        half = float(stats.t.ppf(0.975, count - 1)) * self.std / math.sqrt(count)
        return self.mean - half, self.mean + half


def spread(values: Sequence[float | None]) -> Spread:
    """Collect the scores of a row, without undefined ones."""
    return Spread(tuple(value for value in values if value is not None))


def p_value(row: Spread, baseline: Spread) -> float | None:
    """Return the p value of Welch's two-sided t test, which allows unequal variances.

    Seeds are not paired: one seed gives unrelated trainings with two losses or models.

    Returns:
        0 to 1, or None if either row has fewer than two seeds.
    """
    if row.mean is None or baseline.mean is None:
        return None
    if row.std is None or baseline.std is None:
        return None
    if row.std == baseline.std == 0:  # the test divides by their sum
        return 1.0 if row.mean == baseline.mean else 0.0
    result = stats.ttest_ind_from_stats(
        row.mean,
        row.std,
        len(row.values),
        baseline.mean,
        baseline.std,
        len(baseline.values),
        equal_var=False,
    )
    return float(result.pvalue)


def verdict(row: Spread, baseline: Spread) -> str:
    """Compare a row with its baseline.

    Returns:
        `better` or `worse` if the difference is significant, `no difference` if it is not,
        `one seed` if there are too few seeds for a test, or `no score`.
    """
    if row.mean is None or baseline.mean is None:
        return "no score"
    p = p_value(row, baseline)
    if p is None:
        return "one seed"
    if p >= SIGNIFICANCE:
        return "no difference"
    return "better" if row.mean > baseline.mean else "worse"
