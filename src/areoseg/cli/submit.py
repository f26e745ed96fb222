"""`areoseg submit`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import DEFAULT_COMPUTE, ComputeFlags, compute_keywords
from areoseg.cli.show import output
from areoseg.errors import plural


def submit(*models: Path, data: Path, out: Path, compute: ComputeFlags = DEFAULT_COMPUTE) -> None:
    """Segment the unlabeled images of an npz file and write the homework's CSV file.

    Example: `areoseg submit runs/first --data mars.npz --out submission.csv`

    Args:
        models: Run folders, names of bundled models, or exported files; the probabilities of
            several are averaged.
        data: An npz file with a test_set.
        out: The CSV file to write.
    """
    rows = areoseg.submit(models, data, out, **compute_keywords(compute))
    output.print(f"{plural(rows, 'row')}: {out}")
