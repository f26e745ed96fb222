"""ONNX files with weights in float16, half as large, for programs that download the model."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.export.onnx_file import example_images, trace_to_onnx
from areoseg.inference.engines.exported import Answer
from areoseg.models.segmenter import ProbabilityGraph, Segmenter
from areoseg.utils.extras import need
from areoseg.utils.images import Mask

SMALLEST = 64
"""Number of values below which a constant stays in float32."""


def write_float16_onnx(segmenter: Segmenter, path: Path) -> None:
    """Write a segmenter as an ONNX file of any batch size, height and width.

    Unlike the files of `areoseg.export`, it maps images (N, 1, H, W) float32 in 0..1 to
    probabilities (N, C, H, W) float32, because rounding a reduced image to 8 bits would change
    classes. It computes in float32, and only stores the weights in float16.

    Args:
        segmenter: The network in evaluation mode, on the CPU.
        path: The file.

    Raises:
        AreosegError: ONNX is not installed.
    """
    onnx = need("onnx", extra="export")
    graph = ProbabilityGraph(segmenter).eval()
    example = example_images(graph.size_divisor).to(torch.float32) / 255
    trace_to_onnx(graph, example, path, outputs={"probabilities": (2, 3)})
    model = onnx.load(str(path))
    casts = []
    for constant in list(model.graph.initializer):
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < SMALLEST:
            continue
        half = onnx.numpy_helper.from_array(values.astype(np.float16), f"{constant.name}_float16")
        casts.append(
            onnx.helper.make_node("Cast", [half.name], [constant.name], to=onnx.TensorProto.FLOAT)
        )
        model.graph.initializer.remove(constant)
        model.graph.initializer.append(half)
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)
    model.producer_name, model.graph.name = "areoseg", "areoseg"
    onnx.save(model, str(path))


def float16_answer(path: Path, segmenter: Segmenter) -> Answer:
    """Return a file of `write_float16_onnx` as a function of 8-bit images, for a comparison.

    Args:
        path: The file.
        segmenter: The network it was written from; it chooses the classes.

    Raises:
        AreosegError: ONNX Runtime is not installed.
    """
    onnxruntime = need("onnxruntime", extra="export")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        levels = images.astype(np.float32) / np.float32(255)
        (probabilities,) = session.run(["probabilities"], {"images": levels})
        classes = segmenter.choose_class(torch.from_numpy(probabilities))
        return classes.to(torch.uint8).numpy(), probabilities

    return run
