"""A network that goes over to OpenVINO when a job turns out to be long."""

import time
from collections.abc import Callable
from importlib.util import find_spec

import torch
from torch import Tensor

from areoseg.inference.engine import TorchEngine
from areoseg.inference.openvino_runtime import compile_openvino
from areoseg.inference.openvino_runtime import to_openvino
from areoseg.models.segmenter import ProbabilityGraph

PATIENCE = 2.0
"""Seconds of PyTorch's work after which converting, which takes about one, may pay off."""

LARGEST_DIFFERENCE = {"float32": 1e-3, "bfloat16": 1.0}
MOST_UNEQUAL = {"float32": 1e-3, "bfloat16": 1e-2}
"""How far OpenVINO may be from PyTorch at the same precision: in a probability, and in the share of
pixels of another class. Two ways of rounding to bfloat16 differ in some tenths of a percent."""


def openvino_is_there() -> bool:
    """Whether OpenVINO is installed; it is not imported, which takes its time."""
    return find_spec("openvino") is not None


class AcceleratedEngine:
    """Runs a network with PyTorch, and after a while with OpenVINO; see `Engine`.

    The change is made once, at the same precision, if OpenVINO then answers the batch at hand as
    PyTorch did and in less time.

    Args:
        engine: The network in PyTorch, on the CPU.
        patience: Seconds of PyTorch's work before the change.

    Attributes:
        accelerated: Whether the change was made.
    """

    def __init__(self, engine: TorchEngine, *, patience: float = PATIENCE) -> None:
        self.taxonomy = engine.taxonomy
        self.size_divisor = engine.size_divisor
        self.scale = engine.scale
        self.accelerated = False
        self._torch_engine = engine
        self._run: Callable[[Tensor], Tensor] = engine
        self._patience = patience

    def __call__(self, images: Tensor) -> Tensor:
        """As for `Engine`."""
        if self._patience <= 0:
            return self._run(images)
        seconds, probabilities = _timed(self._run, images)
        self._patience -= seconds
        if self._patience <= 0:
            self._try_openvino(images, probabilities, seconds)
        return probabilities

    def _try_openvino(self, images: Tensor, probabilities: Tensor, seconds: float) -> None:
        """Go over to OpenVINO if it answers what PyTorch answered in these seconds, and sooner."""
        try:
            candidate = _openvino(self._torch_engine, images)
            candidate(images)  # the first call prepares for the size
            candidate_seconds, answer = _timed(candidate, images)
            agrees = _agree(probabilities, answer, self._torch_engine.precision)
        except Exception:  # whatever ails OpenVINO here: what is only faster must not end a job
            return
        if agrees and candidate_seconds < seconds:
            self._run, self.accelerated = candidate, True


def _openvino(engine: TorchEngine, images: Tensor) -> Callable[[Tensor], Tensor]:
    """The engine's network in OpenVINO."""
    graph = ProbabilityGraph(engine.segmenter).eval()
    compiled = compile_openvino(to_openvino(graph, images[:1]), precision=engine.precision)

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(compiled(images.numpy())[0])

    return run


def _timed(run: Callable[[Tensor], Tensor], images: Tensor) -> tuple[float, Tensor]:
    started = time.perf_counter()
    probabilities = run(images)
    return time.perf_counter() - started, probabilities


def _agree(expected: Tensor, found: Tensor, precision: str) -> bool:
    difference = float((expected - found).abs().max())
    unequal = float((expected.argmax(1) != found.argmax(1)).float().mean())
    return difference <= LARGEST_DIFFERENCE[precision] and unequal <= MOST_UNEQUAL[precision]
