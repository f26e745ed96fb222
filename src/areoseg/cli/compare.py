"""`areoseg compare`."""

from pathlib import Path
from typing import TYPE_CHECKING

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    DEFAULT_DATA,
    ComputeFlags,
    DataFlags,
    Decisions,
    Json,
    OptionalData,
    Protocol,
    Split,
    compute_keywords,
)
from areoseg.cli.show import note_on_interrupt, output, print_json, print_table, this_command

if TYPE_CHECKING:
    from areoseg.experiments.table import Table


def compare(
    study: Path,
    /,
    *,
    data: OptionalData = None,
    out: Path | None = None,
    split: Split = "test",
    protocol: Protocol = "terrain",
    decisions: Decisions = None,
    dataset: DataFlags = DEFAULT_DATA,
    compute: ComputeFlags = DEFAULT_COMPUTE,
    json: Json = False,
) -> None:
    """Train every row of a study with several seeds and tabulate the scores.

    Finished trainings are skipped and interrupted ones resumed. Each finished training adds a small
    JSON file to the results folder, and the table is written there as CSV, Markdown and HTML. The
    results folder is `results/STUDY/` beside a study file, and OUT/results for a bundled study.
    Without --data nothing is trained, and the table shows the results so far.

    Example: `areoseg compare ablation --data mars.npz`

    Args:
        study: A YAML file, or a bundled study: ablation, models or table1.
        out: The folder for the run folders. Default: runs/STUDY.
        split: The split whose scores are compared.
        protocol: The protocol of these scores.
    """
    with note_on_interrupt():
        table = areoseg.compare(
            study,
            data,
            out,
            split=split,
            protocol=protocol,
            decisions=decisions,
            **vars(dataset),
            **compute_keywords(compute),
            command=this_command(),
        )
    if json:
        print_json(table.to_json())
    else:
        print_study(table)


def print_study(table: "Table") -> None:
    """Print two tables per section, and the differences that are significant across seeds."""
    from areoseg.experiments.table_files import (
        SCORE_COLUMNS,
        cells,
        columns,
        narrow_columns,
        notes,
        score_lines,
    )

    heads, shown = columns(table), narrow_columns(table)
    for section in table.sections:
        rows = [dict(zip(heads, cells(table, row), strict=True)) for row in section.rows]
        print_table(
            shown,
            [[row[head] for head in shown] for row in rows],
            title=section.name,
            numbers=[head for head in shown if head not in ("row", "verdict")],
        )
        output.print()
        print_table(
            SCORE_COLUMNS,
            [line for row in section.rows for line in score_lines(row)],
            numbers=[head for head in SCORE_COLUMNS if head not in ("row", "protocol")],
        )
        output.print()
        for sentence in section.findings():
            output.print(sentence, markup=False)
        output.print()
    for note in notes(table):
        output.print(note)
