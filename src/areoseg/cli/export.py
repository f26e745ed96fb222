"""`areoseg export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import output


def export(
    run: Path,
    /,
    *,
    to: str,
    out: Out,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    threads: Threads = None,
) -> None:
    """Write a run as a file for other programs, once it proves to answer as the run does.

    Example: `areoseg export runs/first --to onnx --out mars.onnx`. An export that is off by more
    than 0.001 in a probability or 0.1 % of the pixels, or in 8 bits by a point of the terrain
    score, is not written.

    Args:
        run: The run folder.
        to: onnx, openvino, openvino-int8 or torch-export.
        out: The file to write, ending in .onnx, .xml or .pt2.
        data: Labeled samples to compare on; by default the run's own validation part, or synthetic
            ones where its data are gone.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api

    exported = api.export(run, to, out, data=data, threads=threads)
    output.print(f"{exported.path}: {exported.parity}, on {exported.samples}")
