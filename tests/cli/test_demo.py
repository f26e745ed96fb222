"""Where `areoseg demo` may write."""

import pytest

from areoseg.cli.demo import make_room
from areoseg.errors import AreosegError


def test_an_earlier_demo_is_removed_and_nothing_else(tmp_path):
    make_room(tmp_path / "demo")
    for name in ("mars.npz", "mars_groups.txt", "submission.csv", "notes.txt"):
        (tmp_path / "demo" / name).touch()
    (tmp_path / "demo" / "run").mkdir()
    make_room(tmp_path / "demo")
    assert {path.name for path in (tmp_path / "demo").iterdir()} == {"demo.txt", "notes.txt"}


def test_somebody_elses_data_are_left_alone(tmp_path):
    (tmp_path / "mars.npz").write_text("mine")
    with pytest.raises(AreosegError, match="not a demo: choose another --out"):
        make_room(tmp_path)
    assert (tmp_path / "mars.npz").read_text() == "mine"


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AreosegError, match="this is a file"):
        make_room(tmp_path / "file")
