"""`areoseg compare`."""

from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Decisions
from areoseg.cli.options import Device
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.options import Threads
from areoseg.cli.show import keeping_what_is_finished
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.cli.show import this_command

if TYPE_CHECKING:
    from areoseg.studies import Table


def compare(
    study: Path,
    /,
    *,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    part: str = "test",
    protocol: str = "terrain",
    decisions: Decisions = None,
    groups: Groups = None,
    format: Format = "auto",
    labels: Labels = "crowd",
    device: Device = "cpu",
    threads: Threads = None,
    json: AsJson = False,
) -> None:
    """Train every row of a study with every seed, and draw one table.

    What is done is skipped; what was stopped goes on. Each finished training leaves a small JSON
    file in `results/STUDY/` beside the study, with the table as CSV, Markdown and HTML.

    Example: `areoseg compare studies/ablation.yaml --data mars.npz`.

    Args:
        study: A YAML file.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
            Without it nothing is trained: the table is drawn from the results that are there.
        out: The folder for the run folders; runs/STUDY by default.
        part: The part of the split whose scores are compared: train, val or test.
        protocol: The protocol of these scores.
        decisions: A decisions.json saved by the page of `areoseg audit`, or an audit.json: leave
            out the samples that it rejects and no others, instead of running the audit.
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

    with keeping_what_is_finished():
        table = api.compare(
            study,
            data,
            out,
            part=part,
            protocol=protocol,
            decisions=decisions,
            groups=groups,
            format=format,
            labels=labels,
            device=device,
            threads=threads,
            command=this_command(),
        )
    if json:
        print_json(table.to_json())
    else:
        print_study(table)


def print_study(table: "Table") -> None:
    """Write two tables for each section, and what the seeds allow to say of it."""
    from areoseg.studies.write import SCORE_COLUMNS
    from areoseg.studies.write import cells
    from areoseg.studies.write import columns
    from areoseg.studies.write import narrow_columns
    from areoseg.studies.write import notes
    from areoseg.studies.write import score_lines

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
