"""PyTorch networks in OpenVINO: converting and compiling."""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.jit._trace import TracerWarning

from areoseg.utils.device import Precision
from areoseg.utils.extras import need_openvino


def to_openvino(graph: nn.Module, example: Tensor) -> Any:
    """Convert a module to an `openvino.Model` of any batch, height and width.

    Args:
        graph: Takes (N, 1, H, W); its branches must not depend on sizes, since it is traced.
        example: Such an image, whose numbers mean nothing.

    Raises:
        AreosegError: OpenVINO is not installed.
    """
    openvino = need_openvino()
    decoder = need_openvino("openvino.frontend.pytorch.ts_decoder")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)  # of checks on sizes
        warnings.simplefilter("ignore", DeprecationWarning)
        # Tracing twice, to compare, would take as long again; answers are compared in any case.
        traced = decoder.TorchScriptPythonDecoder(
            graph, example_input=example, trace_kwargs={"check_trace": False}
        )
        return openvino.convert_model(traced, input=[-1, 1, -1, -1])


def compile_openvino(model: Any, *, precision: Precision = "float32") -> Any:
    """Compile a model for this processor, on as many threads as PyTorch uses.

    Args:
        model: An `openvino.Model`.
        precision: Arithmetic of what was not quantized to 8 bits. Said outright, since OpenVINO
            would otherwise take bfloat16 wherever the processor has it.
    """
    return (
        need_openvino()
        .Core()
        .compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[precision],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
    )
