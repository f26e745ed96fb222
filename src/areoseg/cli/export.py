"""`areoseg export`."""

from pathlib import Path
from typing import Literal

import areoseg
from areoseg.cli.options import OptionalData
from areoseg.cli.show import output


def export(
    model: Path,
    /,
    *,
    format: Literal["onnx", "openvino", "openvino-int8"],
    out: Path,
    data: OptionalData = None,
    threads: int | None = None,
) -> None:
    """Export a model to ONNX or OpenVINO, after checking that it predicts the same.

    An export is not written if a probability differs by more than 0.001 or the class of more than
    0.1 % of the pixels changes; in 8 bits, if the terrain score drops by more than one point. The
    comparison uses the samples of --data; by default the validation split of the run, or synthetic
    samples if its dataset is unavailable.

    Example: `areoseg export flagship-256 --format onnx --out mars.onnx`

    Args:
        model: A run folder or the name of a bundled model.
        format: The format of the file.
        out: The file to write, ending in .onnx or .xml.
        threads: CPU threads. Default: one per core.
    """
    exported = areoseg.export(model, format, out, data=data, threads=threads)
    output.print(f"{exported.path}: {exported.parity}, on {exported.samples}")
