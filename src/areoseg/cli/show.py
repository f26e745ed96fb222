"""Tables for people, JSON for programs, and what a command says of itself."""

import json
import shlex
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

output = Console(highlight=False, soft_wrap=True)
"""Results: standard output."""

notes = Console(stderr=True, highlight=False, soft_wrap=True)
"""Progress and warnings: standard error."""


def print_json(values: Any) -> None:
    """Write values as JSON to standard output."""
    json.dump(values, sys.stdout, indent=2, allow_nan=False)
    sys.stdout.write("\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    title: str | None = None,
    numbers: Sequence[str] = (),
) -> None:
    """Write a table to standard output.

    Args:
        columns: The heads.
        rows: One string a column.
        title: A line above.
        numbers: The columns that are aligned to the right.
    """
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        table.add_row(*row)
    output.print(table)


def percent(value: float | None) -> str:
    """A share as a percentage, or a dash for want of one."""
    return "-" if value is None else f"{100 * value:.2f} %"


def figure(value: float | None) -> str:
    """A score with four digits, or a dash for want of one."""
    return "-" if value is None else f"{value:.4f}"


def this_command() -> str:
    """The command line as it was typed, for a run to note."""
    return f"areoseg {shlex.join(sys.argv[1:])}"


@contextmanager
def keeping_what_is_finished() -> Iterator[None]:
    """After Ctrl-C, say that the same command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        notes.print("what was finished is kept: the same command goes on")
        raise
