"""Splits that a dataset description assigns, and the split of a training that follows them."""

import numpy as np
import pytest
import yaml
from rich.console import Console
from test_described import save

from areoseg.audit import audit
from areoseg.data.load import read
from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import Split, assigned_notes, split_samples
from areoseg.errors import AreosegError

QUIET = Console(quiet=True)


def write(folder, splits, names=("train/a", "train/b", "val/c", "val/d", "e", "f"), **values):
    for name in names:
        for kind in ("images", "masks"):
            save(folder / kind / f"{name}.png", np.resize(np.arange(3), (4, 6)))
    described = {"classes": ["sky", "sand", "rock"], "splits": splits, **values}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(described))
    return folder


def samples(splits, groups=None, sets=None):
    masks = np.resize(np.arange(3, dtype=np.uint8), (len(splits), 4, 6))
    names = tuple(f"{index:02}" for index in range(len(splits)))
    splits = tuple(splits) if any(splits) else None
    return SegmentationDataset(masks, masks, names, groups, None, splits, sets)


def test_names_text_files_and_folders(tmp_path):
    write(tmp_path, {"train": "images/train", "val": "val.txt", "test": ["e", "./images/f.png"]})
    (tmp_path / "val.txt").write_text("val/c.png\n\nimages/val/d.png\nval/absent\n")
    data = read(tmp_path, console=QUIET)
    assert dict(zip(data.labeled.names, data.labeled.splits, strict=True)) == {
        "e": "test", "f": "test", "train/a": "train", "train/b": "train", "val/c": "val",
        "val/d": "val",
    }  # fmt: skip
    assert "1 name in the split 'val' without a frame: val/absent" in data.warnings
    tiles = read(tmp_path, tile=(4, 3), console=QUIET).labeled
    assert [tiles.splits[tiles.names.index(f"{name}@y000x003")] for name in ("e", "val/c")] == [
        "test", "val"
    ]  # fmt: skip
    assert audit(tmp_path, console=QUIET).failures(["split-leak", "leak", "any"])


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"train": ["e"], "val": ["e"]}, "e is in 'train' and in 'val'"),
        ({"train": ["x", "y"]}, r"no image of 'train' \(x, y\) is in the data"),
        ({"train": "none.txt"}, r"none\.txt: cannot read this list of the split 'train'"),
        ({"trian": ["e"]}, "there is no split 'trian': did you mean 'train'"),
        ({"train": [1]}, "splits: train: give names, a text file or a folder"),
        (["e"], "splits: give a list of names, a text file or a folder for each split"),
    ],
)
def test_wrong_splits_are_refused(tmp_path, splits, message):
    with pytest.raises(AreosegError, match=message):
        read(write(tmp_path, splits), console=QUIET)


def test_assigned_splits_are_kept_whatever_the_recipe_says():
    given = samples(["train", "val", "test", None, "train", "val"])
    split = split_samples(given, val=0.5, test=0.3)
    assert split == Split(train=(0, 4), val=(1, 5), test=(2,))
    notes = assigned_notes(given, split)
    assert notes[0] == (
        "train and val and test as the dataset description assigns them, not by `split`"
    )
    assert notes[1] == "1 sample in no split of the dataset description"
    with pytest.raises(AreosegError, match=r"split\.folds=2: the dataset description assigns"):
        split_samples(given, folds=2)


def test_splits_that_are_not_named_are_drawn_from_train_or_from_the_rest():
    given = samples(["train"] * 10 + ["test"] * 2 + [None])
    split = split_samples(given, val=0.3)
    assert (len(split.train), len(split.val), split.test) == (7, 3, (10, 11))
    assert "val drawn from the others by `split`" in assigned_notes(given, split)[0]
    assert len(split_samples(given, folds=5).val) == 2
    split = split_samples(samples(["test", "test", *[None] * 10]), val=0.3)
    assert (len(split.train), len(split.val), split.test) == (7, 3, (0, 1))
    with pytest.raises(AreosegError, match="leave nothing to train on"):
        split_samples(samples(["val", "test"]))


def test_groups_in_several_assigned_splits_are_told():
    given = samples(["train", "val", "test", "test"], groups=("a", "a", "b", "b"))
    notes = assigned_notes(given, split_samples(given))
    assert "puts 1 group into several splits, so scores may be too high: a" in notes[1]


def test_joined_datasets_are_split_one_after_another():
    sets = ("A",) * 20 + ("B",) * 20
    groups = (*(f"a{index}" for index in range(20)), *(f"b{index}" for index in range(19)), "a3")
    split = split_samples(samples([None] * 40, groups, sets), val=0.2, test=0.2)
    for indices, size in ((split.train, 12), (split.val, 4), (split.test, 4)):
        assert abs(sum(index < 20 for index in indices) - size) <= 1
        assert abs(sum(index >= 20 for index in indices) - size) <= 1
        assert (3 in indices) == (39 in indices)  # one group
    given = samples([*["train", "val", "test"] * 4, *[None] * 8], None, ("A",) * 12 + ("B",) * 8)
    split = split_samples(given, val=0.25, test=0.25)
    assert {index for index in split.val if index < 12} == {1, 4, 7, 10}
    assert len([index for index in split.val if index >= 12]) == 2
    split = split_samples(samples([None] * 6, tuple("abcdaz"), ("A",) * 4 + ("B",) * 2))
    assert 5 in split.train  # the only group of B that is not in A
    with pytest.raises(AreosegError, match="B: 2 groups cannot fill 3 splits"):
        split_samples(samples([None] * 6, None, ("A",) * 4 + ("B",) * 2))
