"""Study files: what they contain, and how they are read and checked."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, field_validator

from areoseg.errors import AreosegError, did_you_mean
from areoseg.evaluation.baselines import BASELINES
from areoseg.recipes import Recipe, load_recipe
from areoseg.recipes.yaml_text import describe_duplicates, describe_errors, line_of, read_yaml
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
            raise ValueError(f"{what} {value} occurs {times} times: remove the duplicates")


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+_-]*$")]
"""Name of a section or row, used in file names: lower-case letters, digits and `.+_-`."""

Time = Annotated[str, AfterValidator(_check_budget)]
"""A duration, for example `10m`."""

Seed = Annotated[int, Field(ge=0)]
Seeds = Annotated[tuple[Seed, ...], Field(min_length=1), AfterValidator(_check_seeds)]


class StudyRow(Options):
    """One row of the table: a recipe, trained once per seed."""

    name: Name
    summary: str = ""
    recipe: str | None = None
    """Name or file of a recipe; replaces the recipe of the study."""
    baseline: str | None = None
    """A baseline, for example `random`, that is scored instead of a network, with the data, split
    and protocol of the recipe."""
    overrides: tuple[str, ...] = ()
    """Values of the recipe to change, applied after those of the study."""
    seeds: Seeds | None = None
    """Replaces the value of the study."""
    budget: Time | None = None
    """Replaces the value of the study."""

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
            raise ValueError("a baseline is not trained: remove its budget")
        return budget


class StudySection(Options):
    """Rows that are compared with the first row of the section."""

    name: Name
    summary: str = ""
    rows: Annotated[tuple[StudyRow, ...], Field(min_length=1)]

    @field_validator("rows")
    @classmethod
    def _check_rows(cls, rows: tuple[StudyRow, ...]) -> tuple[StudyRow, ...]:
        _check_repeats("row", [row.name for row in rows])
        return rows


class StudyFile(Options):
    """The content of a study file."""

    summary: str = ""
    recipe: str = "unet"
    """The recipe of the rows: a name, or a file relative to the folder of the study."""
    overrides: tuple[str, ...] = ()
    """Values of the recipe to change in all rows, as key=value."""
    seeds: Seeds = (0,)
    """Seeds of the initial weights, the order of samples and the augmentation (`training.seed`).
    `split.seed` does not change, so that all rows are trained and scored on the same samples."""
    budget: Time | None = None
    """Time of each training; replaces the steps or epochs of the recipe."""
    sections: Annotated[tuple[StudySection, ...], Field(min_length=1)]

    @field_validator("sections")
    @classmethod
    def _check_sections(cls, sections: tuple[StudySection, ...]) -> tuple[StudySection, ...]:
        _check_repeats("section", [section.name for section in sections])
        return sections


BUNDLED = Path(__file__).parent / "studies"
RESULTS = "results"


@dataclass(frozen=True)
class Trial:
    """One training: a row with one seed.

    Attributes:
        section: Name of the section.
        row: Name of the row.
        seed: `training.seed`.
        recipe: The recipe to train.
        budget_seconds: Training time, or None for the steps or epochs of the recipe.
        baseline: The baseline that is scored instead of a network, or None.
    """

    section: str
    row: str
    seed: int
    recipe: Recipe
    budget_seconds: float | None
    baseline: str | None = None

    def __str__(self) -> str:
        return f"{self.section}/{self.row}, seed {self.seed}"

    @property
    def place(self) -> Path:
        """Relative path of its run folder and, plus suffix, of its result file."""
        return Path(self.section) / f"{self.row}-seed{self.seed}"

    def same_experiment(
        self, recipe: Recipe, budget_seconds: float | None, baseline: str | None = None
    ) -> bool:
        """Return whether recipe (except its summary), budget and baseline are equal."""
        same_recipe = recipe.model_copy(update={"summary": self.recipe.summary}) == self.recipe
        return same_recipe and (budget_seconds, baseline) == (self.budget_seconds, self.baseline)


@dataclass(frozen=True)
class Study:
    """A valid study.

    Attributes:
        path: The study file.
        content: Its parsed content.
        trials: All trainings of the study, in the order of the file.
        results: The folder of results and tables.
    """

    path: Path
    content: StudyFile
    trials: tuple[Trial, ...]
    results: Path

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem


def list_studies() -> list[str]:
    """Return the names of the bundled studies."""
    return sorted(path.stem for path in BUNDLED.glob("*.yaml"))


def load_study(name_or_path: str | Path, out: Path | None = None) -> Study:
    """Read a study and check all of its recipes.

    Args:
        name_or_path: A study file, or the name of a bundled study.
        out: The folder of the run folders, which also holds the results of a bundled study; None:
            `runs/STUDY`. The results of a study file are stored beside it.

    Raises:
        AreosegError: The study does not exist or is not valid; one line for each error, with its
            line in the file.

    Examples:
        >>> load_study("table1").name
        'table1'
    """
    path = Path(name_or_path)
    results = path.parent / RESULTS / path.stem
    if path.name == str(name_or_path) and not path.suffix and not path.is_file():
        if path.name not in list_studies():
            raise AreosegError(
                f"no study {path.name!r}, neither by name nor as a file:"
                f" {did_you_mean(path.name, list_studies())}"
            )
        results = (Path("runs") / path.name if out is None else out) / RESULTS
        path = BUNDLED / f"{path.name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(f"{path}: cannot read this study: {error}") from None
    tree, node = read_yaml(text, str(path))
    if not isinstance(tree, dict):
        raise AreosegError(f"{path}: a study is a mapping with at least `sections`")
    errors = describe_duplicates(node, str(path))
    try:
        content = StudyFile.model_validate(tree)
    except ValidationError as error:
        errors += describe_errors(error, str(path), node)
    if errors:
        raise AreosegError("\n".join(errors))
    return Study(path, content, _trials(content, path, node), results)


def _trials(content: StudyFile, path: Path, node: yaml.Node | None) -> tuple[Trial, ...]:
    """List all trainings of a study; raise one line for each error of its recipes."""
    errors = _errors(content.recipe, content.overrides, path, f"{path}:{line_of(node, ['recipe'])}")
    if errors:  # the errors of each row would be the same
        raise AreosegError("\n".join(errors))
    trials: list[Trial] = []
    for index, section in enumerate(content.sections):
        for number, row in enumerate(section.rows):
            line = line_of(node, ["sections", index, "rows", number])
            location = f"{path}:{line}: {section.name}/{row.name}"
            name, overrides = _recipe_of(row, content)
            row_errors = _errors(name, overrides, path, location)
            errors += row_errors
            if not row_errors:
                trials += _trials_of(row, section.name, content, path)
    if errors:
        raise AreosegError("\n".join(errors))
    return tuple(trials)


def _trials_of(row: StudyRow, section: str, content: StudyFile, path: Path) -> list[Trial]:
    """List the trials of a row, one per seed."""
    name, overrides = _recipe_of(row, content)
    recipe = load_recipe(_beside(path, name), overrides)
    budget = None if row.baseline else row.budget or content.budget
    return [
        Trial(
            section=section,
            row=row.name,
            seed=seed,
            recipe=recipe.model_copy(
                update={"training": recipe.training.model_copy(update={"seed": seed})}
            ),
            budget_seconds=None if budget is None else parse_budget(budget),
            baseline=row.baseline,
        )
        for seed in row.seeds or content.seeds
    ]


def _recipe_of(row: StudyRow, content: StudyFile) -> tuple[str, tuple[str, ...]]:
    return row.recipe or content.recipe, (*content.overrides, *row.overrides)


def _errors(name: str, overrides: tuple[str, ...], path: Path, location: str) -> list[str]:
    """List the errors of a recipe, prefixed with `location`."""
    try:
        load_recipe(_beside(path, name), overrides)
    except AreosegError as error:
        return [f"{location}: {line}" for line in str(error).splitlines()]
    return []


def _beside(path: Path, recipe: str) -> str:
    """Resolve a recipe file relative to the study; return names unchanged."""
    return str(path.parent / recipe) if recipe.endswith((".yaml", ".yml")) else recipe
