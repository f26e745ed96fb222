"""Computing arrays for many samples: in chunks, in threads, and kept on disk until the end."""

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from areoseg import __version__
from areoseg.utils.files import replacing

CHUNK_SIZE = 256
"""Samples per chunk."""

Arrays = dict[str, NDArray[Any]]
"""Arrays by name; usually with one row per sample."""

Rows = Sequence[NDArray[Any]] | NDArray[Any]
"""One array per sample."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a task, how many of its steps are done, and how many there are."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cache:
    """Computes arrays in chunks of samples, and keeps them so that an audit can be interrupted.

    The files are named by a hash of the pixels of the chunk, so those of other data are never used.

    Attributes:
        jobs: Number of threads; numpy and scipy release the interpreter lock.
        folder: Folder for the results of chunks, or None to keep none.
        progress: Called after every chunk.
    """

    jobs: int = 1
    folder: Path | None = None
    progress: Progress | None = None

    def compute(
        self,
        task: str,
        function: Callable[..., Arrays],
        *values: Rows,
    ) -> Arrays:
        """Compute arrays chunk by chunk and concatenate them.

        Args:
            task: Name of the task, for progress and file names.
            function: Takes a chunk of each of `values`; must depend on nothing else.
            values: Images, masks or both, of one sample or more.

        Returns:
            The arrays of all chunks, concatenated along their first axis.
        """
        starts = range(0, len(values[0]), CHUNK_SIZE)
        chunks = [[each[start : start + CHUNK_SIZE] for each in values] for start in starts]
        results = self.map(task, lambda chunk: self._load_or_compute(task, function, chunk), chunks)
        return {key: np.concatenate([arrays[key] for arrays in results]) for key in results[0]}

    def map(
        self, task: str, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> list[Result]:
        """Apply the function to each item, in threads; nothing is kept on disk."""
        results: list[Result] = []
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            try:
                for result in pool.map(function, items):
                    results.append(result)
                    if self.progress is not None:
                        self.progress(task, len(results), len(items))
            except BaseException:  # Ctrl-C too: chunks in progress are finished and kept
                pool.shutdown(cancel_futures=True)
                raise
        return results

    def clear(self) -> None:
        """Remove the folder."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _load_or_compute(
        self, task: str, function: Callable[..., Arrays], chunk: Sequence[Rows]
    ) -> Arrays:
        if self.folder is None:
            return function(*chunk)
        path = self.folder / f"{task.replace(' ', '-')}-{_digest(chunk)}.npz"
        arrays = _load(path)
        if arrays is None:
            arrays = function(*chunk)
            with replacing(path) as beside, beside.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # array names meet its flag
        return arrays


def _load(path: Path) -> Arrays | None:
    """Return the arrays of a file, or None if it is absent or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _digest(chunk: Sequence[Rows]) -> str:
    """Return a hash of all pixels and of the version that computes from them."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    for arrays in chunk:
        for array in arrays:
            digest.update(f"{array.shape} {array.dtype.str}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
