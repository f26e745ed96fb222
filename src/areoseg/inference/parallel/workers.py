"""Processes of this machine that predict blocks."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait as wait_for_process

from areoseg.errors import AreosegError, plural
from areoseg.inference.inputs import Input
from areoseg.inference.parallel.job import BlockResult, Job
from areoseg.inference.predictor import Predictor

_AHEAD = 2
"""Blocks in the queue per process, so that none waits for the next one."""

_ATTEMPTS = 3
"""Times that dead processes are replaced without any block being finished in between."""

Blocks = dict[int, Sequence[Input]]
"""The images of the blocks to predict, by number."""


def predict_with_workers(
    job: Job, blocks: Blocks, workers: int, *, resume: bool = False
) -> Iterator[BlockResult]:
    """Predict blocks in several processes; yield each when it is finished, in any order.

    If a process dies, for example because the memory is full, all are replaced and the unfinished
    blocks are predicted again.

    Args:
        job: What to predict.
        blocks: The blocks.
        workers: Number of processes.
        resume: See `Job.predict_block`.

    Raises:
        AreosegError: A file cannot be written, or the processes die again and again.
    """
    todo = dict(blocks)
    attempts = 0
    while todo:
        try:
            for result in _predict_in_pool(job, todo, workers, resume=resume):
                del todo[result.number]
                attempts = 0
                yield result
        except BrokenProcessPool:
            attempts += 1
            if attempts == _ATTEMPTS:
                raise AreosegError(
                    f"{job.out}: the worker processes died {_ATTEMPTS} times in a row, with"
                    f" {plural(len(todo), 'block')} to do: they may need more memory; give fewer"
                    " --workers and --resume"
                ) from None


def _predict_in_pool(
    job: Job, blocks: Blocks, workers: int, *, resume: bool
) -> Iterator[BlockResult]:
    # Forked processes would share locks with the threads of PyTorch.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(job,))
    waiting = iter(list(blocks.items()))
    running: set[Future[BlockResult]] = set()
    try:
        while True:
            for number, inputs in islice(waiting, _AHEAD * workers - len(running)):
                running.add(pool.submit(_predict_block, number, inputs, resume))
            if not running:
                return
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()
    finally:
        _stop(pool)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the processes at once; a block that is not finished leaves no record."""
    processes = list((pool._processes or {}).values())
    for process in processes:
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


class _Worker:
    """The state of a worker process: its job, and the predictor when it is first needed."""

    job: Job
    predictor: Predictor | None = None


def _start(job: Job) -> None:
    """Prepare a worker process."""
    _Worker.job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # after Ctrl-C, the parent ends the workers
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has died, for which it would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait_for_process([parent.sentinel])
    os._exit(1)


def _predict_block(number: int, inputs: Sequence[Input], resume: bool) -> BlockResult:
    if _Worker.predictor is None:
        _Worker.predictor = _Worker.job.load()
    return _Worker.job.predict_block(_Worker.predictor, number, inputs, resume=resume)
