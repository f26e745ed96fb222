"""One training on several datasets: names, splits, scores of each, resuming, and refusals."""

import json
import shutil

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

import areoseg
from areoseg.data.load import dataset_names, find_source, read
from areoseg.errors import AreosegError
from areoseg.runs.own_data import own_source

QUIET = Console(quiet=True)
CLASSES = "classes: [sky, sand, rock]\n"


def write(folder, count, seed, *, description=CLASSES, deep=False):
    """Pairs of blocks of three classes; their mask values are shifted in the second dataset."""
    generator = np.random.default_rng(seed)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for index in range(count):
        classes = generator.integers(0, 3, (4, 4)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
        image = classes * 80 + generator.integers(0, 9, classes.shape).astype(np.uint8)
        if deep:
            image = image.astype(np.uint16) * 250
        mask = classes * 10 if "map" in description else classes
        PIL.Image.fromarray(image).save(folder / "images" / f"{index:02}.png")
        PIL.Image.fromarray(mask).save(folder / "masks" / f"{index:02}.png")
    (folder / "dataset.yaml").write_text(description)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    root = tmp_path_factory.mktemp("two")
    mapped = CLASSES + "map: {0: sky, 10: sand, 20: rock}\n"
    splits = "splits: {test: ['00', '01'], val: ['02', '03', '04']}\n"
    return (
        write(root / "north", 20, 0),
        write(root / "south", 12, 1, description=mapped + splits, deep=True),
    )


def test_each_dataset_keeps_its_map_its_depth_and_its_splits(two):
    alone = [read(folder, console=QUIET).labeled for folder in two]
    joined = read(list(two), console=QUIET)
    assert [part.labeled for part in joined.parts] == [20, 12]
    assert joined.labeled.names[19:21] == ("north/19", "south/00")
    assert joined.labeled.images.dtype == np.float32
    np.testing.assert_allclose(joined.labeled.images[:20], alone[0].images / 255, atol=1e-6)
    np.testing.assert_array_equal(joined.labeled.images[20:], alone[1].images)
    np.testing.assert_array_equal(joined.labeled.masks[20:], alone[1].masks)
    assert joined.labeled.splits[20:24] == ("test", "test", "val", "val")
    source = find_source(list(two), None, QUIET)
    assert source.arguments == ["--data", str(two[0]), "--data", str(two[1])]


def test_a_run_on_two_datasets_is_scored_on_each_and_resumed(two, tmp_path, tiny, run_command):
    out = tmp_path / "run"
    words = ["train", "unet", *tiny, "--data", two[0], "--data", two[1], "--out", out]
    done = run_command(*words)
    assert done.returncode == 0, done.stderr
    info = json.loads((out / "run.json").read_text())["data"]
    assert [info["source"]["path"], info["source"]["further"][0]["path"]] == list(map(str, two))
    assert [part["name"] for part in info["parts"]] == ["north", "south"]
    assert len({info["fingerprint"], *(part["fingerprint"] for part in info["parts"])}) == 3
    split = json.loads((out / "split.json").read_text())
    assert {"south/00", "south/01"} == {name for name in split["test"] if "south" in name}
    assert any(name.startswith("north") for name in split["test"])
    page = (out / "report.html").read_text()
    assert "scores by dataset" in page
    assert f"{two[0]}, {two[1]}" in page

    stored = json.loads((out / "scores.json").read_text())["test"]
    joined = areoseg.evaluate(out, console=QUIET)
    assert joined.to_json() == stored
    for folder in two:
        score = areoseg.evaluate(out, folder, console=QUIET)  # its part of the test split
        assert score.score == pytest.approx(joined.sets[folder.name].score, abs=1e-6)
        assert score.images == joined.sets[folder.name].images
    assert "each dataset alone" in run_command("evaluate", out).stdout
    other = write(tmp_path / "other", 4, 5)
    with pytest.raises(AreosegError, match="was trained on north, but not on these datasets"):
        areoseg.evaluate(out, [two[0], other], console=QUIET)
    both = areoseg.evaluate(out, [other, write(tmp_path / "more", 4, 6)], console=QUIET)
    assert {name: each.images for name, each in both.sets.items()} == {"other": 4, "more": 4}

    moved = [shutil.copytree(folder, tmp_path / "moved" / folder.name) for folder in two]
    assert own_source(areoseg.open_run(out), moved).further[0].path == str(moved[1])
    with pytest.raises(AreosegError, match="was trained on 2 datasets, not on 1: give --data"):
        own_source(areoseg.open_run(out), moved[0])


def test_a_stopped_run_is_resumed_on_the_same_datasets(two, tmp_path, tiny, interrupted_at):
    def train(out):
        return areoseg.train("unet", two, out, overrides=tiny, console=QUIET)

    whole = train(tmp_path / "a")
    with interrupted_at(2):
        train(tmp_path / "b")
    moved = [shutil.copytree(folder, tmp_path / "moved" / folder.name) for folder in two]
    resumed = areoseg.resume(tmp_path / "b", data=moved, console=QUIET)
    assert resumed.weights_sha256 == whole.weights_sha256


def test_two_datasets_are_audited_together(two, tmp_path, run_command):
    done = run_command("audit", *two, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "32 images" in done.stdout
    assert "north, south" in (tmp_path / "audit.html").read_text()


def test_what_cannot_be_joined_is_refused(two, tmp_path):
    other = write(tmp_path / "other", 3, 2, description="classes: [sky, rock, sand]\n")
    with pytest.raises(AreosegError, match=r"the classes of .*other \(sky, rock, sand; .*`map`"):
        find_source([two[0], other], None, QUIET)
    with pytest.raises(AreosegError, match=r"north: this dataset is given twice"):
        find_source([two[0], two[0] / ".." / "north"], None, QUIET)
    with pytest.raises(AreosegError, match=r"one file cannot have the groups of 2 datasets"):
        read(two, groups="a.txt", console=QUIET)
    with pytest.raises(AreosegError, match="no dataset given"):
        read([], console=QUIET)


def test_names_of_datasets_are_distinct(tmp_path):
    paths = [str(tmp_path / name) for name in ("a/images", "b/images", "mars.npz")]
    for path in paths[:2]:
        (tmp_path / path).mkdir(parents=True)
    assert dataset_names(paths) == ["a-images", "b-images", "mars"]
