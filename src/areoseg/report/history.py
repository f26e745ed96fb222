"""Read `metrics.csv`, which has one row per validation."""

import csv
from pathlib import Path

History = dict[str, list[float]]
"""Columns of `metrics.csv`, one value per validation; NaN if a cell is empty or not a number."""


def read_history(path: Path) -> History:
    """Return the columns of a `metrics.csv`; empty if the file is missing or empty."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0]) if rows else []
    return {name: [_number(row[name]) for row in rows] for name in names}


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")
