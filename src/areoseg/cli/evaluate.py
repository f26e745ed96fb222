"""`areoseg evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from areoseg.cli.options import AsJson, Device, Format, Groups, Labels, Threads
from areoseg.cli.show import figure, output, percent, print_json, print_table

if TYPE_CHECKING:
    from areoseg.metrics.scores import Scores


def evaluate(
    run: Path,
    /,
    *,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    split: str | None = None,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Score a run under every protocol, with 95 % intervals.

    Args:
        run: The run folder.
        data: A data set; by default the one that the run was trained on.
        split: train, val or test of the run's own data; test by default. Other data are scored
            whole.
        groups: A text file that names the group of each labelled scene, a line a scene, such as
            its rover stop.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api

    scores = api.evaluate(
        run,
        data,
        split=split,
        groups=groups,
        format=format,
        labels=labels,
        device=device,
        threads=threads,
    )
    if json:
        print_json(scores.to_json())
    else:
        print_scores(scores)


def print_scores(scores: "Scores") -> None:
    """Write scores as two tables: by protocol, and by class under the headline protocol."""
    from areoseg.metrics.scores import score_rows

    rows: list[dict[str, Any]] = list(score_rows(scores))
    values = scores.to_json()
    unit = f"{scores.groups} groups" if scores.groups else "images"
    print_table(
        ["protocol", "mean IoU", "95 % interval"],
        [
            [name, figure(each["score"]), _interval(each["interval"])]
            for name, each in values["protocols"].items()
        ],
        title=f"{scores.images} images; intervals by bootstrap over {unit}",
        numbers=["mean IoU"],
    )
    output.print()
    print_table(
        ["class", "IoU", "95 % interval", "precision", "recall", "boundary IoU", "pixels"],
        [
            [
                row["class"],
                figure(row["iou"]),
                _interval((row["low"], row["high"])),
                percent(row["precision"]),
                percent(row["recall"]),
                figure(row["boundary_iou"]),
                "-" if row["pixels"] is None else str(row["pixels"]),
            ]
            for row in rows
        ],
        title=f"protocol {scores.protocol}",
        numbers=["IoU", "precision", "recall", "boundary IoU", "pixels"],
    )


def _interval(ends: tuple[float | None, float | None]) -> str:
    low, high = ends
    return "-" if low is None or high is None else f"{low:.4f} to {high:.4f}"
