"""Making some things while those before them are used."""

from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The same items in the same order, made in a thread of their own.

    While the user of this iterator is busy with `count` items, the next as many are made. Work that
    lets go of the interpreter lock, as PyTorch, OpenVINO and the writing of files do, then goes on
    side by side.

    Args:
        items: What is made; what it raises is raised at its place.
        count: How many items are made at a time.
    """
    source = iter(items)
    with ThreadPoolExecutor(max_workers=1) as thread:
        coming = thread.submit(lambda: list(islice(source, count)))
        while made := coming.result():
            coming = thread.submit(lambda: list(islice(source, count)))
            yield from made
