"""`areoseg bench`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

import areoseg
from areoseg.cli.options import Json
from areoseg.cli.show import notes, output, print_json, print_table

if TYPE_CHECKING:
    from areoseg.export.benchmark import Benchmark


def bench(
    model: Path,
    /,
    *,
    backends: Annotated[list[str] | None, Parameter(consume_multiple=True)] = None,
    batches: Annotated[tuple[int, ...], Parameter(consume_multiple=True)] = (1, 8, 64),
    size: tuple[int, int] | None = None,
    seconds: float = 2.0,
    threads: int | None = None,
    json: Json = False,
) -> None:
    """Measure speed and memory of the inference backends: PyTorch, ONNX Runtime, OpenVINO.

    Each backend runs in a separate process, after a float32 matrix product that measures the
    current speed of the machine. Nothing else should run at the same time.

    Example: `areoseg bench flagship-256 --backends eager OpenVINO --batches 1 16`

    Args:
        model: A run folder, the name of a bundled model, or an exported file.
        backends: The backends to measure, e.g. eager OpenVINO. Default: all that are installed.
        batches: Batch sizes.
        size: Height and width of the images, e.g. 64 128. Default: the size of the
            training tiles.
        seconds: Minimum measurement time per backend and batch size.
        threads: CPU threads. Default: one per core.
    """
    measured = areoseg.bench(
        model, backends=backends, batches=batches, size=size, seconds=seconds, threads=threads
    )
    if json:
        print_json(measured.to_json())
    else:
        print_benchmark(measured)


def print_benchmark(measured: "Benchmark") -> None:
    """Print a benchmark as a table, and one line for each backend that was skipped."""
    rows = []
    for backend in measured.measurements:
        product = measured.product[backend.name]
        for timing in backend.timings:
            first = timing is backend.timings[0]
            share = "-"
            if measured.gigaflops is not None:
                share = f"{timing.images_per_second * measured.gigaflops / product:.2f}"
            rows.append(
                [
                    backend.name if first else "",
                    str(timing.batch),
                    f"{timing.images_per_second:.1f}",
                    f"{1000 * timing.median:.1f}",
                    f"{1000 * timing.p99:.1f}",
                    share,
                    f"{backend.time_to_first_output:.1f}" if first else "",
                    f"{backend.peak_mib:.0f}" if first else "",
                ]
            )
    columns = ["backend", "batch", "images/s", "ms", "p99 ms", "share", "first s", "MiB"]
    height, width = measured.size
    print_table(columns, rows, title=f"{measured.model}, {height}x{width}", numbers=columns[1:])
    for name, reason in measured.skipped.items():
        notes.print(f"note: skipped {name}: {reason}", markup=False)
    if measured.product:
        slowest, fastest = min(measured.product.values()), max(measured.product.values())
        output.print(
            "ms: median time per batch; first s: from the start of Python to the first output;"
            " MiB: peak memory;\nfloat32 matrix product at that time:"
            f" {slowest:.0f} to {fastest:.0f} GFLOP/s"
        )
    if measured.gigaflops is not None:
        output.print(f"share: fraction of that speed, at {measured.gigaflops:.2f} GFLOP per image")
