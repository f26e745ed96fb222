"""Names and folders as they are found in the wild."""

import os
import unicodedata

import numpy as np
import PIL.Image
import pytest

from areoseg.data.groups import groups_from_names
from areoseg.data.load import read_data
from areoseg.data.missions.metadata import rover_stop
from areoseg.data.readers.files import walk_images
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.inference.listing import find_inputs
from areoseg.utils.files import write_text


@pytest.fixture
def folder(tmp_path):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    return tmp_path


def add(path, level=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((4, 6), level, np.uint8)).save(path)


def test_hidden_folders_are_left_out(tmp_path):
    for name in ("a.png", ".Trash/b.png", "sub/.ipynb_checkpoints/c.png", "sub/d.png", "._a.png"):
        add(tmp_path / name)
    assert [path.name for path in walk_images(tmp_path).images] == ["a.png", "d.png"]
    assert [each.name for each in find_inputs([tmp_path])] == ["a", "sub/d"]
    assert len(read_data(tmp_path).unlabeled) == 2


def test_linked_folders_are_followed_once(tmp_path):
    add(tmp_path / "disk" / "a.png")
    add(tmp_path / "set" / "b.png")
    (tmp_path / "set" / "more").symlink_to(tmp_path / "disk")
    (tmp_path / "set" / "again").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "circle").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "c.png").symlink_to(tmp_path / "disk" / "a.png")
    listing = walk_images(tmp_path / "set")
    names = [path.relative_to(tmp_path / "set").as_posix() for path in listing.images]
    assert names == ["again/a.png", "b.png", "c.png"]
    assert len(listing.skipped) == 2
    assert "listed already" in read_data(tmp_path / "set").warnings[0]


def test_links_to_nothing_are_told(folder):
    add(folder / "images" / "a.png")
    add(folder / "masks" / "a.png", 1)
    for name in ("images/b.png", "masks/b.png", "images/elsewhere"):
        (folder / name).symlink_to("/nowhere/b.png")
    warnings = [line for line in read_data(folder).warnings if "link to nothing" in line]
    assert len(warnings) == 2
    (folder / "masks" / "b.png").unlink()
    add(folder / "masks" / "b.png", 1)
    with pytest.raises(AreosegError, match=r"1 mask without image \(b\).*link"):
        read_data(folder)
    broken = [each for each in find_inputs([folder]) if each.path.is_symlink()]
    assert len(broken) == 2
    with pytest.raises(AreosegError, match=r"a link to /nowhere/b\.png, which does not exist"):
        broken[0].read()


def test_composed_and_decomposed_names_are_one_name(folder):
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    add(folder / "images" / f"{composed}.png")
    add(folder / "masks" / f"{decomposed}.png", 1)
    assert read_data(folder).labeled.names == (composed,)
    add(folder / "images" / f"{decomposed}.png")
    with pytest.raises(AreosegError, match=r"images/.*\.png and .*images/.*\.png have the same"):
        read_data(folder)


def test_names_that_are_not_utf_8(folder):
    name = os.fsdecode(b"caf\xe9 [red].png")
    add(folder / "images" / name)
    add(folder / "masks" / name, 1)
    data = read_data(folder)
    assert data.labeled.names == ("caf\\xe9 [red]",)
    assert len(fingerprint(data.labeled)) == 32
    (folder / "masks" / name).write_bytes(b"damaged")
    with pytest.raises(AreosegError) as caught:
        read_data(folder)
    assert "caf\\xe9 [red].png" in str(caught.value)
    str(caught.value).encode()


def test_brackets_are_names_not_patterns(tmp_path):
    add(tmp_path / "sol [12]" / "a[1].png")
    add(tmp_path / "sol [12]" / "b.png")
    assert len(find_inputs([tmp_path / "sol [12]" / "a[1].png"])) == 1
    assert len(find_inputs([tmp_path / "sol [12]" / "*.png"])) == 2
    assert len(find_inputs([tmp_path / "sol [12]"])) == 2


def test_one_stem_twice_is_refused_with_both_paths(folder):
    for name in ("images/a.png", "images/a.tif", "masks/a.png"):
        add(folder / name)
    with pytest.raises(AreosegError, match=r"images/a\.png and .*images/a\.tif have the same name"):
        read_data(folder)


def test_a_name_as_long_as_the_file_system_allows(tmp_path):
    path = tmp_path / f"{'x' * 244}.geojson"
    write_text(path, "text")
    assert path.read_text() == "text"
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208


@pytest.mark.parametrize(
    ("name", "stop"),
    [
        ("NLB_430335904EDR_F0130000NCAM07812M1.JPG", "site-013-drive-0000"),
        ("sub/FLB_430335904EDR_F0130000FHAZ07812M1", "site-013-drive-0000"),
        ("NLF_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01.png", "m2020-site-001-drive-0052"),
        ("ZL0_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01", "m2020-site-001-drive-0052"),
        ("2N128287181EFF0327P1973L0M1.IMG", "mer2-site-03-drive-27"),
        ("1n129697839eff0338p1931l0m1_16165_T0_merged.png", "mer1-site-03-drive-38"),
        ("0012ML0000450000100792E01_DXXX.png", "msl-sol-0012"),
        (
            "HX1-Ro_GRAS_NaTeCamA-F-001_SCI_N_20210611093045_20210611093045_00025_A.2B",
            "zhurong-day-20210611",
        ),
        ("IMG_0001.jpg", None),
        ("training_set/0001", None),
    ],
)
def test_rover_stops_of_every_mission(name, stop):
    assert rover_stop(name) == stop
    assert groups_from_names([name]) == [stop]
