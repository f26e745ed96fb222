"""`areoseg audit` as a user calls it."""

import hashlib
import json
import signal
from importlib import import_module

import numpy as np
import pytest
from cyclopts import CycloptsError
from PIL import Image

import areoseg
from areoseg.audit import audit as audit_data
from areoseg.audit import cache, read_exclusions
from areoseg.audit.audit import CACHE
from areoseg.cli.app import app
from areoseg.cli.audit import find_split
from areoseg.data.description import describe
from areoseg.errors import AreosegError


def audit(*arguments, capsys):
    app(
        ["audit", *map(str, arguments), "--json"], exit_on_error=False, result_action="return_value"
    )
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def street(tmp_path):
    """A folder of color images with seven classes and void, nothing of Mars in it."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "street" / kind).mkdir(parents=True)
    for index in range(6):
        mask = np.repeat(np.repeat(rng.integers(0, 7, (4, 6)), 10, 0), 10, 1).astype(np.uint8)
        mask[:5] = 255
        image = (mask[..., None] % 7 * 30 + rng.integers(0, 20, (40, 60, 3))).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "street" / "images" / f"{index}.png")
        Image.fromarray(mask).save(tmp_path / "street" / "masks" / f"{index}.png")
    return tmp_path / "street"


def test_a_split_is_looked_through_for_leaks(homework_npz, tmp_path, capsys):
    names = areoseg.read(homework_npz).labeled.names
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": names[:41], "val": names[41:]}))
    found = audit(homework_npz, "--out", tmp_path / "out", "--split-file", split, capsys=capsys)
    parted = [each for each in found["flagged"] if each["issue"] == "group-across-split"]
    assert [each["index"] for each in parted] == [41, 42, 43]  # four tiles a frame
    assert {each["other"]["index"] for each in parted} == {40}
    assert found["summary"]["split"]["val"]["images"] == 7


def test_the_split_of_a_recipe_parts_no_group(homework_npz, tmp_path, capsys):
    found = audit(homework_npz, "--out", tmp_path / "out", "--split-file", "unet", capsys=capsys)
    assert "group-across-split" in found["issues"]
    assert "group-across-split" not in {each["issue"] for each in found["flagged"]}
    assert sum(part["images"] for part in found["summary"]["split"].values()) == 48


def test_a_name_that_a_model_and_a_recipe_share_is_the_split_of_the_model(homework_npz):
    with pytest.raises(AreosegError, match=r"flagship-256/split\.json: .* samples of this split"):
        find_split("flagship-256", areoseg.read(homework_npz))


@pytest.mark.parametrize(
    ("split", "what"),
    [("unett", "did you mean 'unet'"), ("no.json", "not a run, JSON file or recipe")],
)
def test_what_is_no_split_is_refused(homework_npz, split, what):
    with pytest.raises(AreosegError, match=what):
        find_split(split, areoseg.read(homework_npz))


def test_unlabeled_images_are_compared_with_the_labeled(homework_npz, tmp_path, capsys):
    found = audit(homework_npz, "--out", tmp_path / "out", capsys=capsys)
    copies = [each for each in found["flagged"] if each["issue"] == "copy-in-unlabeled"]
    assert {each["index"] for each in copies} >= {0, 1, 2, 3, 4}  # the test set is the first five
    assert copies[0]["other"]["part"] == "unlabeled"
    assert copies[0]["score"] > 0.99


def test_any_classes_are_audited(street, tmp_path, capsys):
    names = "background,road,car,tree,sky,person,house"
    found = audit(street, "--out", tmp_path / "out", "--classes", names, capsys=capsys)
    assert found["pairs"] == 6
    assert [each["name"] for each in found["summary"]["classes"]] == names.split(",")
    numbered = audit(street, "--out", tmp_path / "out", "--classes", 7, capsys=capsys)
    assert numbered["summary"]["classes"][6]["name"] == "class 6"


def test_frames_are_audited_as_a_recipe_cuts_and_scales_them(street, tmp_path, capsys):
    out = tmp_path / "out"
    arguments = [street, "--out", out, "--classes", 7, "--scale", 0.5, "--tile", 10, 30]
    assert audit(*arguments, capsys=capsys)["pairs"] == 12
    decisions = read_exclusions(out / "audit.json")
    decisions.check(areoseg.read(street, classes="7", scale=0.5, tile=(10, 30)).labeled)
    with pytest.raises(
        AreosegError, match="the data have 6: audit the data with --tile and --scale"
    ):
        decisions.check(areoseg.read(street, classes="7").labeled)


@pytest.mark.parametrize(
    ("option", "value", "what"),
    [
        ("--tile", ["64"], "--tile requires 2"),
        ("--tile", ["64", "128"], "too small for tiles of 64x128"),
        ("--scale", [2], "scale 2.0: give a number above 0 and at most 1"),
    ],
)
def test_tiles_and_scales_that_cannot_be_are_refused(street, tmp_path, capsys, option, value, what):
    with pytest.raises((AreosegError, CycloptsError), match=what):
        audit(street, "--out", tmp_path, "--classes", 7, option, *value, capsys=capsys)


def test_classes_beyond_those_of_mars_must_be_declared(street, tmp_path):
    with pytest.raises(AreosegError, match="outside the classes 0 to 4"):
        areoseg.read(street)


@pytest.mark.parametrize("text", ["1", "300", "a,a", "road", ""])
def test_what_are_no_classes_is_refused(text):
    with pytest.raises(AreosegError, match="--classes"):
        describe(text)


def test_images_without_masks_are_audited(street, tmp_path, capsys):
    found = audit(street / "images", "--out", tmp_path / "out", capsys=capsys)
    assert found["pairs"] == 6
    assert "repeated-mask" not in found["issues"]
    assert "near-duplicate" in found["issues"]


def test_the_table_tells_classes_and_issues_of_the_set(homework_npz, tmp_path, capsys):
    arguments = ["audit", str(homework_npz), "--out", str(tmp_path / "out"), "--jobs", "2"]
    app(arguments, exit_on_error=False, result_action="return_value")
    text = capsys.readouterr().out
    assert "48 images, 0 rejected" in text
    assert "big rock" in text
    assert "±" in text


def test_no_thread_is_too_few(homework_npz, tmp_path):
    with pytest.raises(AreosegError, match="--jobs 0"):
        audit_data(areoseg.read(homework_npz), tmp_path / "out", jobs=0)


def digest(folder):
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_data_stay_as_they_are_and_nothing_is_kept_at_the_end(street, tmp_path):
    before = digest(street)
    out = tmp_path / "out"
    audit_data(street, out, classes="7")
    assert digest(street) == before
    assert sorted(path.name for path in out.iterdir()) == ["audit.html", "audit.json"]


def test_an_interrupted_audit_keeps_what_it_has_and_goes_on(homework_npz, tmp_path, monkeypatch):
    data, out = areoseg.read(homework_npz), tmp_path / "out"
    monkeypatch.setattr(cache, "CHUNK_SIZE", 8)
    with monkeypatch.context() as patched:
        duplicates = import_module("areoseg.audit.checks.duplicates")
        patched.setattr(duplicates, "detail_correlations", interrupt)
        with pytest.raises(KeyboardInterrupt):
            audit_data(data, out)
    assert {path.name.split("-")[0] for path in (out / CACHE).iterdir()} >= {
        "regions",
        "thumbnails",
    }
    assert not (out / "audit.json").exists()
    with monkeypatch.context() as patched:
        patched.setattr(import_module("areoseg.audit.checks.masks"), "tiny_regions", interrupt)
        found = audit_data(data, out)
    assert found == audit_data(data)
    assert not (out / CACHE).exists()


def interrupt(*arguments):
    raise KeyboardInterrupt


def test_ctrl_c_ends_with_one_line_and_leaves_the_finished_chunks(
    run_command, homework_npz, tmp_path, monkeypatch
):
    monkeypatch.setattr(cache, "CHUNK_SIZE", 8)
    checks = import_module("areoseg.audit.checks.masks")
    tiny_regions, calls = checks.tiny_regions, []

    def press_ctrl_c(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)  # in a worker; the main thread receives it
        return tiny_regions(*arguments)

    monkeypatch.setattr(checks, "tiny_regions", press_ctrl_c)
    done = run_command("audit", homework_npz, "--out", tmp_path / "out")
    assert done.returncode == 130
    assert done.stderr.splitlines()[-1] == "error: interrupted"
    kept = list((tmp_path / "out" / CACHE).iterdir())
    assert kept
    assert all(path.suffix == ".npz" for path in kept)
    for path in kept:
        with np.load(path) as arrays:
            assert len(arrays.files) > 0
