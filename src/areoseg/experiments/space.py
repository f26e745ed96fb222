"""Search spaces: a YAML file with a range or choices for each hyperparameter of a recipe."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, ValidationError, field_validator, model_validator

from areoseg.errors import AreosegError, one_line
from areoseg.recipes import Recipe, parse_recipe
from areoseg.recipes.loading import read_recipe
from areoseg.recipes.yaml_text import describe_duplicates, line_of, read_yaml
from areoseg.utils.options import Options

Number = int | float

FIXED = {
    "split": "trials on other samples could not be compared",
    "protocol": "scores of other protocols could not be compared",
    "data.audit": "it changes the split, so trials could not be compared",
    "data.scale": "it changes the samples, so trials could not be compared",
    "data.tile": "it changes the split, so trials could not be compared",
    "summary": "it changes nothing",
}
"""Values that a search may not change, and why."""


class Range(Options):
    """A range of numbers, including both ends.

    The numbers are integers if `low`, `high` and `step` are all written without a decimal point.
    """

    low: Number
    high: Number
    log: bool = False
    """Sample uniformly on a logarithmic scale."""
    step: Annotated[Number, Field(gt=0)] | None = None
    """Distance between candidate values, starting at `low`."""

    @model_validator(mode="after")
    def _check_ends(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) is not below high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs a low above 0 (got {self.low})")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other: remove one")
        if self.step is not None:
            steps = (self.high - self.low) / self.step
            if abs(steps - round(steps)) > 1e-6:
                last = self.low + int(steps) * self.step
                raise ValueError(f"steps of {self.step} do not end at high: write high: {last:g}")
        return self

    @property
    def whole(self) -> bool:
        """Whether the range has integers only."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 0))

    @property
    def distribution(self) -> BaseDistribution:
        """The range as an Optuna distribution."""
        if self.whole:
            return IntDistribution(
                int(self.low), int(self.high), log=self.log, step=int(self.step or 1)
            )
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    @property
    def probes(self) -> tuple[str, ...]:
        """YAML texts of the values that are checked against the recipe: both ends."""
        return (flow_text(self.low), flow_text(self.high))

    def __str__(self) -> str:
        kind = "whole numbers from" if self.whole else "from"
        steps = "" if self.step is None else f" in steps of {self.step:g}"
        return f"{kind} {self.low:g} to {self.high:g}{steps}{', logarithmic' if self.log else ''}"


class Choices(Options):
    """A list of candidate values of any type."""

    choices: Annotated[tuple[Any, ...], Field(min_length=2)]

    @field_validator("choices")
    @classmethod
    def _check_choices(cls, choices: tuple[Any, ...]) -> tuple[Any, ...]:
        if len({flow_text(choice) for choice in choices}) < len(choices):
            raise ValueError("duplicate choice: remove one")
        return choices

    @property
    def probes(self) -> tuple[str, ...]:
        """The YAML text of each choice."""
        return tuple(flow_text(choice) for choice in self.choices)

    @property
    def distribution(self) -> BaseDistribution:
        """The choices as an Optuna distribution of YAML texts, since Optuna accepts no lists."""
        return CategoricalDistribution(self.probes)

    def __str__(self) -> str:
        return " or ".join(self.probes)


@dataclass(frozen=True)
class Space:
    """A valid search space.

    Attributes:
        source: The file.
        entries: Range or choices by dotted name.
        lines: The line of each name in the file, from 1.
    """

    source: str
    entries: Mapping[str, Range | Choices]
    lines: Mapping[str, int]

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna distributions."""
        return {name: entry.distribution for name, entry in self.entries.items()}

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """Return the values of a trial as `key=value`, sections before the values in them."""
        ordered = sorted(values, key=lambda name: name.count("."))
        return [f"{name}={self.text(name, values[name])}" for name in ordered]

    def text(self, name: str, value: Any) -> str:
        """Return the YAML text of one value of a trial."""
        return str(value) if isinstance(self.entries[name], Choices) else flow_text(value)


def load_space(path: str | Path) -> Space:
    """Read a space file.

    Raises:
        AreosegError: One line for each error, with its place in the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(f"{path}: cannot read this space: {one_line(error)}") from None
    tree, node = read_yaml(text, str(path))
    if not isinstance(tree, dict) or not tree:
        raise AreosegError(
            f"{path}: a space is a mapping, such as `optimizer.lr: {{low: 1.0e-4, high: 1.0e-2}}`"
        )
    entries: dict[str, Range | Choices] = {}
    errors = describe_duplicates(node, str(path))
    for name, values in tree.items():
        try:
            entries[str(name)] = _entry(str(name), values)
        except ValidationError as error:
            for detail in error.errors():
                line = line_of(node, [str(name), *detail["loc"]])
                dotted = ".".join(str(key) for key in (name, *detail["loc"]))
                errors.append(f"{path}:{line}: {dotted}: {_message(detail['type'], detail['msg'])}")
        except AreosegError as error:
            errors.append(f"{path}:{line_of(node, [str(name)])}: {name}: {error}")
    if errors:
        raise AreosegError("\n".join(errors))
    return Space(str(path), entries, {name: line_of(node, [name]) for name in entries})


