"""Batches of images that are segmented one after another while clients ask for the progress."""

import logging
import secrets
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Literal

from areoseg.data.readers.files import LABEL_SUFFIXES, pixel_limit
from areoseg.errors import AreosegError
from areoseg.inference.folder import predict_to_folder
from areoseg.inference.inputs import Input
from areoseg.inference.listing import find_inputs, with_mission_masks
from areoseg.inference.settings import describe, keep_settings
from areoseg.serve.models import ServedModel
from areoseg.serve.segmenting import read_without_folder, without_folder

logger = logging.getLogger("areoseg.serve")

JobState = Literal["waiting", "running", "done", "failed"]

RESULT = "result.zip"

_COMPRESSED = (".png", ".tif", ".npz")
"""Suffixes of files that a zip file would not make smaller."""


class TooManyJobsError(AreosegError):
    """No further batch is accepted for now."""


class _CanceledError(Exception):
    """Raised in the thread of the jobs when a job is to stop."""


@dataclass
class Job:
    """A batch of images.

    Attributes:
        id: Its name in addresses, which cannot be guessed.
        folder: Its files: `images`, `outputs` and `result.zip`.
        model: The model.
        outputs: What is written for each image.
        names: Names of the uploaded files.
        state: Its state.
        total: Number of images.
        done: Number of images that were read; small ones are segmented several at a time.
        failed: Number of images that could not be segmented.
        ignored: Names of uploaded files that are neither images nor labels.
        error: Why it failed, or None.
        ended: Time at which it ended, in seconds of `time.monotonic`; None before.
        canceled: Whether it is to stop, and its files are to be removed.
    """

    folder: Path
    model: ServedModel
    outputs: tuple[str, ...]
    names: tuple[str, ...]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: JobState = "waiting"
    total: int = 0
    done: int = 0
    failed: int = 0
    ignored: tuple[str, ...] = ()
    error: str | None = None
    ended: float | None = None
    canceled: bool = False

    @property
    def result(self) -> Path:
        """The zip file with the outputs, which exists once the job is done."""
        return self.folder / RESULT

    def discard(self) -> None:
        """Remove its files."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Jobs:
    """The jobs of a service, which run in one thread in the order of their arrival.

    Args:
        limit: Maximum number of jobs that are kept.
        keep: Seconds after its end for which a job is kept.
        max_pixels: Maximum number of pixels of an image.
    """

    def __init__(self, *, limit: int, keep: float, max_pixels: int) -> None:
        self._limit = limit
        self._keep = keep
        self._max_pixels = max_pixels
        self._jobs: dict[str, Job] = {}
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="areoseg-jobs", daemon=True)
        self._thread.start()

    def check_place(self) -> None:
        """Check that one more job can be added.

        Raises:
            TooManyJobsError: There are too many.
        """
        if len(self._jobs) >= self._limit:
            raise TooManyJobsError(
                f"{len(self._jobs)} batches are kept already: delete one, or try again later"
            )

    def add(self, job: Job) -> None:
        """Queue a job whose images are in its folder.

        Raises:
            AreosegError: None of its files is an image, or there are too many jobs.
        """
        self.check_place()
        inputs = _inputs(job)
        job.total = len(inputs)
        used = {each.path.name for each in inputs}
        job.ignored = tuple(
            name
            for name in job.names
            if name not in used and not name.lower().endswith(LABEL_SUFFIXES)
        )
        self._jobs[job.id] = job
        self._queue.put(job)

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None if there is none of this name."""
        return self._jobs.get(job_id)

    def count(self, state: JobState) -> int:
        """Return the number of jobs in a state."""
        return sum(job.state == state for job in list(self._jobs.values()))

    def remove(self, job_id: str) -> None:
        """Stop a job after the current image, and remove it with its files."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        job.canceled = True
        if job.state != "running":  # else its own thread removes the files
            job.discard()

    def remove_old(self, now: float | None = None) -> None:
        """Remove the jobs that ended longer ago than they are kept."""
        now = time.monotonic() if now is None else now
        for job in list(self._jobs.values()):
            if job.ended is not None and now - job.ended > self._keep:
                self.remove(job.id)

    def close(self) -> None:
        """Stop the running job after its current image, and the thread."""
        for job in list(self._jobs.values()):
            job.canceled = True
        self._queue.put(None)
        self._thread.join()
        for job in list(self._jobs.values()):
            self.remove(job.id)

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            try:
                _check(job)
                job.state = "running"
                self._run(job)
                job.state = "done"
            except _CanceledError:
                job.discard()
                continue
            except AreosegError as error:
                job.state, job.error = "failed", str(error)
            except Exception:  # one job fails, the thread goes on
                logger.exception("a batch failed")
                job.state, job.error = "failed", "internal error: see the log of the service"
            job.ended = time.monotonic()
            if job.canceled:
                job.discard()

    def _run(self, job: Job) -> None:
        out = job.folder / "outputs"
        predictor = job.model.load()
        keep_settings(describe([job.model.path], {"outputs": list(job.outputs)}), out)
        inputs = _inputs(job)
        if predictor.background:
            inputs = with_mission_masks(inputs)
            job.total = len(inputs)
        with pixel_limit(self._max_pixels):
            done = predict_to_folder(
                predictor,
                [_without_folder(each) for each in inputs],
                out,
                outputs=job.outputs,
                appearance=predictor.appearance,
                track=_tracker(job),
            )
        job.failed = done.failed
        _zip(out, job.result, lambda: _check(job))


def _inputs(job: Job) -> list[Input]:
    with without_folder(job.folder):
        return find_inputs([job.folder / "images"])


def _without_folder(each: Input) -> Input:
    """Return an input whose outputs and messages do not name folders of the server."""
    return replace(
        each, path=Path("/", each.path.name), load=partial(read_without_folder, each.path)
    )


def _tracker(job: Job) -> Callable[[Sequence[Input]], Iterable[Input]]:
    """Return a function that counts the images of a job, and stops it if it is canceled."""

    def track(inputs: Sequence[Input]) -> Iterator[Input]:
        for index, each in enumerate(inputs):
            _check(job)
            job.done = index
            yield each
        job.done = len(inputs)

    return track


def _check(job: Job) -> None:
    if job.canceled:
        raise _CanceledError


def _zip(folder: Path, target: Path, check: Callable[[], None]) -> None:
    """Write the files of a folder to a zip file."""
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w") as archive:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            check()
            packed = path.suffix in _COMPRESSED
            archive.write(
                path,
                path.relative_to(folder),
                zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED,
            )
    part.replace(target)
    shutil.rmtree(folder, ignore_errors=True)
