"""Reading a study: every training that it asks for, checked before the first begins."""

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.recipes.yaml_text import describe_duplicates
from areoseg.recipes.yaml_text import describe_errors
from areoseg.recipes.yaml_text import line_of
from areoseg.recipes.yaml_text import read_yaml
from areoseg.studies.schema import StudyFile
from areoseg.studies.schema import StudyRow
from areoseg.training.plan import parse_budget

RESULTS = "results"
"""The folder beside a study file that holds the results."""


@dataclass(frozen=True)
class Trial:
    """One training: a row with one seed.

    Attributes:
        section: Name of the section.
        row: Name of the row.
        seed: `training.seed`.
        recipe: What is trained.
        budget_seconds: The time that it may take, or None where the recipe's length counts.
        baseline: The baseline that is scored in place of a network, or None.
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
        """Where its run and its result lie below their folders, without a suffix."""
        return Path(self.section) / f"{self.row}-seed{self.seed}"

    def same_experiment(
        self, recipe: Recipe, budget_seconds: float | None, baseline: str | None = None
    ) -> bool:
        """Whether recipe, budget and baseline are the trial's, whatever the summary says."""
        return (budget_seconds, baseline) == (self.budget_seconds, self.baseline) and _plain(
            recipe
        ) == _plain(self.recipe)


@dataclass(frozen=True)
class Study:
    """A study file that was found good.

    Attributes:
        path: The file.
        content: What it says.
        trials: Every training that it asks for, in the order of the file.
    """

    path: Path
    content: StudyFile
    trials: tuple[Trial, ...]

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return self.path.stem

    @property
    def results(self) -> Path:
        """The folder of the results and tables."""
        return self.path.parent / RESULTS / self.name


def load_study(path: str | Path) -> Study:
    """Read a study file and check every recipe that it comes to.

    Raises:
        AreosegError: One line for each error, with its place in the file.
    """
    path = Path(path)
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
    return Study(path, content, _trials(content, path, node))


def _trials(content: StudyFile, path: Path, node: yaml.Node | None) -> tuple[Trial, ...]:
    """Every training of a study, or one line for each error of its recipes."""
    errors = _errors(content.recipe, content.overrides, path, f"{path}:{line_of(node, ['recipe'])}")
    if errors:  # each row would say the same again
        raise AreosegError("\n".join(errors))
    trials: list[Trial] = []
    for index, section in enumerate(content.sections):
        for number, row in enumerate(section.rows):
            line = line_of(node, ["sections", index, "rows", number])
            where = f"{path}:{line}: {section.name}/{row.name}"
            name, overrides = _recipe_of(row, content)
            found = _errors(name, overrides, path, where)
            errors += found
            if not found:
                trials += _trials_of(row, section.name, content, path)
    if errors:
        raise AreosegError("\n".join(errors))
    return tuple(trials)


def _trials_of(row: StudyRow, section: str, content: StudyFile, path: Path) -> list[Trial]:
    """The row with each of its seeds."""
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


def _errors(name: str, overrides: tuple[str, ...], path: Path, where: str) -> list[str]:
    """What is wrong with a recipe, each line led by `where` in the study."""
    try:
        load_recipe(_beside(path, name), overrides)
    except AreosegError as error:
        return [f"{where}: {line}" for line in str(error).splitlines()]
    return []


def _beside(path: Path, recipe: str) -> str:
    """A recipe's name as it is; a recipe file from the folder of the study."""
    return str(path.parent / recipe) if recipe.endswith((".yaml", ".yml")) else recipe


def _plain(recipe: Recipe) -> Recipe:
    return recipe.model_copy(update={"summary": ""})
