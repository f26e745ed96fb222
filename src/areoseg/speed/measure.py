"""Timing a way to run a network, in a process of its own."""

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import torch

from areoseg.speed.ways import Forward

SIDE = 2048
"""Of the matrix product."""

FEWEST_CALLS = 5
MOST_CALLS = 1000


@dataclass(frozen=True)
class Timing:
    """Speed at one batch size.

    Attributes:
        batch: Images a call.
        images_per_second: Of the median call.
        median: Seconds of a call.
        p99: Seconds that 99 % of the calls keep below.
        calls: How many were timed.
    """

    batch: int
    images_per_second: float
    median: float
    p99: float
    calls: int


@dataclass(frozen=True)
class Measurement:
    """What was measured of one way.

    Attributes:
        name: The way.
        time_to_first_output: Seconds from the start of a Python process to its first answer.
        peak_mib: The most memory that the process held, in MiB.
        timings: One a batch size.
    """

    name: str
    time_to_first_output: float
    peak_mib: float
    timings: tuple[Timing, ...]


def measure(
    name: str,
    prepare: Callable[[], Forward],
    *,
    size: tuple[int, int],
    batches: Sequence[int] = (1, 8, 64),
    seconds: float = 2.0,
    threads: int | None = None,
) -> Measurement:
    """Time a way to run a network.

    Args:
        name: What to call it.
        prepare: Makes it ready; must be importable, since another process calls it.
        size: Height and width of the images, in pixels.
        batches: Images a call.
        seconds: How long to repeat a call; at least `FEWEST_CALLS` times.
        threads: Cores to compute on; None: all.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(
            _in_child, name, prepare, size, tuple(batches), seconds, threads, time.time()
        ).result()


def matrix_product_gflops(seconds: float = 1.0) -> float:
    """GFLOP/s of a float32 matrix product here and now, by the median call."""
    left, right = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    times = _times(lambda: left @ right, seconds)
    return 2 * SIDE**3 / statistics.median(times) / 1e9


def _in_child(
    name: str,
    prepare: Callable[[], Forward],
    size: tuple[int, int],
    batches: tuple[int, ...],
    seconds: float,
    threads: int | None,
    started: float,
) -> Measurement:
    if threads is not None:
        torch.set_num_threads(threads)
    with torch.inference_mode():
        forward = prepare()
        forward(torch.rand(1, 1, *size))
        time_to_first_output = time.time() - started
        timings = tuple(_timing(forward, batch, size, seconds) for batch in batches)
    return Measurement(name, time_to_first_output, _peak_mib(), timings)


def _timing(forward: Forward, batch: int, size: tuple[int, int], seconds: float) -> Timing:
    images = torch.rand(batch, 1, *size)
    times = _times(lambda: forward(images), seconds)
    median = statistics.median(times)
    p99 = sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]
    return Timing(batch, batch / median, median, p99, len(times))


def _times(work: Callable[[], object], seconds: float) -> list[float]:
    """Seconds of each call of `work`, after one that is not counted."""
    work()
    times: list[float] = []
    while len(times) < FEWEST_CALLS or (sum(times) < seconds and len(times) < MOST_CALLS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times


def _peak_mib() -> float:
    """The most memory that this process held; Linux counts KiB and macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
