"""Write ONNX files."""

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from areoseg.inference.engines.exported import METADATA_KEY, ExportMetadata
from areoseg.inference.engines.openvino import quiet_tracing
from areoseg.models.segmenter import ExportGraph, Segmenter
from areoseg.utils.extras import need

OPSET = 18  # newest opset that PyTorch's tracing exporter writes without conversion


def write_onnx(
    segmenter: Segmenter,
    metadata: ExportMetadata,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]] = (),
) -> None:
    """Write a segmenter as an ONNX file of any batch size, height and width.

    PyTorch's tracing exporter is used. The newer one, based on torch.export, is 10 to 50 times
    slower, and its graphs only accept sizes that are multiples of the size divisor.

    Args:
        segmenter: The network in evaluation mode.
        metadata: Stored in the file.
        path: The file.
        calibration: Not used.

    Raises:
        AreosegError: ONNX, or ONNX Runtime, which checks the file, is not installed.
    """
    onnx = need("onnx", extra="export")
    need("onnxruntime", extra="export")
    trace_to_onnx(
        ExportGraph(segmenter).eval(),
        example_images(metadata.size_divisor),
        path,
        outputs={"mask": (1, 2), "probabilities": (2, 3)},
    )
    names = metadata.taxonomy.names
    model = onnx.load(str(path))
    model.producer_name, model.producer_version = "areoseg", metadata.areoseg
    model.model_version = 1
    model.graph.name = "areoseg"
    model.doc_string = (
        "Mars terrain segmentation. images: gray, (N, 1, H, W) uint8. mask: class indices, (N, H,"
        f" W) uint8. probabilities: (N, {len(names)}, H, W) float32. Classes: {', '.join(names)}."
    )
    properties = {METADATA_KEY: metadata.to_json(), "names": json.dumps(dict(enumerate(names)))}
    onnx.helper.set_model_props(model, properties)
    onnx.save(model, str(path))


def trace_to_onnx(
    graph: nn.Module, example: Tensor, path: Path, *, outputs: Mapping[str, tuple[int, int]]
) -> None:
    """Write a module as an ONNX file of any batch size, height and width.

    Args:
        graph: Module that takes images (N, 1, H, W).
        example: Example images; their values do not matter.
        path: The file.
        outputs: Output names with the axes of their height and width.
    """
    axes = {
        name: {0: "batch", height: "height", width: "width"}
        for name, (height, width) in {"images": (2, 3), **outputs}.items()
    }
    with torch.no_grad(), quiet_tracing():
        # Instance norm warns about its training mode.
        warnings.filterwarnings("ignore", category=UserWarning)
        torch.onnx.export(
            graph,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=list(outputs),
            dynamic_axes=axes,
        )


def example_images(size_divisor: int) -> Tensor:
    """Return images (2, 1, 4 * size_divisor, 6 * size_divisor) uint8 for tracing a network.

    Batch size, height and width differ, so that exporters can distinguish them.
    """
    height, width = 4 * size_divisor, 6 * size_divisor
    values = torch.arange(2 * height * width).remainder(256)
    return values.to(torch.uint8).view(2, 1, height, width)
