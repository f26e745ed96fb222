"""Benchmark prediction of a run or an exported file with each backend."""

import multiprocessing
import resource
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.export.onnx_file import trace_to_onnx
from areoseg.export.openvino_file import quantize
from areoseg.inference.engines.exported import ExportedEngine
from areoseg.inference.engines.factory import open_engine
from areoseg.inference.engines.openvino import compile_openvino, to_openvino
from areoseg.models.inspect import model_cost
from areoseg.models.segmenter import ProbabilityGraph, Segmenter
from areoseg.runs.run import is_run, open_run
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.device import has_bfloat16, use_threads
from areoseg.utils.files import PathLike

Forward = Callable[[Tensor], object]
"""Maps images (N, 1, H, W) float32 in 0..1 to an output that contains their probabilities."""

DEFAULT_TILE = (64, 128)
"""Height and width of the images if the model does not record its training tiles."""

N_CALIBRATION = 8
"""Number of random images for calibrating the 8-bit backend: enough for speed, not for accuracy."""

MATRIX_SIDE = 2048

MIN_CALLS = 5
MAX_CALLS = 1000


@dataclass(frozen=True)
class Backend:
    """One way to run a network.

    Attributes:
        prepare: Prepares a network, given an example image (1, 1, H, W).
        missing: Returns why it cannot be used on this machine, or None.
    """

    prepare: Callable[[Segmenter, Tensor], Forward]
    missing: Callable[[], str | None] = lambda: None


@dataclass(frozen=True)
class Timing:
    """Speed at one batch size.

    Attributes:
        batch: Images per call.
        images_per_second: Throughput of the median call.
        median: Median duration of a call in seconds.
        p99: 99th percentile of the duration in seconds.
        calls: Number of timed calls.
    """

    batch: int
    images_per_second: float
    median: float
    p99: float
    calls: int


@dataclass(frozen=True)
class Measurement:
    """The measurements of one backend.

    Attributes:
        name: The backend, or the exported file.
        time_to_first_output: Seconds from the start of a Python process to its first output.
        peak_mib: Peak memory of the process in MiB.
        timings: One per batch size.
    """

    name: str
    time_to_first_output: float
    peak_mib: float
    timings: tuple[Timing, ...]


@dataclass(frozen=True)
class Benchmark:
    """The speed of a model.

    Attributes:
        model: The run folder or file.
        size: Height and width of the images in pixels.
        gigaflops: Floating-point operations per image, in 10^9; None for a file.
        product: GFLOP/s of a float32 matrix product, measured before each backend.
        measurements: One per backend that was measured.
        skipped: The other backends with the reasons for skipping them.
    """

    model: str
    size: tuple[int, int]
    gigaflops: float | None
    product: dict[str, float]
    measurements: tuple[Measurement, ...]
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return the measurements as JSON values."""
        return asdict(self)


def bench(
    model: PathLike,
    *,
    backends: Sequence[str] | None = None,
    batches: Sequence[int] = (1, 8, 64),
    size: tuple[int, int] | None = None,
    seconds: float = 2.0,
    threads: int | None = None,
    console: Console | None = None,
) -> Benchmark:
    """Benchmark a run with each backend, or an exported file, each in a separate process.

    Args:
        model: A run folder, the name of a bundled model, or an exported file.
        backends: For a run, names in `BACKENDS`; None: all.
        batches: Images per call.
        size: Height and width of the images; None: those of the training tiles.
        seconds: Minimum total time of the calls for each backend and batch size.
        threads: CPU threads; None: all cores.
        console: Console for progress; None: standard error.

    Raises:
        AreosegError: The model cannot be used, a backend does not exist, or a number is out of
            range.

    Examples:
        >>> areoseg.bench("flagship-256", backends=["OpenVINO"], batches=[1])  # doctest: +SKIP
    """
    if min(batches, default=0) < 1 or seconds <= 0 or (size is not None and min(size) < 1):
        raise AreosegError("bench: batches, size and seconds must be above 0")
    use_threads(threads)
    gigaflops: float | None = None
    skipped: dict[str, str] = {}
    prepare: dict[str, Callable[[], Forward]]
    if is_run(Path(model)):
        run = open_run(model)
        size = size or run.info.model.size
        gigaflops = 2 * model_cost(run.segmenter().network, 1, *size).macs / 1e9
        chosen = {name: _backend(name) for name in backends or BACKENDS}
        missing = {name: backend.missing() for name, backend in chosen.items()}
        skipped = {name: reason for name, reason in missing.items() if reason is not None}
        prepare = {
            name: partial(_prepare_run, str(model), name, size)
            for name in chosen
            if name not in skipped
        }
    else:
        engine = open_engine(model)  # raises before any measurement if the path is not a model
        assert isinstance(engine, ExportedEngine)
        size = size or engine.metadata.tile or DEFAULT_TILE
        prepare = {Path(model).name: partial(open_engine, str(model))}
    product: dict[str, float] = {}
    measurements = []
    with progress_bar(console or standard_error()) as progress:
        for name in progress.track(list(prepare), description="timing"):
            product[name] = matrix_product_gflops()
            try:
                measurements.append(
                    measure(
                        name,
                        prepare[name],
                        size=size,
                        batches=batches,
                        seconds=seconds,
                        threads=threads,
                    )
                )
            except Exception as error:  # a failing backend must not prevent the others
                skipped[name] = one_line(error)[:160]
    return Benchmark(str(model), size, gigaflops, product, tuple(measurements), skipped)


def measure(
    name: str,
    prepare: Callable[[], Forward],
    *,
    size: tuple[int, int],
    batches: Sequence[int] = (1, 8, 64),
    seconds: float = 2.0,
    threads: int | None = None,
) -> Measurement:
    """Measure one backend.

    Args:
        name: The name of the backend.
        prepare: Prepares a network; must be importable, since it is called in another process.
        size: Height and width of the images, in pixels.
        batches: Images per call.
        seconds: Minimum total time of the calls at each batch size; at least `MIN_CALLS` are made.
        threads: CPU threads; None: all cores.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        return executor.submit(
            _measure_here, name, prepare, size, tuple(batches), seconds, threads, time.time()
        ).result()


