"""What a few seeds say of a row, and of the difference between two rows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.05
"""Two rows of equal worth are taken for different once in twenty comparisons."""


@dataclass(frozen=True)
class Spread:
    """The scores of one row.

    Attributes:
        values: One score a seed; seeds whose score is not defined are left out.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """The mean over the seeds; None without any."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def std(self) -> float | None:
        """The standard deviation over the seeds, n - 1 in the denominator; None below two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean by Student's t; None below two seeds."""
        if self.mean is None or self.std is None:
            return None
        count = len(self.values)
        half = float(stats.t.ppf(0.975, count - 1)) * self.std / math.sqrt(count)
        return self.mean - half, self.mean + half


def spread(values: Sequence[float | None]) -> Spread:
    """The scores of a row, without those that are not defined."""
    return Spread(tuple(value for value in values if value is not None))


def p_value(row: Spread, baseline: Spread) -> float | None:
    """How often rows of equal worth would differ by as much, by Welch's t test, two-sided.

    The test does not suppose that the rows spread alike. Seeds are not taken in pairs: another
    loss or model makes another training of the same seed.

    Returns:
        0 to 1; None where either row has fewer than two seeds.
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
    """What the seeds allow to say of a row beside its baseline.

    Returns:
        `better`; `worse`; `no difference`, none beyond the seeds, that is; `one seed`, which
        cannot tell; or `no score`.
    """
    if row.mean is None or baseline.mean is None:
        return "no score"
    p = p_value(row, baseline)
    if p is None:
        return "one seed"
    if p >= SIGNIFICANCE:
        return "no difference"
    return "better" if row.mean > baseline.mean else "worse"
