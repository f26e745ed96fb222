"""Cross-validation, and the split by dispersion."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from areoseg.data.dispersion import dispersion, dispersion_threshold, is_well_segmented
from areoseg.data.load import read_data
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import STRATEGIES, class_pixels, split_samples
from areoseg.errors import AreosegError

DATA = Path(__file__).parents[2] / "../shared/data"


def samples_of(groups, even):
    """Samples of 2x2 pixels: four classes where `even` says so, and soil elsewhere."""
    masks = np.ones((len(groups), 2, 2), dtype=np.uint8)
    masks[np.asarray(even, dtype=bool)] = [[1, 2], [3, 4]]
    names = tuple(str(i) for i in range(len(groups)))
    return SegmentationDataset(np.zeros_like(masks), masks, names, tuple(groups))


@settings(max_examples=40, deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefghijklmnop"), min_size=30, max_size=90),
    folds=st.integers(2, 5),
    strategy=st.sampled_from(STRATEGIES),
    seed=st.integers(0, 99),
    data=st.data(),
)
def test_each_sample_is_tested_in_all_folds_or_validated_in_one(
    groups, folds, strategy, seed, data
):
    assume(len(set(groups)) >= 8)
    even = data.draw(st.lists(st.booleans(), min_size=len(groups), max_size=len(groups)))
    samples = samples_of(groups, even)
    options = {"strategy": strategy, "test": 0.1, "seed": seed}
    splits = [split_samples(samples, folds=folds, fold=fold, **options) for fold in range(folds)]

    test = split_samples(samples, **options).test
    assert all(split.test == test for split in splits)
    validated = Counter(index for split in splits for index in split.val)
    assert validated == Counter(set(range(len(groups))) - set(test))
    for split in splits:
        assert split.val
        assert sorted(split.train + split.val + split.test) == list(range(len(groups)))
        parts = [{groups[index] for index in part} for part in (split.train, split.val, split.test)]
        assert len(set.union(*parts)) == sum(len(part) for part in parts)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_folds_are_equal_and_hold_both_kinds_alike(strategy):
    even = [i % 5 == 0 for i in range(200)]
    samples = samples_of([str(i) for i in range(200)], even)
    for fold in range(4):
        split = split_samples(samples, strategy=strategy, test=0.2, folds=4, fold=fold)
        assert len(split.test) == len(split.val) == 40
        assert sum(even[i] for i in split.val) == sum(even[i] for i in split.test) == 8


def test_dispersion_puts_both_kinds_into_every_part_by_its_share():
    samples = samples_of([str(i // 2) for i in range(400)], [i % 4 == 0 for i in range(400)])
    threshold = 0.3
    well = dispersion(class_pixels(samples)) < threshold
    for given_threshold in (None, threshold):
        split = split_samples(samples, strategy="dispersion", threshold=given_threshold, val=0.2)
        assert [len(split.indices(p)) for p in ("train", "val", "test")] == [280, 80, 40]
        assert [well[list(split.indices(p))].sum() for p in ("train", "val", "test")] == [
            70,
            20,
            10,
        ]


def test_the_reports_threshold_splits_like_no_strategy_at_all():
    even = [i % 2 == 0 for i in range(100)]
    samples = samples_of([str(i) for i in range(100)], even)
    alike = samples_of([str(i) for i in range(100)], [True] * 100)
    split = split_samples(samples, strategy="dispersion", threshold=0.45)
    assert split == split_samples(alike, strategy="dispersion")
    assert split != split_samples(samples, strategy="dispersion")


@pytest.mark.real_data
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not at ../shared/data")
def test_the_homeworks_samples_are_balanced_in_every_part_and_fold():
    data = read_data(DATA / "terrain64.npz", groups=DATA / "terrain64_train_frames.txt")
    pixels = class_pixels(data.labeled)
    values = dispersion(pixels)
    kinds = {
        "rare": pixels[:, 4] > 0,
        "dispersion": is_well_segmented(values, dispersion_threshold(values)),
    }
    for strategy, kind in kinds.items():
        for options in ({}, *({"folds": 5, "fold": fold} for fold in range(5))):
            split = split_samples(data.labeled, strategy=strategy, **options)
            for part in (split.train, split.val, split.test):
                assert kind[list(part)].mean() == pytest.approx(kind.mean(), abs=0.01)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"folds": 1}, "2 folds or more"),
        ({"folds": 3, "fold": 3}, "give 0 to 2 for 3 folds"),
        ({"folds": 3, "fold": -1}, "give 0 to 2 for 3 folds"),
        ({"folds": 6}, "cannot fill 6 folds"),
        ({"strategy": "luck"}, "rare, dispersion"),
    ],
)
def test_impossible_folds_and_strategies_are_refused(options, expected):
    with pytest.raises(AreosegError, match=expected):
        split_samples(samples_of(list("abcdef"), [True, False] * 3), **options)
