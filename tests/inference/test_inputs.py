import numpy as np
import pytest
from PIL import Image

from areoseg.errors import AreosegError
from areoseg.inference.listing import find_inputs


def picture(path, value=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5), value, np.uint8)).save(path)
    return path


def names(*paths, out):
    return [each.name for each in find_inputs(paths, out=out)]


def test_subfolders_are_kept(tmp_path):
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "sol 12" / "b.jpg")
    assert names(tmp_path / "in", out=tmp_path / "out") == ["a", "sol 12/b"]


def test_equal_stems_get_their_suffix(tmp_path):
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "a.jpg")
    assert sorted(names(tmp_path / "in", out=tmp_path / "out")) == ["a_jpg", "a_png"]


def test_equal_names_from_two_folders_get_their_parents(tmp_path):
    one, two = picture(tmp_path / "x" / "a.png"), picture(tmp_path / "y" / "a.png")
    found = names(one, two, out=tmp_path / "out")
    assert len(set(found)) == 2
    assert names(tmp_path / "x", tmp_path / "y", out=tmp_path / "out") == ["x/a_png", "y/a_png"]


def test_images_are_read_when_asked(tmp_path):
    (found,) = find_inputs([picture(tmp_path / "a.png", 9)], out=tmp_path / "out")
    assert (found.read().pixels == 9).all()
    assert found.read().path.name == "a.png"


def test_an_npz_gives_its_test_set(homework_npz, tmp_path):
    found = find_inputs([homework_npz], out=tmp_path)
    assert len(found) == 5
    assert found[0].read().size == (32, 64)


def test_two_npz_files_get_their_names(homework_npz, tmp_path):
    other = tmp_path / "other.npz"
    other.write_bytes(homework_npz.read_bytes())
    found = names(homework_npz, other, out=tmp_path / "out")
    assert found[0] == "mars.npz/test_set/0000"
    assert found[5] == "other.npz/test_set/0000"


def test_of_a_data_set_only_the_images_are_taken(tmp_path):
    picture(tmp_path / "in" / "images" / "a.png")
    picture(tmp_path / "in" / "masks" / "a.png")
    assert names(tmp_path / "in", out=tmp_path / "out") == ["a"]


def test_earlier_outputs_inside_the_input_are_left_alone(tmp_path, monkeypatch):
    picture(tmp_path / "in" / "a.png")
    picture(tmp_path / "in" / "out" / "masks" / "a.png")
    monkeypatch.chdir(tmp_path)
    assert names("in", out=tmp_path / "in" / "out") == ["a"]


def test_of_planetary_files_those_with_the_pixels_are_taken(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.IMG", "a.LBL", "b.img", "b.xml", "c.vic", "notes.txt", "._a.IMG"):
        (tmp_path / "in" / name).touch()
    assert names(tmp_path / "in", out=tmp_path / "out") == ["a", "b", "c"]


def test_an_earlier_output_is_no_input(tmp_path):
    mask = picture(tmp_path / "out" / "masks" / "a.png")
    for path in (mask, mask.parent):
        with pytest.raises(AreosegError, match="also the output"):
            find_inputs([path], out=tmp_path / "out")


def test_what_cannot_be_predicted_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    twice = picture(tmp_path / "a.png")
    for paths, expected in (
        ([tmp_path / "absent.png"], "no such file"),
        ([tmp_path / "empty"], "no images"),
        ([tmp_path], "also the output"),
        ([twice, twice], "given twice"),
    ):
        with pytest.raises(AreosegError, match=expected):
            find_inputs(paths, out=tmp_path)
