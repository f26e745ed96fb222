"""What a study file may say.

```yaml
summary: Does Dice help?
recipe: unet
overrides: ["model.widths=[16, 32, 64]", training.steps=300]
seeds: [0, 1, 2]
sections:
  - name: loss
    rows:
      - name: ce
      - name: ce+dice
        overrides: ["loss={ce: 1, dice: 1}"]
```
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator
from pydantic import Field
from pydantic import ValidationInfo
from pydantic import field_validator

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.evaluation.baselines import BASELINES
from areoseg.training.plan import parse_budget
from areoseg.utils.options import Options


def _check_budget(text: str) -> str:
    try:
        parse_budget(text)
    except AreosegError as error:
        raise ValueError(str(error).partition(": ")[2]) from None
    return text


def _check_seeds(seeds: tuple[int, ...]) -> tuple[int, ...]:
    _check_repeats("seed", seeds)
    return seeds


def _check_repeats(what: str, values: Iterable[str | int]) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise ValueError(f"{what} {value} is there {times} times: give each another")


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+_-]*$")]
"""Of a section or row. It becomes part of file names: small letters, digits and `.+_-`."""

Time = Annotated[str, AfterValidator(_check_budget)]
"""Such as `10m`."""

Seed = Annotated[int, Field(ge=0)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_check_seeds)]


class StudyRow(Options):
    """One row of the table: a recipe, trained once with each seed."""

    name: Name
    summary: str = ""
    recipe: str | None = None
    """A recipe's name or file in place of the study's."""
    baseline: str | None = None
    """A baseline, such as `random`, that is scored in place of a network: where the row's recipe
    would train and test, and by its split."""
    overrides: tuple[str, ...] = ()
    """Values of the recipe to change, after those of the study."""
    seeds: Seeds | None = None
    """In place of the study's."""
    budget: Time | None = None
    """In place of the study's."""

    @field_validator("baseline")
    @classmethod
    def _check_baseline(cls, name: str | None) -> str | None:
        if name is not None and name not in BASELINES:
            raise ValueError(f"no such baseline: {did_you_mean(name, BASELINES)}")
        return name

    @field_validator("budget")
    @classmethod
    def _check_untrained(cls, budget: str | None, info: ValidationInfo) -> str | None:
        if budget is not None and info.data.get("baseline") is not None:
            raise ValueError("a baseline is not trained: leave its budget away")
        return budget


class StudySection(Options):
    """Rows that are compared with the first of them."""

    name: Name
    summary: str = ""
    rows: Annotated[tuple[StudyRow, ...], Field(min_length=1)]

    @field_validator("rows")
    @classmethod
    def _check_rows(cls, rows: tuple[StudyRow, ...]) -> tuple[StudyRow, ...]:
        _check_repeats("row", [row.name for row in rows])
        return rows


class StudyFile(Options):
    """A whole study."""

    summary: str = ""
    recipe: str = "unet"
    """The recipe that rows start from: its name, or a file whose path starts at the study's."""
    overrides: tuple[str, ...] = ()
    """Values of the recipe to change in all rows, as key=value."""
    seeds: Seeds = (0,)
    """Each gives the first weights, the order of samples and the augmentation (`training.seed`).
    The split keeps its own seed, so that all rows are trained and scored on the same samples."""
    budget: Time | None = None
    """A time for each training; it takes the place of the recipe's length."""
    sections: Annotated[tuple[StudySection, ...], Field(min_length=1)]

    @field_validator("sections")
    @classmethod
    def _check_sections(cls, sections: tuple[StudySection, ...]) -> tuple[StudySection, ...]:
        _check_repeats("section", [section.name for section in sections])
        return sections
