"""`areoseg evaluate`."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    DEFAULT_DATA,
    ComputeFlags,
    DataFlags,
    Json,
    SeveralData,
    Split,
    compute_keywords,
)
from areoseg.cli.show import figure, output, percent, print_json, print_table

if TYPE_CHECKING:
    from areoseg.evaluation import Evaluation
    from areoseg.metrics.scores import Scores


def evaluate(
    *models: Path,
    data: SeveralData = None,
    split: Split | None = None,
    tta_flip: bool = False,
    background: bool = True,
    dataset: DataFlags = DEFAULT_DATA,
    compute: ComputeFlags = DEFAULT_COMPUTE,
    json: Json = False,
) -> None:
    """Evaluate a model, or an ensemble of models, on labeled samples.

    Prints the scores of every protocol with 95 % bootstrap intervals. By default a run is evaluated
    on the test split of the dataset it was trained on. An exported file needs --data, and
    if this is the dataset of its run, the run must be given as well.

    Example: `areoseg evaluate flagship-256 --data ai4mars/`

    Args:
        models: Run folders, names of bundled models, or exported files. The probabilities of
            several models with the same dataset and split are averaged; each is also evaluated
            alone.
        split: The split of the models' own dataset, test by default. Other datasets are evaluated
            as a whole.
        tta_flip: Average over each image and its mirror image, and show the gain and the cost.
        background: Whether pixels may be background. --no-background: every pixel gets a terrain
            class, for protocols that count background on labeled ground as an error.
    """
    evaluations = areoseg.evaluate_each(
        models,
        data,
        split=split,
        tta_flip=tta_flip,
        background=background,
        **vars(dataset),
        **compute_keywords(compute),
    )
    scores = evaluations[-1].scores
    if json and len(evaluations) == 1:
        print_json(scores.to_json())
    elif json:
        print_json(
            [
                {"name": entry.name, "milliseconds": entry.milliseconds, **entry.scores.to_json()}
                for entry in evaluations
            ]
        )
    else:
        print_scores(scores)
        if len(evaluations) > 1:
            print_evaluations(evaluations)


def print_scores(scores: "Scores") -> None:
    """Print scores as two tables: by protocol, and by class under the headline protocol."""
    from areoseg.metrics.scores import score_rows

    rows: list[dict[str, Any]] = list(score_rows(scores))
    unit = f"{scores.groups} groups" if scores.groups else "images"
    print_table(
        ["protocol", "mean IoU", "95 % interval"],
        [
            [name, figure(entry.score), _interval(entry.interval)]
            for name, entry in scores.protocols.items()
        ],
        title=f"{scores.images} images; intervals by bootstrap over {unit}",
        numbers=["mean IoU"],
    )
    output.print(
        f"lost ground {percent(scores.lost_ground)}, found background"
        f" {percent(scores.found_background)}"
    )
    output.print()
    if scores.sets:
        print_sets(scores)
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


def print_sets(scores: "Scores") -> None:
    """Print one row per dataset, if several were joined."""
    classes = [name for name, entry in scores.classes.items() if not math.isnan(entry.iou)]
    print_table(
        ["dataset", "images", "mean IoU", "95 % interval", *classes],
        [
            [
                name,
                str(each.images),
                figure(each.score),
                _interval(each.interval),
                *(figure(each.classes[label].iou) for label in classes),
            ]
            for name, each in scores.sets.items()
        ],
        title="each dataset alone",
        numbers=["images", "mean IoU", *classes],
    )
    output.print()


def print_evaluations(evaluations: "Sequence[Evaluation]") -> None:
    """Print one row per model and ensemble; the tables above show the last one."""
    last = evaluations[-1].scores
    classes = [name for name, entry in last.classes.items() if not math.isnan(entry.iou)]
    names = [Path(entry.name).name for entry in evaluations]
    if len(set(names)) < len(names):  # runs with the same name in several folders
        names = [entry.name for entry in evaluations]
    output.print()
    print_table(
        ["model", "mean IoU", *classes, "ms per image"],
        [
            [
                name,
                figure(entry.scores.score),
                *(figure(entry.scores.classes[label].iou) for label in classes),
                f"{entry.milliseconds:.1f}",
            ]
            for name, entry in zip(names, evaluations, strict=True)
        ],
        title=f"the tables above show: {names[-1]}",
        numbers=["mean IoU", *classes, "ms per image"],
    )


def _interval(ends: tuple[float | None, float | None]) -> str:
    low, high = ends
    return "-" if figure(low) == "-" else f"{figure(low)} to {figure(high)}"
