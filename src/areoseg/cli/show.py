"""Printing of tables, JSON and notes."""

import json
import math
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.table import Table

from areoseg.errors import printable
from areoseg.utils.console import PlainConsole, standard_error

output = PlainConsole()
"""Results: standard output."""

notes = standard_error()
"""Progress, notes, warnings and errors: standard error."""


def print_json(values: Any) -> None:
    """Print values as JSON to standard output."""
    json.dump(values, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    numbers: Sequence[str] = (),
) -> None:
    """Print a table to standard output.

    Args:
        columns: The column headers.
        rows: One string per column.
        title: Title line above the table.
        numbers: The columns that are right-aligned.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(printable(column), justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*map(printable, row))
    output.print(table)


def percent(value: float | None) -> str:
    """Format a share as a percentage; undefined values as a dash."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:.2f} %"


def figure(value: float | None) -> str:
    """Format a score with four digits; undefined values as a dash."""
    return "-" if value is None or math.isnan(value) else f"{value:.4f}"


def this_command() -> str:
    """Return the command line as it was typed, to be stored in a run."""
    return f"areoseg {shlex.join(sys.argv[1:])}"


@contextmanager
def note_on_interrupt() -> Iterator[None]:
    """After Ctrl-C, print that the same command resumes the work."""
    try:
        yield
    except KeyboardInterrupt:
        notes.print("note: finished work is kept; run the same command to continue")
        raise
