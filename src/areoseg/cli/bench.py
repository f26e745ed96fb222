"""`areoseg bench`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Threads
from areoseg.cli.options import height_and_width
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.errors import AreosegError

if TYPE_CHECKING:
    from areoseg.export.benchmark import Benchmark


def bench(
    model: Path,
    /,
    *,
    backends: Annotated[str | None, Parameter(name="--backends")] = None,
    batches: Annotated[str, Parameter(name="--batches")] = "1,8,64",
    size: Annotated[str | None, Parameter(name="--size")] = None,
    seconds: float = 2.0,
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Time the backends to run a model: PyTorch's, ONNX Runtime's, OpenVINO's.

    Each is timed in a process of its own, after a float32 matrix product that tells what the
    machine does just then. Nothing else should run meanwhile.

    Args:
        model: A run folder or an exported file.
        backends: Only these, with commas between, such as "eager,OpenVINO".
        batches: Images a call, with commas between.
        size: Height and width of the images, such as 64x128; by default the run's training tiles.
        seconds: How long each way is timed at each batch size.
        threads: Processor cores to compute on; all by default.
        json: Print JSON for programs instead of a table.
    """
    from areoseg import api

    measured = api.bench(
        model,
        backends=None if backends is None else [name.strip() for name in backends.split(",")],
        batches=_batches(batches),
        size=None if size is None else height_and_width(size, "--size"),
        seconds=seconds,
        threads=threads,
    )
    if json:
        print_json(measured.to_json())
    else:
        print_benchmark(measured)


def print_benchmark(measured: "Benchmark") -> None:
    """Write a benchmark as a table, and a line for each way that was skipped."""
    rows = []
    for way in measured.measurements:
        product = measured.product[way.name]
        for timing in way.timings:
            first = timing is way.timings[0]
            share = "-"
            if measured.gigaflops is not None:
                share = f"{timing.images_per_second * measured.gigaflops / product:.2f}"
            rows.append(
                [
                    way.name if first else "",
                    str(timing.batch),
                    f"{timing.images_per_second:.1f}",
                    f"{1000 * timing.median:.1f}",
                    f"{1000 * timing.p99:.1f}",
                    share,
                    f"{way.time_to_first_output:.1f}" if first else "",
                    f"{way.peak_mib:.0f}" if first else "",
                ]
            )
    columns = ["way", "batch", "images/s", "ms", "p99 ms", "share", "first s", "MiB"]
    height, width = measured.size
    print_table(columns, rows, title=f"{measured.model}, {height}x{width}", numbers=columns[1:])
    for name, reason in measured.skipped.items():
        notes.print(f"skipped {name}: {reason}", markup=False)
    if measured.product:
        slowest, fastest = min(measured.product.values()), max(measured.product.values())
        output.print(
            "ms: the median call; first s: from the start of Python to the first answer; MiB: the"
            " most memory;\nfloat32 matrix product meanwhile:"
            f" {slowest:.0f} to {fastest:.0f} GFLOP/s"
        )
    if measured.gigaflops is not None:
        output.print(
            f"share: of that product, with {measured.gigaflops:.2f} GFLOP an image as arithmetic"
        )


def _batches(text: str) -> Sequence[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError:
        raise AreosegError(
            f"--batches {text}: give whole numbers with commas between, such as 1,32"
        ) from None
