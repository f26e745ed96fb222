"""Convert PyTorch networks to OpenVINO, compile them, and switch to OpenVINO in long jobs."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from areoseg.inference.engines import TorchEngine
from areoseg.models.segmenter import ProbabilityGraph
from areoseg.utils.device import Precision
from areoseg.utils.extras import need_openvino

PATIENCE = 2.0
"""Seconds of work in PyTorch after which a conversion (about 1 s) may pay off."""

MAX_DIFFERENCE = {"float32": 1e-3, "bfloat16": 1.0}
MAX_UNEQUAL = {"float32": 1e-3, "bfloat16": 1e-2}
"""Maximum difference between OpenVINO and PyTorch at the same precision: of a probability, and of
the share of pixels with another class. Different rounding to bfloat16 changes a few tenths of a
percent."""


@contextmanager
def quiet_tracing() -> Iterator[None]:
    """Silence the warnings of `torch.jit.trace` about size checks and its deprecation."""
    with warnings.catch_warnings():
        for category in (TracerWarning, DeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        yield


def to_openvino(graph: nn.Module, example: Tensor) -> Any:
    """Convert a module to an `openvino.Model` of any batch size, height and width.

    Args:
        graph: Module that takes (N, 1, H, W). It is traced, so its branches must not depend on
            sizes.
        example: Example images; their values do not matter.

    Raises:
        AreosegError: OpenVINO is not installed.
    """
    openvino = need_openvino()
    decoder = need_openvino("openvino.frontend.pytorch.ts_decoder")
    with torch.no_grad(), quiet_tracing():
        # A second trace for comparison would double the time; the outputs are compared anyway.
        traced = decoder.TorchScriptPythonDecoder(
            graph, example_input=example, trace_kwargs={"check_trace": False}
        )
        return openvino.convert_model(traced, input=[-1, 1, -1, -1])


def compile_openvino(model: Any, *, precision: Precision = "float32") -> Any:
    """Compile a model for this CPU, with as many threads as PyTorch uses.

    Args:
        model: An `openvino.Model`.
        precision: Precision of the layers that are not quantized. It is always set, since OpenVINO
            would otherwise use bfloat16 on every processor that supports it.
    """
    options = {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    return need_openvino().Core().compile_model(model, "CPU", options)


def has_openvino() -> bool:
    """Return whether OpenVINO is installed, without the slow import."""
    return find_spec("openvino") is not None


class AcceleratedEngine:
    """Run a network with PyTorch, and in longer jobs with OpenVINO; see `Engine`.

    The switch is tried once, at the same precision. It is made if OpenVINO gives the same output
    for the current batch in less time.

    Args:
        engine: The network in PyTorch, on the CPU.
        patience: Seconds of work in PyTorch before the switch is tried.

    Attributes:
        accelerated: Whether OpenVINO is in use.
    """

    def __init__(self, engine: TorchEngine, *, patience: float = PATIENCE) -> None:
        self.taxonomy = engine.taxonomy
        self.size_divisor = engine.size_divisor
        self.scale = engine.scale
        self.background_threshold = engine.background_threshold
        self.predicts_background = engine.predicts_background
        self.accelerated = False
        self._torch_engine = engine
        self._run: Callable[[Tensor], Tensor] = engine
        self._patience = patience

    def __call__(self, images: Tensor) -> Tensor:
        """See `Engine`."""
        if self._patience <= 0:
            return self._run(images)
        seconds, probabilities = _timed(self._run, images)
        self._patience -= seconds
        if self._patience <= 0:
            self._try_openvino(images, probabilities, seconds)
        return probabilities

    def _try_openvino(self, images: Tensor, expected: Tensor, seconds: float) -> None:
        """Switch to OpenVINO if it gives the expected output in fewer seconds."""
        try:
            candidate = _openvino(self._torch_engine, images)
            candidate(images)  # the first call includes preparation for the size
            candidate_seconds, output = _timed(candidate, images)
            agrees = _agree(expected, output, self._torch_engine.precision)
        except Exception:  # an optional speedup must not abort a job
            return
        if agrees and candidate_seconds < seconds:
            self._run, self.accelerated = candidate, True


def _openvino(engine: TorchEngine, images: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the network of an engine as a function that runs in OpenVINO."""
    graph = ProbabilityGraph(engine.segmenter).eval()
    compiled = compile_openvino(to_openvino(graph, images[:1]), precision=engine.precision)

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(compiled(images.numpy())[0])

    return run


def _timed(run: Callable[[Tensor], Tensor], images: Tensor) -> tuple[float, Tensor]:
    start = time.perf_counter()
    probabilities = run(images)
    return time.perf_counter() - start, probabilities


def _agree(expected: Tensor, output: Tensor, precision: str) -> bool:
    difference = float((expected - output).abs().max())
    unequal = float((expected.argmax(1) != output.argmax(1)).float().mean())
    return difference <= MAX_DIFFERENCE[precision] and unequal <= MAX_UNEQUAL[precision]
