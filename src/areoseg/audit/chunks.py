"""Work on many samples, a chunk at a time: over several threads, with progress, and kept.

What is computed for a chunk is kept in a folder under a name made of the chunk's own pixels, so
that an audit that was interrupted goes on where it was, and never takes the results of other data.
"""

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
from areoseg.data.samples import SegmentationDataset
from areoseg.utils.files import replacing

SIZE = 256
"""Samples in a chunk."""

Arrays = dict[str, NDArray[Any]]
"""What is computed for some samples: arrays by name, each with one row a sample."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Chunks:
    """How work on chunks of samples is done.

    Attributes:
        jobs: Threads; numpy and scipy let others run while they compute.
        keep: A folder for finished chunks, or None to keep none.
        progress: Called with what is done, how much of it is finished, and all of it.
    """

    jobs: int = 1
    keep: Path | None = None
    progress: Callable[[str, int, int], None] | None = None

    def each(
        self,
        what: str,
        compute: Callable[[SegmentationDataset], Arrays],
        samples: SegmentationDataset,
    ) -> Arrays:
        """Compute arrays for all samples, chunk by chunk, and put them together.

        Args:
            what: Names the work, in the progress and in the folder.
            compute: Gives the arrays of a chunk; a function of its samples alone.
            samples: One sample or more.

        Returns:
            Arrays of one row a sample, in their order.
        """
        starts = range(0, len(samples), SIZE)
        chunks = [range(start, min(start + SIZE, len(samples))) for start in starts]
        # Samples are copied out of the set only when their turn comes.
        parts = self.map(what, lambda c: self._kept(what, compute, samples.select(c)), chunks)
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}

    def map(
        self, what: str, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> list[Result]:
        """The function of each item, in order; nothing of it is kept in the folder."""
        results: list[Result] = []
        with ThreadPoolExecutor(max(1, self.jobs)) as pool:
            try:
                for result in pool.map(function, items):
                    results.append(result)
                    if self.progress is not None:
                        self.progress(what, len(results), len(items))
            except BaseException:  # Ctrl-C too: what has begun is finished and kept
                pool.shutdown(cancel_futures=True)
                raise
        return results

    def forget(self) -> None:
        """Remove what was kept."""
        if self.keep is not None:
            shutil.rmtree(self.keep, ignore_errors=True)

    def _kept(
        self,
        what: str,
        compute: Callable[[SegmentationDataset], Arrays],
        chunk: SegmentationDataset,
    ) -> Arrays:
        """The arrays of one chunk, from the folder where they are there."""
        if self.keep is None:
            return compute(chunk)
        path = self.keep / f"{what.replace(' ', '-')}-{_fingerprint(chunk)}.npz"
        kept = _read(path)
        if kept is None:
            kept = compute(chunk)
            with replacing(path) as beside, beside.open("wb") as file:
                np.savez(file, **kept)  # type: ignore[arg-type]  # names meet its flag
        return kept


def _read(path: Path) -> Arrays | None:
    """Kept arrays, or None where there are none or the file is damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _fingerprint(samples: SegmentationDataset) -> str:
    """A hash of the pixels of images and masks, and of the version that reads them."""
    digest = hashlib.blake2b(__version__.encode(), digest_size=16)
    for index in range(len(samples)):
        sample = samples[index]
        for array in (sample.image, sample.mask):
            if array is not None:
                digest.update(f"{array.shape} {array.dtype.str}".encode())
                digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
