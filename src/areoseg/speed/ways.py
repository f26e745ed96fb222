"""The backends to run a network."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor

from areoseg.models.segmenter import ProbabilityGraph
from areoseg.models.segmenter import Segmenter
from areoseg.utils.device import has_bfloat16

Forward = Callable[[Tensor], object]
"""Maps images (N, 1, H, W) float32 in 0..1 to anything that holds their probabilities."""

CALIBRATING = 8
"""Random images on which 8 bits are calibrated: enough for speed, not for answers."""


@dataclass(frozen=True)
class Backend:
    """A way to run a network.

    Attributes:
        name: What a table calls it.
        prepare: Makes a network ready, given an example image (1, 1, H, W).
        missing: What it lacks here, or None.
    """

    name: str
    prepare: Callable[[Segmenter, Tensor], Forward]
    missing: Callable[[], str | None] = lambda: None


def eager(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch as it comes: float32, channels first."""
    return ProbabilityGraph(segmenter.to(memory_format=torch.contiguous_format))  # type: ignore[call-overload]


def channels_last(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch in float32 with the channels of a pixel side by side."""
    return ProbabilityGraph(segmenter.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


def bfloat16(segmenter: Segmenter, example: Tensor) -> Forward:
    """PyTorch in bfloat16, channels last: how `predict` begins where the processor can."""
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

    from areoseg.export.onnx_file import trace_to_onnx

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        trace_to_onnx(ProbabilityGraph(segmenter), example, path, outputs={"probabilities": (2, 3)})
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def openvino(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO in float32."""
    from areoseg.inference.openvino_runtime import compile_openvino
    from areoseg.inference.openvino_runtime import to_openvino

    model = compile_openvino(to_openvino(ProbabilityGraph(segmenter), example))
    return lambda images: model(images.numpy())


def openvino_bfloat16(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO in bfloat16: how `predict` goes on where the processor can."""
    from areoseg.inference.openvino_runtime import compile_openvino
    from areoseg.inference.openvino_runtime import to_openvino

    graph = to_openvino(ProbabilityGraph(segmenter), example)
    model = compile_openvino(graph, precision="bfloat16")
    return lambda images: model(images.numpy())


def openvino_int8(segmenter: Segmenter, example: Tensor) -> Forward:
    """OpenVINO with convolutions in 8 bits."""
    from areoseg.export.openvino_file import quantize
    from areoseg.inference.openvino_runtime import compile_openvino
    from areoseg.inference.openvino_runtime import to_openvino

    random = np.random.default_rng(0)
    images = [random.random(example.shape, np.float32) for _ in range(CALIBRATING)]
    model = compile_openvino(quantize(to_openvino(ProbabilityGraph(segmenter), example), images))
    return lambda images: model(images.numpy())


def _lacks(*packages: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        absent = [package for package in packages if find_spec(package) is None]
        return f"{absent[0]} is not installed" if absent else None

    return missing


def _no_compiler() -> str | None:
    if shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"):
        return None
    return "no C++ compiler"


def _no_bfloat16() -> str | None:
    return None if has_bfloat16(torch.device("cpu")) else "this processor has no bfloat16"


def _lacks_either() -> str | None:
    return _no_bfloat16() or _lacks("openvino")()


_TABLE = (
    Backend("eager", eager),
    Backend("channels_last", channels_last),
    Backend("bfloat16", bfloat16, _no_bfloat16),
    Backend("torch.compile", compiled, _no_compiler),
    Backend("ONNX Runtime", onnx_runtime, _lacks("onnx", "onnxruntime")),
    Backend("OpenVINO", openvino, _lacks("openvino")),
    Backend("OpenVINO bfloat16", openvino_bfloat16, _lacks_either),
    Backend("OpenVINO INT8", openvino_int8, _lacks("openvino", "nncf")),
)

BACKENDS = {way.name: way for way in _TABLE}
"""The backends by name, from the plainest on."""
