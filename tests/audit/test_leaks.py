import numpy as np
import pytest

from areoseg.audit import OtherSample, audit_samples
from areoseg.audit.checks.leaks import split_from_names
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic import SyntheticMars, add_duplicates, draw_set

LEAKS = (
    "sample-across-split",
    "copy-across-split",
    "group-across-split",
    "copy-in-unlabeled",
    "split-lacks-class",
)


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=5), 60)


@pytest.fixture(scope="module")
def copied(mars):
    """60 samples and near duplicates of 10 of them."""
    return add_duplicates(mars, 10, seed=1, kinds=("jpeg", "shifted", "brighter"))


def test_a_sample_in_two_parts_is_flagged(mars):
    names = mars.names
    split = split_from_names(
        {"val": [names[3], names[3]], "train": list(names[:5]), "test": [names[1], names[3]]}, mars
    )
    found = audit_samples(mars, issues=("sample-across-split",), split=split).flagged
    assert [(f.name, f.score, f.reason) for f in found] == [
        (names[1], 2, "in several splits: train and test"),
        (names[3], 3, "in several splits: train and val and test"),
    ]


def test_a_split_without_overlap_has_no_sample_in_two_parts(mars):
    split = {"train": range(40), "val": range(40, 60)}
    assert audit_samples(mars, issues=("sample-across-split",), split=split).findings == ()


def test_copies_in_another_part_are_flagged_outside_of_training(copied):
    samples, copies = copied
    split = {"val": copies[:5].tolist(), "train": [*range(60), *copies[5:]]}
    found = audit_samples(samples, issues=("copy-across-split",), split=split).flagged
    assert [f.index for f in found] == copies[:5].tolist()
    for f in found:
        assert f.other.name == f.name.removesuffix("-copy")
        assert f.reason.startswith(f"in val, but nearly the same image as {f.other.name} in train")
        assert 0.7 < f.score <= 1


def test_copies_are_flagged_in_the_part_that_is_not_trained_on_whatever_their_order(copied):
    samples, copies = copied
    split = {"train": copies.tolist(), "val": list(range(60))}
    found = audit_samples(samples, issues=("copy-across-split",), split=split).flagged
    assert {f.name for f in found} == {samples.names[i].removesuffix("-copy") for i in copies}


def test_copies_within_a_part_or_outside_the_split_leak_nothing(copied):
    samples, _ = copied
    for split in ({"train": range(70), "val": []}, {"train": range(30), "val": range(30, 60)}):
        assert audit_samples(samples, issues=("copy-across-split",), split=split).findings == ()


def test_samples_of_one_group_in_two_parts_are_flagged(mars):
    groups = ("stop-a",) * 20 + ("stop-b",) * 20 + ("stop-c",) * 20
    samples = SegmentationDataset(mars.images, mars.masks, mars.names, groups)
    split = {"train": range(25), "val": range(40, 60), "test": range(25, 40)}
    found = audit_samples(samples, issues=("group-across-split",), split=split).flagged
    assert [f.index for f in found] == list(range(25, 40))
    assert {f.reason for f in found} == {"in test, but 5 samples of its group stop-b are in train"}
    assert {f.score for f in found} == {0.25}
    assert {f.other for f in found} == {OtherSample(20, mars.names[20])}


def test_copies_among_unlabeled_images_are_flagged(copied):
    samples, _ = copied
    unlabeled = SegmentationDataset(samples.images[60:], None, tuple(samples.names[60:]))
    labeled = samples.select(range(60))
    found = audit_samples(labeled, issues=LEAKS, unlabeled=unlabeled)
    assert found.issues == ("copy-in-unlabeled",)
    assert {f"{f.name}-copy" for f in found.flagged} == set(unlabeled.names)
    for f in found.flagged:
        assert f.other.part == "unlabeled"
        assert unlabeled.names[f.other.index] == f.other.name == f"{f.name}-copy"


def test_duplicates_among_the_samples_are_told_apart_from_those_in_unlabeled_images(copied):
    samples, copies = copied
    other = draw_set(SyntheticMars(seed=77), 20)
    unlabeled = SegmentationDataset(other.images, None, tuple(f"test/{i}" for i in range(20)))
    found = audit_samples(samples, issues=("near-duplicate", *LEAKS), unlabeled=unlabeled)
    assert {(f.index, f.issue) for f in found.flagged} == {(i, "near-duplicate") for i in copies}


def test_a_part_without_the_rare_class_is_named():
    masks = np.ones((6, 8, 8), dtype=np.uint8)
    masks[:2, :2] = 4
    samples = SegmentationDataset(masks, masks, tuple("abcdef"))
    split = {"train": [0, 1, 2, 3], "val": [4, 5], "test": []}
    audit = audit_samples(samples, issues=("split-lacks-class",), split=split)
    (finding,) = audit.set_findings
    assert finding.reason == "val has no image with big rock, which is in 2 of 6 images"
    assert finding.score == 2
    assert audit.to_json()["set_findings"][0]["issue"] == "split-lacks-class"


def test_a_split_names_its_samples(mars):
    names = {"train": list(mars.names[:3]), "val": [mars.names[7]]}
    assert split_from_names(names, mars) == {"train": (0, 1, 2), "val": (7,)}


@pytest.mark.parametrize(
    ("split", "what"),
    [
        ({"train": ["nowhere"]}, "1 of 1 samples of this split are not in the data"),
        ({"train": 3}, "no split"),
        (["a"], "no split"),
        ({"train": "abc"}, "no split"),
    ],
)
def test_what_is_no_split_of_these_data_is_refused(mars, split, what):
    with pytest.raises(AreosegError, match=f"split.json: {what}"):
        split_from_names(split, mars, source="split.json")
