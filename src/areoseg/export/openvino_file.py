"""Write OpenVINO files: an `.xml` with the graph and a `.bin` with the weights."""

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.export.onnx_file import example_images
from areoseg.inference.engines.exported import METADATA_KEY, ExportMetadata
from areoseg.inference.engines.openvino import to_openvino
from areoseg.models.segmenter import ExportGraph, Segmenter
from areoseg.utils.extras import need_openvino


def write_openvino(
    segmenter: Segmenter,
    metadata: ExportMetadata,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]] = (),
) -> None:
    """Write a segmenter as float32 OpenVINO files of any batch size, height and width.

    Args:
        segmenter: In evaluation mode.
        metadata: Stored in the file.
        path: The `.xml` file; the `.bin` is written beside it.
        calibration: Not used.

    Raises:
        AreosegError: OpenVINO is not installed.
    """
    _save(_convert(segmenter, metadata), metadata, path)


def write_openvino_int8(
    segmenter: Segmenter,
    metadata: ExportMetadata,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    """Write a segmenter as OpenVINO files with 8-bit convolutions.

    Args:
        segmenter: In evaluation mode.
        metadata: Stored in the file.
        path: The `.xml` file; the `.bin` is written beside it.
        calibration: Training images (H, W), which determine the range of each feature.

    Raises:
        AreosegError: OpenVINO or NNCF is not installed.
    """
    need_openvino("nncf")  # check before the conversion
    model = _convert(segmenter, metadata)
    _save(quantize(model, [image[None, None] for image in calibration]), metadata, path)


def quantize(model: Any, images: Sequence[NDArray[Any]]) -> Any:
    """Quantize the convolutions of an `openvino.Model` to 8 bits, except the first and the last.

    The convolution that reads the image and those that compute the logits stay in float32. They
    take little of the time, but errors in the image reach every feature and errors in the logits
    every pixel.

    Args:
        model: The model in float32; its last output are the probabilities (N, C, H, W).
        images: Calibration images, each (1, 1, H, W) with the input dtype of the model.

    Raises:
        AreosegError: NNCF is not installed.
    """
    nncf = need_openvino("nncf")
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):  # NNCF draws progress bars
        return nncf.quantize(
            model,
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,  # GELU and SiLU can be negative
            subset_size=len(images),
            ignored_scope=nncf.IgnoredScope(names=_float_convolutions(model)),
        )


def _float_convolutions(model: Any) -> list[str]:
    """Return the names of the first convolution and of those that compute logits.

    Those have a channel for each class, or a single one, such as a background gate.
    """
    classes = model.outputs[-1].partial_shape[1].get_length()
    convolutions = [
        node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"
    ]
    return [
        node.get_friendly_name()
        for index, node in enumerate(convolutions)
        if index == 0 or node.input_value(1).shape[0] in (1, classes)
    ]


def _convert(segmenter: Segmenter, metadata: ExportMetadata) -> Any:
    model = to_openvino(ExportGraph(segmenter).eval(), example_images(metadata.size_divisor))
    model.inputs[0].set_names({"images"})
    for output, name in zip(model.outputs, ("mask", "probabilities"), strict=True):
        output.set_names({name})
    return model


def _save(model: Any, metadata: ExportMetadata, path: Path) -> None:
    model.set_rt_info(metadata.to_json(), [METADATA_KEY])
    need_openvino().save_model(model, path, compress_to_fp16=False)