def matrix_product_gflops(seconds: float = 1.0) -> float:
    """Return the GFLOP/s of the median float32 matrix product on this machine."""
    left, right = (torch.rand(MATRIX_SIDE, MATRIX_SIDE) for _ in range(2))
    times = _times(lambda: left @ right, seconds)
    return 2 * MATRIX_SIDE**3 / statistics.median(times) / 1e9


def _measure_here(
    name: str,
    prepare: Callable[[], Forward],
    size: tuple[int, int],
    batches: tuple[int, ...],
    seconds: float,
    threads: int | None,
    started: float,
) -> Measurement:
    use_threads(threads)
    with torch.inference_mode():
        forward = prepare()
        forward(torch.rand(1, 1, *size))
        time_to_first_output = time.time() - started
        timings = tuple(_timing(forward, batch, size, seconds) for batch in batches)
    return Measurement(name, time_to_first_output, _peak_mib(), timings)


def _timing(forward: Forward, batch: int, size: tuple[int, int], seconds: float) -> Timing:
    images = torch.rand(batch, 1, *size)
    times = sorted(_times(lambda: forward(images), seconds))
    median = statistics.median(times)
    p99 = times[min(len(times) - 1, int(0.99 * len(times)))]
    return Timing(batch, batch / median, median, p99, len(times))


def _times(work: Callable[[], object], seconds: float) -> list[float]:
    """Return the duration of each call of `work` in seconds, after one warm-up call."""
    work()
    times: list[float] = []
    while len(times) < MIN_CALLS or (sum(times) < seconds and len(times) < MAX_CALLS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return times


def _peak_mib() -> float:
    """Return the peak memory of this process; Linux counts in KiB and macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _backend(name: str) -> Backend:
    if name not in BACKENDS:
        raise AreosegError(f"no backend {name!r}: {did_you_mean(name, BACKENDS)}")
    return BACKENDS[name]


def _prepare_run(run: str, backend: str, size: tuple[int, int]) -> Forward:
    return BACKENDS[backend].prepare(open_run(run).segmenter(), torch.rand(1, 1, *size))


def eager(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch in float32, channels first."""
    return ProbabilityGraph(segmenter.to(memory_format=torch.contiguous_format))  # type: ignore[call-overload]


def channels_last(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch in float32, channels last."""
    return ProbabilityGraph(segmenter.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


def bfloat16(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch in bfloat16, channels last: the default of `predict` where it is supported."""
    graph = channels_last(segmenter, example)

    def forward(images: Tensor) -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return graph(images)

    return forward


def compiled(segmenter: Segmenter, example: Tensor) -> Forward:
    """`torch.compile` in float32, channels last."""
    segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    forward: Forward = torch.compile(ProbabilityGraph(segmenter, pads=False), dynamic=False)
    return forward


def onnx_runtime(segmenter: Segmenter, example: Tensor) -> Forward:
    """ONNX Runtime in float32."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        trace_to_onnx(ProbabilityGraph(segmenter), example, path, outputs={"probabilities": (2, 3)})
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def openvino(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO in float32."""
    model = compile_openvino(to_openvino(ProbabilityGraph(segmenter), example))
    return lambda images: model(images.numpy())


def openvino_bfloat16(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO in bfloat16: used by `predict` in long jobs where it is supported."""
    graph = to_openvino(ProbabilityGraph(segmenter), example)
    model = compile_openvino(graph, precision="bfloat16")
    return lambda images: model(images.numpy())


def openvino_int8(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO with 8-bit convolutions."""
    rng = np.random.default_rng(0)
    images = [rng.random(example.shape, np.float32) for _ in range(N_CALIBRATION)]
    model = compile_openvino(quantize(to_openvino(ProbabilityGraph(segmenter), example), images))
    return lambda images: model(images.numpy())


def _needs(*packages: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        absent = [package for package in packages if find_spec(package) is None]
        return f"{absent[0]} is not installed" if absent else None

    return missing


def _no_compiler() -> str | None:
    found = any(shutil.which(compiler) for compiler in ("c++", "g++", "clang++"))
    return None if found else "no C++ compiler"


def _no_bfloat16() -> str | None:
    return None if has_bfloat16(torch.device("cpu")) else "this processor has no bfloat16"


BACKENDS = {
    "eager": Backend(eager),
    "channels_last": Backend(channels_last),
    "bfloat16": Backend(bfloat16, _no_bfloat16),
    "torch.compile": Backend(compiled, _no_compiler),
    "ONNX Runtime": Backend(onnx_runtime, _needs("onnx", "onnxruntime")),
    "OpenVINO": Backend(openvino, _needs("openvino")),
    "OpenVINO bfloat16": Backend(openvino_bfloat16, lambda: _no_bfloat16() or _needs("openvino")()),
    "OpenVINO INT8": Backend(openvino_int8, _needs("openvino", "nncf")),
}
"""The backends by name, simplest first."""
