"""The course of a training: the columns of `metrics.csv`, and the stages as table rows."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from areoseg.recipes import Recipe
from areoseg.recipes.stages import SHORT_FORMS

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


@dataclass(frozen=True)
class StageRow:
    """One stage.

    Attributes:
        epochs: What the recipe says.
        steps: Training steps done in it.
        best_score: Its best validation score, or None.
        changes: Differences from the recipe, for example `augment=rigid`.
    """

    epochs: int
    steps: int
    best_score: float | None
    changes: tuple[str, ...]


def stage_rows(recipe: Recipe, history: History) -> list[StageRow]:
    """Return one row per stage of a recipe; empty without stages."""
    rows = []
    numbers, steps = history.get("stage", []), history.get("step", [])
    done = 0.0
    for number, stage in enumerate(recipe.stages, start=1):
        # The curves of a single stage do not say its number.
        own = [index for index in range(len(steps)) if not numbers or numbers[index] == number]
        scores = [score for index in own if not isnan(score := history["score"][index])]
        end = steps[own[-1]] if own else done
        rows.append(
            StageRow(
                epochs=stage.epochs,
                steps=int(end - done),
                best_score=max(scores, default=None),
                changes=tuple(_changes(recipe, number - 1)),
            )
        )
        done = end
    return rows


def _changes(recipe: Recipe, stage: int) -> Iterator[str]:
    """Return the changes of a stage as overrides; another component is given by name only."""
    for name, section in recipe.stages[stage]:
        if name == "epochs" or section == getattr(recipe, name):
            continue
        own = getattr(recipe, name)
        kind = SHORT_FORMS.get(name, "")
        if name == "loss":
            terms = (f"{term.weight:g} {term_name}" for term_name, term in section.terms.items())
            yield f"loss={' + '.join(terms)}"
        elif getattr(section, kind, None) != getattr(own, kind, None):
            yield f"{name}={getattr(section, kind)}"
        else:
            yield from _differences(name, own.model_dump(), section.model_dump())


def _differences(place: str, before: Any, after: Any) -> Iterator[str]:
    """Return each value that differs, by dotted name."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name, value in after.items():
            yield from _differences(f"{place}.{name}", before.get(name), value)
    elif before != after:
        yield f"{place}={after}"
