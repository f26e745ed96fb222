"""Dataset descriptions: own classes, and how a dataset is read."""

import json

import numpy as np
import PIL.Image
import pytest
from pydantic import TypeAdapter
from rich.console import Console

import areoseg
from areoseg.data.description import describe, read_description
from areoseg.data.load import Source, find_source, read, read_source
from areoseg.data.options import DataOptions
from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS, Taxonomy

QUIET = Console(quiet=True)
NAMES = ["sky", "sand", "ripple", "outcrop", "boulder", "rover", "dust"]


@pytest.fixture
def folder(tmp_path):
    """Three pairs with classes 0 to 6 and void, in two groups."""
    for kind in ("images", "masks"):
        (tmp_path / "desert" / kind).mkdir(parents=True)
    for index in range(3):
        mask = np.arange(7, dtype=np.uint8).repeat(16).reshape(7, 16) + np.uint8(0)
        mask[0, 0] = 255
        for kind in ("images", "masks"):
            PIL.Image.fromarray(mask).save(tmp_path / "desert" / kind / f"{index}.png")
    (tmp_path / "desert" / "where.txt").write_text("north\nnorth\nsouth\n")
    return tmp_path / "desert"


def write(path, **values):
    path.write_text(json.dumps(values))
    return path


def test_own_classes_are_read_with_the_data(folder):
    described = "classes: [sky, sand, ripple, outcrop, boulder, rover, dust]\nbackground: rover\n"
    (folder / "areoseg-data.yaml").write_text(described + "groups: where.txt\ntile: [7, 8]\n")
    data = read(folder, console=QUIET)
    assert data.taxonomy.names == tuple(NAMES)
    assert data.taxonomy.background == 5
    assert len(set(data.taxonomy.colors)) == 7
    assert data.labeled.images.shape == (6, 7, 8)
    assert data.labeled.groups == ("north",) * 4 + ("south",) * 2
    assert set(np.unique(data.labeled.masks)) == {*range(7), 255}


def test_without_a_description_the_classes_are_those_of_mars(folder, samples):
    with pytest.raises(AreosegError, match=r"values 5, 6, 255 outside .*own classes|--classes"):
        read(folder, console=QUIET)
    assert read("synthetic", console=QUIET).taxonomy == MARS


def test_options_take_precedence_over_the_description(folder, tmp_path):
    write(folder / "areoseg-data.json", classes=NAMES, groups="where.txt", tile=[7, 8])
    (tmp_path / "other.txt").write_text("a\nb\nc\n")
    options = DataOptions(groups=tmp_path / "other.txt", classes="7")
    source = find_source(folder, options, QUIET)
    assert source.groups == tmp_path / "other.txt"
    assert read_source(source).taxonomy.names[6] == "class 6"
    assert read(folder, classes="7", tile=(7, 4), console=QUIET).labeled.images.shape == (12, 7, 4)


def test_a_source_with_classes_is_found_again_from_json(folder):
    path = write(folder / "areoseg-data.json", classes=NAMES, data_format="folder")
    source = find_source(folder, None, QUIET)
    assert source == Source(path=str(folder), data_format="folder", classes=str(path))
    adapter = TypeAdapter(Source)
    assert adapter.validate_json(adapter.dump_json(source)) == source
    assert ["--classes", str(path)] == source.arguments[-2:]


def test_a_description_lies_beside_a_file(homework_npz, tmp_path):
    copy = tmp_path / "mars.npz"
    copy.write_bytes(homework_npz.read_bytes())
    names = ["nothing", "soil", "bedrock", "sand", "rock"]
    write(tmp_path / "mars_areoseg-data.json", classes=names)
    assert read(copy, console=QUIET).taxonomy.names == tuple(names)
    assert read(homework_npz, console=QUIET).taxonomy == MARS


@pytest.mark.parametrize(
    ("text", "names"), [("a, b,c", ("a", "b", "c")), ("2", ("class 0", "class 1"))]
)
def test_classes_can_be_names_or_a_number(text, names):
    assert describe(text).taxonomy.names == names


def test_colors_are_hexadecimal_or_lists(tmp_path):
    path = write(tmp_path / "a.json", classes=["a", "b"], colors=["#c97a40", [0, 128, 255]])
    assert read_description(path).taxonomy == Taxonomy(
        ("a", "b"), ((201, 122, 64), (0, 128, 255)), background=0
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "classes: give a list of names"),
        ({"classes": "a, b"}, "classes: give a list of names"),
        ({"classes": ["a"]}, "1 classes: give 2 to 255"),
        ({"classes": ["a", "a"]}, "classes a, a: give each a name of its own"),
        ({"classes": ["a", "b"], "colours": []}, "unknown field 'colours': did you mean 'colors'"),
        ({"classes": ["a", "b"], "colors": ["#fff", "#000"]}, "color '#fff': write it as"),
        ({"classes": ["a", "b"], "colors": [[0, 0, 0]]}, "1 colors for 2 classes"),
        ({"classes": ["sky", "b"], "background": "sk"}, "background 'sk': did you mean 'sky'"),
        ({"classes": ["a", "b"], "background": 2}, "background 2: give a class index from 0 to 1"),
        ({"classes": ["a", "b"], "data_format": "fold"}, "data_format 'fold': did you mean 'fold"),
        ({"classes": ["a", "b"], "label_set": "expert"}, "label_set 'expert': did you mean"),
        ({"classes": ["a", "b"], "tile": [64]}, r"tile \[64\]: give height and width"),
    ],
)
def test_a_wrong_description_is_refused_with_its_place(tmp_path, values, message):
    path = write(tmp_path / "classes.json", **values)
    with pytest.raises(AreosegError, match=rf"classes\.json: {message}"):
        read_description(path)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "classes: [a", "\x00"])
def test_what_is_no_description_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    for path in (tmp_path / "a.yaml", tmp_path / "none.yaml"):
        with pytest.raises(AreosegError, match=r"\.yaml: ") as caught:
            describe(str(path))
        assert "\n" not in str(caught.value)


def test_the_front_door_reads_options(folder):
    data = areoseg.read(str(folder), classes="7", groups=folder / "where.txt")
    assert data.labeled.groups == ("north", "north", "south")
