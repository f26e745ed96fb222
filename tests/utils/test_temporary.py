"""Nothing half-written has a final name; what a killed process left goes with the next write."""

import fcntl
import os
import stat

import pytest

from areoseg.errors import AreosegError
from areoseg.utils import temporary
from areoseg.utils.files import creating_folder, replacing, replacing_several, write_text


@pytest.fixture(autouse=True)
def unchecked_folders(monkeypatch):
    monkeypatch.setattr(temporary, "_checked", set())


def left_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as beside:
        beside.write_text("new \udcff", encoding="utf-8")
    assert path.read_text() == "old"
    assert left_in(tmp_path) == ["a.txt"]


def test_the_next_write_removes_what_a_killed_process_left(tmp_path):
    (tmp_path / ".areoseg-0123456789abcdef.tmp").write_text("half")
    (tmp_path / ".areoseg-fedcba9876543210.tmp").mkdir()
    (tmp_path / ".areoseg-fedcba9876543210.tmp" / "a.bin").write_text("half")
    (tmp_path / ".other.tmp").write_text("of another program")
    write_text(tmp_path / "a.txt", "new")
    assert left_in(tmp_path) == [".other.tmp", "a.txt"]


def test_the_files_of_living_processes_stay(tmp_path):
    path = tmp_path / ".areoseg-0123456789abcdef.tmp"
    path.write_text("being written")
    holder = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(holder, fcntl.LOCK_EX)
        write_text(tmp_path / "a.txt", "new")
        assert left_in(tmp_path) == [path.name, "a.txt"]
    finally:
        os.close(holder)
    temporary.remove_abandoned(tmp_path)
    assert left_in(tmp_path) == ["a.txt"]


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, synced = tmp_path / "a.txt", []
    fsync = os.fsync

    def watched(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            synced.append(path.exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    with replacing(path) as beside:
        beside.write_text("new")
    assert synced == [False]
    with replacing(path, sync=False) as beside:
        beside.write_text("newer")
    assert synced == [False]
    with replacing_several(tmp_path / "b.xml") as beside:
        beside.write_text("graph")
        beside.with_suffix(".bin").write_text("weights")
    assert len(synced) == 3
    assert left_in(tmp_path) == ["a.txt", "b.bin", "b.xml"]


def test_a_folder_is_there_whole_or_not_at_all(tmp_path):
    with pytest.raises(UnicodeEncodeError), creating_folder(tmp_path / "model") as beside:
        (beside / "a.txt").write_text("half \udcff", encoding="utf-8")
    assert left_in(tmp_path) == []
    with creating_folder(tmp_path / "model") as beside:
        assert beside.name == "model"
        (beside / "a.txt").write_text("whole")
    assert left_in(tmp_path) == ["model"]
    with (
        pytest.raises(AreosegError, match=r"cannot write this folder: .*not empty"),
        creating_folder(tmp_path / "model") as beside,
    ):
        (beside / "b.txt").write_text("other")
    assert left_in(tmp_path / "model") == ["a.txt"]
