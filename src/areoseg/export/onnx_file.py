"""Writing ONNX files."""

import warnings
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch import nn
from torch.jit._trace import TracerWarning

from areoseg.export.example import example_images
from areoseg.inference.description import KEY
from areoseg.inference.description import Description
from areoseg.models.segmenter import ExportGraph
from areoseg.models.segmenter import Segmenter
from areoseg.utils.extras import need

OPSET = 18  # the newest that PyTorch's tracing exporter writes without converting


def write_onnx(
    segmenter: Segmenter,
    description: Description,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    """Write a segmenter as an ONNX file of any batch, height and width.

    PyTorch's tracing exporter writes it. The newer one, by torch.export, takes ten to fifty times
    as long, and the graphs that it can follow are bound to multiples of the size_divisor.

    Args:
        segmenter: In evaluation mode.
        description: What the file says of itself.
        path: The file.
        calibration: Not used.

    Raises:
        AreosegError: ONNX or ONNX Runtime, which has to check the file, is not installed.
    """
    onnx = need("onnx", extra="export")
    need("onnxruntime", extra="export")
    trace_to_onnx(
        ExportGraph(segmenter).eval(),
        example_images(description.size_divisor),
        path,
        outputs={"mask": (1, 2), "probabilities": (2, 3)},
    )
    model = onnx.load(str(path))
    model.producer_name, model.producer_version = "areoseg", description.areoseg
    onnx.helper.set_model_props(model, {KEY: description.to_json()})
    onnx.save(model, str(path))


def trace_to_onnx(
    graph: nn.Module, example: Tensor, path: Path, *, outputs: Mapping[str, tuple[int, int]]
) -> None:
    """Write a module as an ONNX file of any batch, height and width.

    Args:
        graph: Takes images (N, 1, H, W).
        example: Such images, whose numbers mean nothing.
        path: The file.
        outputs: The outputs by name, with the axes of their height and width.
    """
    axes = {
        name: {0: "batch", height: "height", width: "width"}
        for name, (height, width) in {"images": (2, 3), **outputs}.items()
    }
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)  # of checks on sizes
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # of instance norm, which has no other mode
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
