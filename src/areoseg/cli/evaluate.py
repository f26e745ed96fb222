"""`areoseg evaluate`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Device
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.options import Threads
from areoseg.cli.show import figure
from areoseg.cli.show import output
from areoseg.cli.show import percent
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table

if TYPE_CHECKING:
    from areoseg.evaluation.evaluate import Evaluation
    from areoseg.metrics.scores import Scores


def evaluate(
    *models: Path,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    split: str | None = None,
    flips: Annotated[bool, Parameter(name="--flips", negative="")] = False,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Score a run under every protocol, with 95 % intervals; or the mean of several models.

    Args:
        models: The run folder, the name of a bundled model, or an exported file; or several, of one
            data set and split, whose probabilities are averaged. Each is scored alone beside it.
        data: A data set; by default the one that the run was trained on. An exported file needs
            one, and for the data of its run that run beside it.
        split: train, val or test of the run's own data; test by default. Other data are scored
            whole.
        flips: Predict each image mirrored as well, and show what that gains and costs.
        groups: A text file that names the group of each labeled sample, a line a sample, such as
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

    ways = api.evaluate_each(
        models,
        data,
        split=split,
        tta_flip=flips,
        groups=groups,
        data_format=format,
        label_set=labels,
        device=device,
        threads=threads,
    )
    scores = ways[-1].scores
    if json and len(ways) == 1:
        print_json(scores.to_json())
    elif json:
        print_json(
            [
                {"name": way.name, "milliseconds": way.milliseconds, **way.scores.to_json()}
                for way in ways
            ]
        )
    else:
        print_scores(scores)
        if len(ways) > 1:
            print_ways(ways)


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


def print_ways(ways: "Sequence[Evaluation]") -> None:
    """Write what each way to predict scores and costs; the last is that of the tables above."""
    classes = [name for name, entry in ways[-1].scores.classes.items() if not math.isnan(entry.iou)]
    names = [Path(way.name).name for way in ways]
    if len(set(names)) < len(names):  # runs of one name in several folders
        names = [way.name for way in ways]
    output.print()
    print_table(
        ["prediction by", "mean IoU", *classes, "ms an image"],
        [
            [
                name,
                figure(way.scores.score),
                *(figure(way.scores.classes[name].iou) for name in classes),
                f"{way.milliseconds:.1f}",
            ]
            for name, way in zip(names, ways, strict=True)
        ],
        title=f"the tables above are of: {names[-1]}",
        numbers=["mean IoU", *classes, "ms an image"],
    )


def _interval(ends: tuple[float | None, float | None]) -> str:
    low, high = ends
    return "-" if low is None or high is None else f"{low:.4f} to {high:.4f}"