def flow_text(value: Any) -> str:
    """Dump a value as YAML on one line, for example `[16, 32]`."""
    text = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _entry(name: str, values: Any) -> Range | Choices:
    """Parse one entry of the file."""
    for fixed, reason in FIXED.items():
        if name == fixed or name.startswith(f"{fixed}."):
            raise AreosegError(f"a search cannot change this value: {reason}")
    if not isinstance(values, dict):
        raise AreosegError("write {low: ..., high: ...} or {choices: [...]}")
    kind = Choices if "choices" in values else Range
    return kind.model_validate(values)


def _message(kind: str, message: str) -> str:
    if kind == "missing":
        return "missing: write {low: ..., high: ...} or {choices: [...]}"
    if kind == "extra_forbidden":
        return "no such setting: a range has low, high, log and step; choices have choices"
    plain = message.removeprefix("Value error, ")
    return plain[0].lower() + plain[1:]


@dataclass(frozen=True)
class VariedRecipe:
    """A recipe with a search space.

    The recipe is kept as text, so that omitted values get the defaults of the sampled components:
    for example, another optimizer has its own default betas.

    Attributes:
        source: The recipe's name or file.
        text: Its YAML text.
        overrides: Values to change in all trials, as `key=value`.
        space: The search space.
    """

    source: str
    text: str
    overrides: tuple[str, ...]
    space: Space

    @cached_property
    def base(self) -> Recipe:
        """The recipe with the overrides of all trials."""
        return self._parse(())

    def sample(self, values: Mapping[str, Any]) -> Recipe:
        """Return the recipe of a trial.

        Args:
            values: The trial's values, by their dotted names.

        Raises:
            AreosegError: The combination of values is not valid.
        """
        return self._parse(self.space.overrides(values))

    def errors(self) -> list[str]:
        """Return one line for each range or choice that is not valid in the recipe.

        Each value is checked alone, with the first choice of the sections that contain it.
        """
        errors: dict[tuple[str, str], str] = {}
        for name, entry in self.space.entries.items():
            for text in entry.probes:
                for message in self._refusals(name, text):
                    plain = message.removeprefix(f"override {name}: ")
                    value = f"={text}" if isinstance(entry, Choices) else ""
                    location = f"{self.space.source}:{self.space.lines[name]}: {name}{value}"
                    errors.setdefault((name, plain), f"{location}: {plain}")
        return list(errors.values())

    def _sections_of(self, name: str) -> list[str]:
        """Return overrides for sections of the space that contain a value."""
        around = [other for other in self.space.entries if name.startswith(f"{other}.")]
        return [f"{other}={self.space.entries[other].probes[0]}" for other in sorted(around)]

    def _refusals(self, name: str, text: str) -> list[str]:
        """List the errors of one value, given as YAML text."""
        try:
            recipe = self._parse([*self._sections_of(name), f"{name}={text}"])
        except AreosegError as error:
            return str(error).splitlines()
        return self._fixed_values_changed(name, recipe)

    def _fixed_values_changed(self, name: str, recipe: Recipe) -> list[str]:
        """Return one line for each fixed value that a choice of a section changes.

        A choice replaces the entire section, including values that it omits.
        """
        return [
            f"it changes {fixed} to {flow_text(attrgetter(fixed)(recipe))}, which a search cannot"
            f" do: {reason}. Search other values by name, for example data.oversample_rare"
            for fixed, reason in FIXED.items()
            if fixed.startswith(f"{name}.")
            and attrgetter(fixed)(recipe) != attrgetter(fixed)(self.base)
        ]

    def _parse(self, overrides: Sequence[str]) -> Recipe:
        given = [*self.overrides, *overrides]
        return parse_recipe(self.text, source=self.source, overrides=given)


def vary_recipe(recipe: str | Path, space: Space, overrides: Sequence[str] = ()) -> VariedRecipe:
    """Combine a recipe with a search space, and check the space.

    Raises:
        AreosegError: One line for each error of the recipe, or of the space.
    """
    varied = VariedRecipe(str(recipe), read_recipe(recipe), tuple(overrides), space)
    errors = varied.errors()
    if errors:
        raise AreosegError("\n".join(errors))
    return varied
