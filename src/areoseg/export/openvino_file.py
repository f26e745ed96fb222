"""Writing OpenVINO files: a `.xml` with the graph and a `.bin` with the weights."""

import contextlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.export.example import example_images
from areoseg.inference.description import KEY
from areoseg.inference.description import Description
from areoseg.inference.openvino_runtime import to_openvino
from areoseg.models.segmenter import ExportGraph
from areoseg.models.segmenter import Segmenter
from areoseg.utils.extras import need_openvino


def write_openvino(
    segmenter: Segmenter,
    description: Description,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    """Write a segmenter as OpenVINO files of any batch, height and width, in float32.

    Args:
        segmenter: In evaluation mode.
        description: What the file says of itself.
        path: The `.xml` file; the `.bin` is written beside it.
        calibration: Not used.

    Raises:
        AreosegError: OpenVINO is not installed.
    """
    _save(_convert(segmenter, description), description, path)


def write_openvino_int8(
    segmenter: Segmenter,
    description: Description,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    """Write a segmenter as OpenVINO files whose convolutions compute in 8 bits.

    Args:
        segmenter: In evaluation mode.
        description: What the file says of itself.
        path: The `.xml` file; the `.bin` is written beside it.
        calibration: Training images (H, W) that tell the range of every feature.

    Raises:
        AreosegError: OpenVINO or NNCF is not installed.
    """
    need_openvino("nncf")  # before the work of converting
    model = _convert(segmenter, description)
    _save(quantize(model, [image[None, None] for image in calibration]), description, path)


def quantize(model: Any, images: Sequence[NDArray[Any]]) -> Any:
    """An `openvino.Model` whose convolutions compute in 8 bits.

    Args:
        model: In float32.
        images: What it is calibrated on: (1, 1, H, W) each, of the type that it takes.

    Raises:
        AreosegError: NNCF is not installed.
    """
    nncf = need_openvino("nncf")
    nncf.set_log_level(logging.ERROR)
    with contextlib.redirect_stdout(io.StringIO()):  # NNCF draws bars
        return nncf.quantize(
            model,
            nncf.Dataset(images),
            preset=nncf.QuantizationPreset.MIXED,  # keeps the sign that GELU and SiLU leave
            subset_size=len(images),
        )


def _convert(segmenter: Segmenter, description: Description) -> Any:
    model = to_openvino(ExportGraph(segmenter).eval(), example_images(description.size_divisor))
    model.inputs[0].set_names({"images"})
    for output, name in zip(model.outputs, ("mask", "probabilities"), strict=True):
        output.set_names({name})
    return model


def _save(model: Any, description: Description, path: Path) -> None:
    model.set_rt_info(description.to_json(), [KEY])
    need_openvino().save_model(model, path, compress_to_fp16=False)
