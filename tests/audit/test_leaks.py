import numpy as np
import pytest

from areoseg.audit import OtherScene, audit_scenes, split_from_names
from areoseg.data.scenes import SceneSet
from areoseg.data.synthetic import SyntheticMars, add_duplicates, draw_set
from areoseg.errors import AreosegError

LEAKS = (
    "scene-across-split",
    "copy-across-split",
    "group-across-split",
    "copy-in-unlabelled",
    "split-lacks-class",
)


@pytest.fixture(scope="module")
def mars():
    return draw_set(SyntheticMars(seed=5), 60)


@pytest.fixture(scope="module")
def copied(mars):
    """60 scenes and near duplicates of 10 of them."""
    return add_duplicates(mars, 10, seed=1, kinds=("jpeg", "shifted", "brighter"))


def test_a_scene_in_two_parts_is_flagged(mars):
    names = mars.names
    split = split_from_names(
        {"val": [names[3], names[3]], "train": list(names[:5]), "test": [names[1], names[3]]}, mars
    )
    found = audit_scenes(mars, faults=("scene-across-split",), split=split).flagged
    assert [(f.name, f.score, f.reason) for f in found] == [
        (names[1], 2, "in train and test of the split at once"),
        (names[3], 3, "in train and val and test of the split at once"),
    ]


def test_a_split_without_overlap_has_no_scene_in_two_parts(mars):
    split = {"train": range(40), "val": range(40, 60)}
    assert audit_scenes(mars, faults=("scene-across-split",), split=split).findings == ()


def test_copies_in_another_part_are_flagged_outside_of_training(copied):
    scenes, copies = copied
    split = {"val": copies[:5].tolist(), "train": [*range(60), *copies[5:]]}
    found = audit_scenes(scenes, faults=("copy-across-split",), split=split).flagged
    assert [f.index for f in found] == copies[:5].tolist()
    for f in found:
        assert f.other.name == f.name.removesuffix("-copy")
        assert f.reason.startswith(f"in val, and nearly the same image as {f.other.name} in train")
        assert 0.7 < f.score <= 1


def test_copies_are_flagged_in_the_part_that_is_not_trained_on_whatever_their_order(copied):
    scenes, copies = copied
    split = {"train": copies.tolist(), "val": list(range(60))}
    found = audit_scenes(scenes, faults=("copy-across-split",), split=split).flagged
    assert {f.name for f in found} == {scenes.names[i].removesuffix("-copy") for i in copies}


def test_copies_within_a_part_or_outside_the_split_leak_nothing(copied):
    scenes, _ = copied
    for split in ({"train": range(70), "val": []}, {"train": range(30), "val": range(30, 60)}):
        assert audit_scenes(scenes, faults=("copy-across-split",), split=split).findings == ()


def test_scenes_of_one_group_in_two_parts_are_flagged(mars):
    groups = ("stop-a",) * 20 + ("stop-b",) * 20 + ("stop-c",) * 20
    scenes = SceneSet(mars.images, mars.masks, mars.names, groups)
    split = {"train": range(25), "val": range(40, 60), "test": range(25, 40)}
    found = audit_scenes(scenes, faults=("group-across-split",), split=split).flagged
    assert [f.index for f in found] == list(range(25, 40))
    assert {f.reason for f in found} == {"in test, and 5 of its group stop-b in train"}
    assert {f.score for f in found} == {0.25}
    assert {f.other for f in found} == {OtherScene(20, mars.names[20])}


def test_copies_among_unlabelled_images_are_flagged(copied):
    scenes, _ = copied
    unlabelled = SceneSet(scenes.images[60:], None, tuple(scenes.names[60:]))
    labelled = scenes.select(range(60))
    found = audit_scenes(labelled, faults=LEAKS, unlabelled=unlabelled)
    assert found.faults == ("copy-in-unlabelled",)
    assert {f"{f.name}-copy" for f in found.flagged} == set(unlabelled.names)
    for f in found.flagged:
        assert f.other.part == "unlabelled"
        assert unlabelled.names[f.other.index] == f.other.name == f"{f.name}-copy"


def test_duplicates_among_the_scenes_are_told_apart_from_those_in_unlabelled_images(copied):
    scenes, copies = copied
    other = draw_set(SyntheticMars(seed=77), 20)
    unlabelled = SceneSet(other.images, None, tuple(f"test/{i}" for i in range(20)))
    found = audit_scenes(scenes, faults=("near-duplicate", *LEAKS), unlabelled=unlabelled)
    assert {(f.index, f.fault) for f in found.flagged} == {(i, "near-duplicate") for i in copies}


def test_a_part_without_the_rare_class_is_named():
    masks = np.ones((6, 8, 8), dtype=np.uint8)
    masks[:2, :2] = 4
    scenes = SceneSet(masks, masks, tuple("abcdef"))
    split = {"train": [0, 1, 2, 3], "val": [4, 5], "test": []}
    audit = audit_scenes(scenes, faults=("split-lacks-class",), split=split)
    (finding,) = audit.set_findings
    assert finding.reason == "val has no image with big rock, which 2 of 6 images hold"
    assert finding.score == 2
    assert audit.to_json()["set_findings"][0]["fault"] == "split-lacks-class"


def test_a_split_names_its_scenes(mars):
    names = {"train": list(mars.names[:3]), "val": [mars.names[7]]}
    assert split_from_names(names, mars) == {"train": (0, 1, 2), "val": (7,)}


@pytest.mark.parametrize(
    ("split", "what"),
    [
        ({"train": ["nowhere"]}, "1 of 1 scenes of this split are not in the data"),
        ({"train": 3}, "no split"),
        (["a"], "no split"),
        ({"train": "abc"}, "no split"),
    ],
)
def test_what_is_no_split_of_these_data_is_refused(mars, split, what):
    with pytest.raises(AreosegError, match=f"split.json: {what}"):
        split_from_names(split, mars, where="split.json")
