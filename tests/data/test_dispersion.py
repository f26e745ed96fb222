import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from areoseg.data.dispersion import (
    dispersion,
    dispersion_threshold,
    is_well_segmented,
    max_dispersion,
)
from areoseg.data.load import read_data
from areoseg.data.split import class_pixels
from areoseg.errors import AreosegError
from areoseg.synthetic import SyntheticMars, draw_set

REPORT_THRESHOLD = 0.45  # of equation 3
SAMPLE = math.sqrt(5 / 4)  # the sample std of five shares over their population deviation

DATA = Path(__file__).parents[2] / "../shared/data"

counts = st.lists(st.integers(0, 10**6), min_size=5, max_size=5).filter(any)


@given(counts)
def test_dispersion_is_the_standard_std_of_the_shares(pixels):
    shares = np.array(pixels) / sum(pixels)
    found = dispersion(np.array([pixels]))
    assert found == pytest.approx(np.std(shares), abs=1e-9)
    assert found * SAMPLE == pytest.approx(np.std(shares, ddof=1), abs=1e-9)


@given(counts)
def test_no_sample_of_five_classes_reaches_the_reports_threshold(pixels):
    population = dispersion(np.array([pixels])).item()
    assert 0 <= population <= max_dispersion(5) + 1e-15
    assert population * SAMPLE < REPORT_THRESHOLD


def test_the_largest_dispersion_is_that_of_a_sample_of_one_class():
    assert max_dispersion(5) == pytest.approx(0.4)
    assert max_dispersion(5) * SAMPLE == pytest.approx(1 / math.sqrt(5))
    assert 1 / math.sqrt(5) < REPORT_THRESHOLD
    alone = dispersion(np.eye(5, dtype=np.int64) * 8192)
    assert alone == pytest.approx(np.full(5, max_dispersion(5)))


def test_equal_shares_have_none_and_void_alone_counts_as_one_class():
    assert dispersion(np.array([[7, 7, 7, 7, 7], [0, 0, 0, 0, 0]])) == pytest.approx([0, 0.4])


@given(counts, st.permutations(range(5)))
def test_the_order_of_the_classes_does_not_matter_to_the_bit(pixels, order):
    rows = np.array([pixels, [pixels[index] for index in order]])
    first, second = dispersion(rows)
    assert first == second


def test_the_default_threshold_has_half_of_the_samples_on_each_side():
    values = np.array([0.1, 0.2, 0.3, 0.4])
    threshold = dispersion_threshold(values)
    assert is_well_segmented(values, threshold).tolist() == [True, True, False, False]
    assert is_well_segmented(values, dispersion_threshold(values, 0.25)).sum() == 1


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=2, max_size=30),
    st.floats(0, 1),
)
def test_the_threshold_separates_wherever_two_samples_differ(values, quantile):
    below = is_well_segmented(np.array(values), dispersion_threshold(np.array(values), quantile))
    separates = bool(below.any() and not below.all())
    assert separates == (len(set(values)) > 1)


def test_a_threshold_of_nothing_is_refused():
    with pytest.raises(AreosegError, match="no samples"):
        dispersion_threshold(np.array([]))


def assert_the_median_separates_and_the_reports_threshold_does_not(samples):
    values = dispersion(class_pixels(samples))
    assert is_well_segmented(values * SAMPLE, REPORT_THRESHOLD).all()
    below_the_median = is_well_segmented(values, dispersion_threshold(values))
    assert below_the_median.mean() == pytest.approx(0.5, abs=0.05)


def test_the_reports_threshold_separates_no_synthetic_samples():
    samples = draw_set(SyntheticMars(), 60)
    assert_the_median_separates_and_the_reports_threshold_does_not(samples)


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not at ../shared/data")
def test_the_reports_threshold_separates_none_of_the_homeworks_samples():
    samples = read_data(DATA / "terrain64.npz").labeled
    assert_the_median_separates_and_the_reports_threshold_does_not(samples)
