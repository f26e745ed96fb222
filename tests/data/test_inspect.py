"""Known datasets, drafts of descriptions, and checks."""

import json
import sys

import numpy as np
import PIL.Image
import pytest
import yaml
from rich.console import Console

from areoseg.cli.app import main
from areoseg.data.description import describe, known_datasets, recognize_dataset
from areoseg.data.inspect import check_dataset, draft_description
from areoseg.data.load import read
from areoseg.errors import AreosegError

QUIET = Console(quiet=True)
SIZE = (9, 12)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def values(*numbers):
    return np.resize(numbers, SIZE)


def command(monkeypatch, *words):
    """Run `areoseg data` and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["areoseg", "data", *map(str, words)])
    with pytest.raises(SystemExit) as exit_:
        main()
    return exit_.value.code


def test_every_known_dataset_is_described():
    assert {"ai4mars", "s5mars", "marsscapes", "mars-seg-mer", "marsdata-v2"} <= set(
        known_datasets()
    )
    for name in known_datasets():
        assert {"name", "license", "url", "citation"} <= describe(name).about.keys()
    assert len(describe("s5mars").taxonomy) == 9


def test_a_known_dataset_is_recognized_and_read(tmp_path):
    root = tmp_path / "S5Mars"
    save(root / "data/train/images/a.png", values(1, 2))
    save(root / "data/train/masks/a.png", values(0, 8, 255))
    assert recognize_dataset(root) == "s5mars"
    data = read(root, console=QUIET)
    assert data.taxonomy.names[8] == "hole"
    assert data.labeled.names == ("train/a",)


def test_a_known_dataset_of_unpublished_values_needs_a_map(tmp_path):
    root = tmp_path / "Mars_Seg" / "MER"
    save(root / "JPEGImages/a.jpg", values(1, 2))
    save(root / "SegmentationClassPNG/a.png", values(0, 1, 2))
    with pytest.raises(AreosegError, match="Mars-Seg MER, whose mask values are not published"):
        read(root, console=QUIET)
    (root / "dataset.yaml").write_text(draft_description(root))
    assert "doi: 10.1109/TGRS.2022.3152587" in (root / "dataset.yaml").read_text()
    assert len(read(root, console=QUIET).taxonomy) == 9
    (tmp_path / "summer").mkdir()
    (root).rename(tmp_path / "summer" / "voc")
    assert recognize_dataset(tmp_path / "summer" / "voc") is None


@pytest.mark.parametrize("colored", [False, True])
def test_a_draft_can_be_read(tmp_path, colored):
    mask = values(0, 7, 255)
    palette = np.zeros((256, 3), np.uint8)
    palette[7], palette[255] = (255, 0, 0), (0, 0, 255)
    for split in ("train", "test"):
        save(tmp_path / split / "img/a.png", values(5, 6))
        save(tmp_path / split / "ann/a.png", palette[mask] if colored else mask)
    text = draft_description(tmp_path)
    (tmp_path / "dataset.yaml").write_text(text)
    described = yaml.safe_load(text)
    assert described["images"] == "{split}/img"
    assert len(described["map"]) == (3 if colored else 2)
    assert "# 33.3%" in text
    data = read(tmp_path, console=QUIET)
    assert data.labeled.names == ("test/a", "train/a")
    assert set(np.unique(data.labeled.masks)) == ({0, 1, 2} if colored else {0, 1, 255})


def test_the_command_describes_checks_and_lists(tmp_path, monkeypatch, capsys):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", values(1, 2))
        save(tmp_path / "masks" / f"{name}.png", values(0, 1))
    assert command(monkeypatch, "describe", tmp_path) == 0
    assert command(monkeypatch, "check", tmp_path) == 0
    assert "2 images, 2 masks; values of 2 masks read" in capsys.readouterr().out
    save(tmp_path / "images/c.png", values(1))
    save(tmp_path / "masks/d.png", values(1))
    save(tmp_path / "masks/a.png", np.ones((3, 3)))
    save(tmp_path / "masks/b.png", values(9))
    assert command(monkeypatch, "check", tmp_path, "--json") == 3
    problems = "\n".join(json.loads(capsys.readouterr().out)["problems"])
    assert "1 image without mask, which is unlabeled: c" in problems
    assert "1 mask without image: d" in problems
    assert "1 mask of another size than the image: a" in problems
    assert "b.png: mask value 9 without a class" in problems
    assert command(monkeypatch, "list") == 0
    assert "10.5281/zenodo.15995036" in capsys.readouterr().out
    for words in (("describe", tmp_path), ("check",), ("check", tmp_path / "none")):
        assert command(monkeypatch, *words) == 2


def test_double_and_unreadable_files_are_told(tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "images" / f"{name}.png", values(1, 2))
        save(tmp_path / "masks" / f"{name}.png", values(0, 1))
    (tmp_path / "images/b.png").write_bytes(b"damaged")
    checked = check_dataset(tmp_path, "2")
    assert any("1 pair unreadable: b" in line for line in checked.problems)
    save(tmp_path / "images/a.tif", values(1))
    assert "have the same name" in check_dataset(tmp_path, "2").problems[0]


def test_a_folder_without_the_usual_names_is_refused(tmp_path):
    with pytest.raises(AreosegError, match="no folders of images and masks: name them images"):
        draft_description(tmp_path)
