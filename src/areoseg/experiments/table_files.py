"""The table of a study as formatted cells, Markdown, CSV and an HTML page."""

import csv
import io
from pathlib import Path
from typing import Any

import yaml

from areoseg import __version__
from areoseg.data.split import SPLITS
from areoseg.experiments.statistics import SIGNIFICANCE, Spread
from areoseg.experiments.study import Study
from areoseg.experiments.table import Table, TableRow, TableSection
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.report.charts import Bar, bar_chart
from areoseg.report.formats import decimal, page_environment
from areoseg.report.pictures import svg_uri
from areoseg.utils.files import csv_cells, write_text

MISSING = "-"
SIZE_AND_TIME = ("parameters", "GMAC", "steps", "minutes")


def write_table(table: Table, study: Study) -> tuple[Path, ...]:
    """Write `table.csv`, `table.md` and `table.html` to the results folder; return the files."""
    texts = {
        "table.csv": csv_text(table),
        "table.md": markdown_text(table),
        "table.html": study_page(table, study),
    }
    for name, text in texts.items():
        write_text(study.results / name, text)
    return tuple(study.results / name for name in texts)


def columns(table: Table) -> list[str]:
    """Return the headings of `cells`."""
    return [
        "row",
        "seeds",
        f"{table.split} {table.protocol}",
        "difference",
        "verdict",
        *(f"{name} {' / '.join(SPLITS)}" for name in PROTOCOLS),
        *SIZE_AND_TIME,
    ]


def narrow_columns(table: Table) -> list[str]:
    """Return the headings of `columns` that fit a terminal; `score_lines` has the others."""
    return [*columns(table)[:5], "minutes"]


def cells(table: Table, row: TableRow) -> list[str]:
    """One row of a section, in the order of `columns`."""
    return [
        row.name,
        f"{len(row.score.values)}" + ("" if _complete(row) else f" of {row.planned}"),
        with_std(row.score),
        MISSING if row.difference is None else f"{row.difference:+.4f}",
        row.verdict,
        *(" / ".join(_part_means(row, name)) for name in PROTOCOLS),
        *_size_and_time(row),
    ]


SCORE_COLUMNS = ("row", "parameters", "GMAC", "steps", "protocol", *SPLITS)
"""Headings of `score_lines`."""


def score_lines(row: TableRow) -> list[list[str]]:
    """Return one line per protocol with the size and mean scores of a row."""
    firsts = [[row.name, *_size_and_time(row)[:-1]], *[[""] * 4] * (len(PROTOCOLS) - 1)]
    return [
        [*first, name, *_part_means(row, name)]
        for first, name in zip(firsts, PROTOCOLS, strict=True)
    ]


def _part_means(row: TableRow, protocol: str) -> list[str]:
    return [_number(row.scores[split][protocol].mean) for split in SPLITS]


def _size_and_time(row: TableRow) -> list[str]:
    """In the order of `SIZE_AND_TIME`."""
    return [
        MISSING if row.parameters is None else f"{row.parameters / 1e6:.3f} M",
        MISSING if row.macs is None else f"{row.macs / 1e9:.3f}",
        _number(row.steps, 0),
        _number(row.minutes, 1),
    ]


def with_std(score: Spread) -> str:
    """Format mean and standard deviation, as in `0.5123 ± 0.0041`; for one seed, the score."""
    if score.std is None:
        return _number(score.mean)
    return f"{_number(score.mean)} ± {score.std:.4f}"


def notes(table: Table) -> list[str]:
    """Return the notes below the table."""
    lines = [
        "Mean ± standard deviation over the seeds. The seed determines the initial weights, the"
        " order of samples and the augmentation; the split is the same for all rows. A row is"
        " better or worse than the first row of its section if Welch's two-sided t test is"
        f" significant at {SIGNIFICANCE:.0%}."
    ]
    if table.comparisons:
        lines.append(
            f"Comparisons made: {table.comparisons}. If all rows were equal, about"
            f" {decimal(table.comparisons * SIGNIFICANCE, 1)} would be significant by chance."
        )
    if table.done < table.planned:
        lines.append(f"{table.planned - table.done} of {table.planned} trainings are not done yet.")
    return lines


def markdown_text(table: Table) -> str:
    """Return the table as Markdown, with one heading per section."""
    lines = [f"{table.summary}\n"] if table.summary else []
    heads = columns(table)
    for section in table.sections:
        lines += [f"### {section.name}\n"]
        lines += [f"{section.summary}\n"] if section.summary else []
        lines += [_markdown_row(heads), _markdown_row(["---"] * len(heads))]
        lines += [_markdown_row(cells(table, row)) for row in section.rows]
        lines += ["", *(f"{sentence}\n" for sentence in section.findings())]
    return "\n".join([*lines, *(f"{note}\n" for note in notes(table))])


def csv_text(table: Table) -> str:
    """The table as CSV: every split under every protocol, with stds."""
    file = io.StringIO()
    rows = [
        {"section": section.name, **_record(row)}
        for section in table.sections
        for row in section.rows
    ]
    classes = {key: None for row in rows for key in row}  # an unfinished row has no classes
    writer = csv.DictWriter(file, fieldnames=list(classes), lineterminator="\n")
    writer.writeheader()
    writer.writerows(dict(zip(row, csv_cells(row.values()), strict=True)) for row in rows)
    return file.getvalue()


def _record(row: TableRow) -> dict[str, object]:
    scores = {
        f"{split} {name} {what}": value
        for split in SPLITS
        for name in PROTOCOLS
        for what, value in (
            ("mean", row.scores[split][name].mean),
            ("std", row.scores[split][name].std),
        )
    }
    record: dict[str, object] = {
        "row": row.name,
        "seeds": len(row.score.values),
        "difference": row.difference,
        "p": row.p,
        "verdict": row.verdict,
        "parameters": row.parameters,
        "macs": row.macs,
        "steps": row.steps,
        "minutes": row.minutes,
        **scores,
        **{f"iou {name}": iou.mean for name, iou in row.iou.items()},
    }
    return {
        key: round(value, 6) if isinstance(value, float) else value for key, value in record.items()
    }


def _complete(row: TableRow) -> bool:
    return len(row.score.values) == row.planned


def _number(value: float | None, digits: int = 4) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _markdown_row(values: list[str]) -> str:
    return f"| {' | '.join(values)} |"


def study_page(table: Table, study: Study) -> str:
    """Return the table as a self-contained HTML file, with a chart of each section."""
    page = page_environment().get_template("study.html.j2")
    return page.render(
        table=table,
        sections=[_section(section) for section in table.sections],
        splits=SPLITS,
        protocols=list(PROTOCOLS),
        significance=SIGNIFICANCE,
        study_text=_study_text(study),
        version=__version__,
    )


def _section(section: TableSection) -> dict[str, Any]:
    chart = bar_chart(
        [Bar(row.name, row.score.values, row.score.interval, row.verdict) for row in section.rows]
    )
    return {
        "name": section.name,
        "summary": section.summary,
        "findings": section.findings(),
        "chart": None if chart is None else svg_uri(chart),
        "rows": section.rows,
        "classes": next((list(row.iou) for row in section.rows if row.iou), []),
    }


def _study_text(study: Study) -> str:
    content = study.content.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
