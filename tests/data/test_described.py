"""Datasets of any classes, folders and mask values, said by a `dataset.yaml`."""

import numpy as np
import PIL.Image
import pytest
import tifffile
import yaml
from rich.console import Console

from areoseg.data.description import find_description, read_description
from areoseg.data.load import read
from areoseg.errors import AreosegError
from areoseg.inference.listing import find_inputs
from areoseg.taxonomy import MARS, VOID

QUIET = Console(quiet=True)
NINE = ["sky", "ridge", "soil", "sand", "bedrock", "rock", "rover", "trace", "hole"]
SIZE = (12, 18)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(pixels, np.uint8)).save(path, **options)


def describe(folder, **values):
    (folder / "dataset.yaml").write_text(yaml.safe_dump(values, sort_keys=False))


def indices(classes=9):
    return np.resize(np.arange(classes), SIZE).astype(np.uint8)


def test_folders_of_splits_and_void_values(tmp_path):
    for split in ("train", "val"):
        for kind in ("images", "masks"):
            values = np.where(indices() == 3, 200, indices())
            save(tmp_path / f"data/{split}/{kind}/a.png", values)
    save(tmp_path / "data/val/images/b.png", indices())
    describe(
        tmp_path,
        classes=NINE,
        background="sky",
        images="data/{split}/images",
        masks="data/{split}/masks",
        void=[200, 255],
        license="CC BY 4.0",
    )
    data = read(tmp_path, console=QUIET)
    assert data.labeled.names == ("train/a", "val/a")
    assert data.unlabeled.names == ("val/b",)
    assert data.taxonomy.names == tuple(NINE)
    np.testing.assert_array_equal(data.labeled.masks[0], np.where(indices() == 3, VOID, indices()))
    assert read_description(tmp_path / "dataset.yaml").about == {"license": "CC BY 4.0"}
    assert len(find_inputs([tmp_path])) == 3


def test_a_map_brings_a_dataset_to_the_classes_of_mars(tmp_path):
    save(tmp_path / "JPEGImages/a.jpg", indices())
    save(tmp_path / "labels/a_label.png", indices())
    save(tmp_path / "labels/a_color.png", np.zeros((*SIZE, 3)))
    describe(
        tmp_path,
        classes=list(MARS.names),
        images="JPEGImages",
        masks="labels",
        mask_suffix="_label",
        map={0: "background", 1: "bedrock", 2: "soil", 3: "sand", 4: "bedrock", 5: "big rock",
             6: "background", 7: "void", 8: None},
    )  # fmt: skip
    data = read(tmp_path, console=QUIET)
    assert data.taxonomy == MARS
    expected = np.array([0, 2, 1, 3, 2, 4, 0, VOID, VOID])[indices()]
    np.testing.assert_array_equal(data.labeled.masks[0], expected)
    assert [each.path.name for each in find_inputs([tmp_path])] == ["a.jpg"]


@pytest.mark.parametrize("kind", ["rgb", "palette", "tiff"])
def test_colors_become_classes(tmp_path, kind):
    values = indices(3)
    colors = np.array([[0, 0, 0], [255, 0, 0], [10, 20, 30]], np.uint8)
    save(tmp_path / "images/a.png", values)
    path = tmp_path / "masks/a.png"
    path.parent.mkdir()
    if kind == "palette":
        picture = PIL.Image.fromarray(values, mode="P")
        picture.putpalette(colors.ravel().tolist())
        picture.save(path)
    elif kind == "tiff":
        tifffile.imwrite(path.with_suffix(".tif"), colors[values], photometric="rgb")
    else:
        save(path, colors[values])
    coding = {"#000000": "ground", "255,0,0": "rock", "[10, 20, 30]": "void"}
    describe(tmp_path, classes=["ground", "rock"], map=coding)
    masks = read(tmp_path, console=QUIET).labeled.masks
    np.testing.assert_array_equal(masks[0], np.array([0, 1, VOID])[values])


@pytest.mark.parametrize(
    "classes",
    [
        {"names": {0: "ground", 1: "rock", 2: "rover"}},
        {"names": ["ground", "rock", "rover"]},
        {"labels": {"ground": 0, "rock": 1, "rover": 2, "ignore": 255}},
    ],
)
def test_the_spelling_of_other_tools_is_understood(tmp_path, classes):
    for kind in ("images", "masks"):
        save(tmp_path / kind / "a.png", indices(3))
    describe(tmp_path, **classes)
    data = read(tmp_path, console=QUIET)
    assert data.taxonomy.names == ("ground", "rock", "rover")
    np.testing.assert_array_equal(data.labeled.masks[0], indices(3))


def test_mask_values_with_gaps_as_nnunet_writes_them(tmp_path):
    for kind in ("images", "masks"):
        save(tmp_path / kind / "a.png", 10 * indices(3))
    describe(tmp_path, labels={"background": 0, "rock": 10, "rover": 20})
    np.testing.assert_array_equal(read(tmp_path, console=QUIET).labeled.masks[0], indices(3))


def test_a_dataset_yaml_of_another_tool_is_passed_over(tmp_path):
    (tmp_path / "dataset.yaml").write_text("path: /data\ntrain: images\n")
    assert find_description(tmp_path) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"map": {0: "sky"}}, "map: class 'sky': "),
        ({"map": {"#00": "a"}}, "map: '#00': write a mask value"),
        ({"map": {0: "a", "#000000": "b"}}, "mask values or colors, not both"),
        ({"map": [1]}, "map: give a class for each"),
        ({"void": "x"}, "void 'x': give a mask value"),
        ({"images": "../other"}, "images '../other': give a folder below"),
        ({"scale": 4}, "scale 4: give a number"),
        ({"names": ["a"]}, "classes and names: give the classes once"),
    ],
)
def test_wrong_fields_are_named(tmp_path, values, message):
    describe(tmp_path, classes=["a", "b"], **values)
    with pytest.raises(AreosegError, match=message):
        read_description(tmp_path / "dataset.yaml")


def test_values_without_a_class_are_named(tmp_path):
    save(tmp_path / "images/a.png", indices())
    save(tmp_path / "masks/a.png", indices())
    describe(tmp_path, classes=["a", "b"], map={0: "a", 1: "b"})
    with pytest.raises(AreosegError, match=r"masks/a\.png: mask value 2, 3, .* without a class"):
        read(tmp_path, console=QUIET)
    save(tmp_path / "masks/a.png", np.full((*SIZE, 3), (1, 2, 3)))
    with pytest.raises(AreosegError, match=r"the mask is in color: give the class of each color"):
        read(tmp_path, console=QUIET)
    describe(tmp_path, classes=["a", "b"], map={"#000000": "a"})
    with pytest.raises(AreosegError, match=r"color #010203 without a class"):
        read(tmp_path, console=QUIET)
