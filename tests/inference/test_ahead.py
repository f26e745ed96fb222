import threading

import pytest

from areoseg.inference.ahead import ahead


@pytest.mark.parametrize("count", [1, 3, 10, 100])
def test_items_come_once_and_in_order(count):
    assert list(ahead(iter(range(10)), count)) == list(range(10))


def test_the_next_are_made_while_the_first_are_used():
    third_is_made = threading.Event()

    def items():
        yield from (1, 2)
        third_is_made.set()
        yield 3

    found = ahead(items(), 2)
    assert next(found) == 1
    assert third_is_made.wait(timeout=60)
    assert list(found) == [2, 3]


def test_no_more_than_the_next_are_made():
    made = []

    def items():
        for item in range(100):
            made.append(item)
            yield item

    found = ahead(items(), 5)
    next(found)
    found.close()
    assert len(made) <= 10


def test_what_goes_wrong_is_raised_at_its_place():
    def items():
        yield 1
        raise ValueError("broken")

    found = ahead(items(), 1)
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)
