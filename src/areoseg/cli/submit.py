"""`areoseg submit`."""

from pathlib import Path

from areoseg.cli.options import Data
from areoseg.cli.options import Device
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import output


def submit(
    *models: Path,
    data: Data,
    out: Out,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Segment the unlabeled images of an npz into the homework's CSV.

    Args:
        models: Run folders or exported files; several are averaged.
        data: An npz file with a test_set.
        out: The CSV file to write.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api
    from areoseg.errors import plural

    rows = api.submit(models, data, out, device=device, threads=threads)
    output.print(f"{plural(rows, 'row')}: {out}")
