import threading

import numpy as np
import pytest

from areoseg.errors import AreosegError
from areoseg.inference.submission import prefetched, write_submission


def test_the_csv_is_the_homeworks(tmp_path):
    masks = np.random.default_rng(0).integers(5, size=(3, 64, 128), dtype=np.uint8)
    path = tmp_path / "submission.csv"
    assert write_submission(path, iter(masks)) == 3
    lines = path.read_text().splitlines()
    assert lines[0] == ",".join(["id", *map(str, range(8192))])
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=int)
    assert table[:, 0].tolist() == [0, 1, 2]
    assert np.array_equal(table[:, 1:].reshape(3, 64, 128), masks)


def test_masks_of_two_sizes_leave_no_file(tmp_path):
    path = tmp_path / "submission.csv"
    with pytest.raises(AreosegError, match="image 1 has 2x3 pixels, but earlier images have 3x2"):
        write_submission(path, [np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint8)])
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_two_digits_is_refused(tmp_path):
    with pytest.raises(AreosegError, match="0 to 9"):
        write_submission(tmp_path / "s.csv", [np.full((2, 2), 10, np.uint8)])


def test_an_earlier_file_survives_a_failure(tmp_path):
    path = tmp_path / "submission.csv"
    path.write_text("earlier")
    with pytest.raises(AreosegError):
        write_submission(path, [np.full((2, 2), 10, np.uint8)])
    assert path.read_text() == "earlier"


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AreosegError, match="cannot write"):
        write_submission(tmp_path / "file" / "s.csv", [np.zeros((2, 2), np.uint8)])


@pytest.mark.parametrize("count", [1, 3, 10, 100])
def test_items_come_once_and_in_order(count):
    assert list(prefetched(iter(range(10)), count)) == list(range(10))


def test_the_next_are_made_while_the_first_are_used():
    third_is_made = threading.Event()

    def items():
        yield from (1, 2)
        third_is_made.set()
        yield 3

    found = prefetched(items(), 2)
    assert next(found) == 1
    assert third_is_made.wait(timeout=60)
    assert list(found) == [2, 3]


def test_no_more_than_the_next_are_made():
    made = []

    def items():
        for item in range(100):
            made.append(item)
            yield item

    found = prefetched(items(), 5)
    next(found)
    found.close()
    assert len(made) <= 10


def test_what_goes_wrong_is_raised_at_its_place():
    def items():
        yield 1
        raise ValueError("broken")

    found = prefetched(items(), 1)
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)
