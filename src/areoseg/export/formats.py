"""The formats of exported files."""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.export.onnx_file import write_onnx
from areoseg.export.openvino_file import write_openvino
from areoseg.export.openvino_file import write_openvino_int8
from areoseg.export.parity import Allowance
from areoseg.export.torch_export_file import open_own_file
from areoseg.export.torch_export_file import write_torch_export
from areoseg.inference.description import Description
from areoseg.inference.exported import Answer
from areoseg.inference.exported import open_onnx
from areoseg.inference.exported import open_openvino
from areoseg.models.segmenter import Segmenter

FLOAT = Allowance(probability=1e-3, unequal=1e-3)
INT8 = Allowance(terrain=0.01)

Write = Callable[[Segmenter, Description, Path, Sequence[NDArray[np.uint8]]], None]
"""Writes a segmenter to a path; takes 8-bit training images to calibrate on."""


@dataclass(frozen=True)
class Format:
    """A format of exported files.

    Attributes:
        name: What the command line calls it.
        suffix: Of its files.
        write: Writes one.
        load: Loads one that was just written, to compare it with the network.
        allowance: How far it may be off.
        calibrates: Whether `write` needs training images.
    """

    name: str
    suffix: str
    write: Write
    load: Callable[[Path], Answer]
    allowance: Allowance
    calibrates: bool = False


_TABLE = (
    Format("onnx", ".onnx", write_onnx, lambda path: open_onnx(path).run, FLOAT),
    Format("openvino", ".xml", write_openvino, lambda path: open_openvino(path).run, FLOAT),
    Format(
        "openvino-int8",
        ".xml",
        write_openvino_int8,
        lambda path: open_openvino(path).run,
        INT8,
        calibrates=True,
    ),
    Format("torch-export", ".pt2", write_torch_export, open_own_file, FLOAT),
)

FORMATS = {each.name: each for each in _TABLE}
"""The formats by name."""


def export_format(name: str) -> Format:
    """The format called `name`.

    Raises:
        AreosegError: There is none; the message names the nearest.
    """
    if name not in FORMATS:
        raise AreosegError(f"--to {name}: no such format: {did_you_mean(name, FORMATS)}")
    return FORMATS[name]
