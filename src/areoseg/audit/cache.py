"""Computes arrays for many samples in chunks and threads, and stores them until the audit ends."""

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from areoseg import __version__
from areoseg.utils.files import replacing

CHUNK_SIZE = 256
"""Samples per chunk."""

Arrays = dict[str, NDArray[Any]]
"""Arrays by name, usually with one row per sample."""

Rows = Sequence[NDArray[Any]] | NDArray[Any]
"""One array per sample."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a task, the number of completed steps, and the total number."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cache:
    """Computes arrays in chunks of samples, and stores them so that an audit can be resumed.

    Each file name contains a hash of the chunk's pixels, so files of other data are never used.

    Attributes:
        jobs: Number of threads; numpy and scipy release the interpreter lock.
        folder: Folder for the results of chunks, or None to store nothing.
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
            function: Takes a chunk of each of `values`, and must not depend on anything else.
            values: Images, masks or both, of at least one sample.

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
        """Apply the function to each item, in threads; nothing is stored on disk."""
        results: list[Result] = []
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            try:
                for result in pool.map(function, items):
                    results.append(result)
                    if self.progress is not None:
                        self.progress(task, len(results), len(items))
            except BaseException:  # also Ctrl-C: chunks in progress are finished and stored
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
                np.savez(file, **arrays)  # type: ignore[arg-type]  # names could clash with its flag
        return arrays


def _load(path: Path) -> Arrays | None:
    """Return the arrays of a file, or None if it is absent or damaged."""
    try:
        # NumPy would leave a damaged file open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
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
