"""A recipe some of whose values a search changes."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import parse_recipe
from areoseg.recipes.loading import read_recipe
from areoseg.search.space import FIXED
from areoseg.search.space import Choices
from areoseg.search.space import Space
from areoseg.search.space import flow_text


@dataclass(frozen=True)
class VariedRecipe:
    """A recipe and the space of values that it is tried with.

    The recipe stays text, so that what it does not say has the default of what a trial chooses:
    another optimizer comes with its own betas, not with those of the first.

    Attributes:
        source: The recipe's name or file.
        text: Its YAML text.
        overrides: Values that are changed in all trials, as `key=value`.
        space: What the trials try.
    """

    source: str
    text: str
    overrides: tuple[str, ...]
    space: Space

    @cached_property
    def base(self) -> Recipe:
        """The recipe without the values of a trial."""
        return self._parse(())

    def sample(self, values: Mapping[str, Any]) -> Recipe:
        """The recipe of a trial.

        Args:
            values: The trial's values, by their dotted names.

        Raises:
            AreosegError: These values do not go together.
        """
        recipe = self._parse(self.space.overrides(values))
        return recipe

    def errors(self) -> list[str]:
        """One line for each range or choice that the recipe does not take, or a search may not try.

        Each is tried by itself, in sections that have the first of their own choices.
        """
        found: dict[tuple[str, str], str] = {}
        for name, entry in self.space.entries.items():
            for text in entry.probes:
                for message in self._refusals(name, text):
                    plain = message.removeprefix(f"override {name}: ")
                    value = f"={text}" if isinstance(entry, Choices) else ""
                    where = f"{self.space.source}:{self.space.lines[name]}: {name}{value}"
                    found.setdefault((name, plain), f"{where}: {plain}")
        return list(found.values())

    def _sections_of(self, name: str) -> list[str]:
        """Overrides of the sections around a value that are in the space too."""
        around = [other for other in self.space.entries if name.startswith(f"{other}.")]
        return [f"{other}={self.space.entries[other].probes[0]}" for other in sorted(around)]

    def _refusals(self, name: str, text: str) -> list[str]:
        """What is wrong with one value, given as YAML text."""
        try:
            recipe = self._parse([*self._sections_of(name), f"{name}={text}"])
        except AreosegError as error:
            return str(error).splitlines()
        return self._fixed_values_changed(name, recipe)

    def _fixed_values_changed(self, name: str, recipe: Recipe) -> list[str]:
        """One line for each fixed value inside a section of the space that is not as it was.

        A choice of a section takes the place of the whole section, so that it changes what it
        leaves out too.
        """
        return [
            f"it changes {fixed} to {flow_text(attrgetter(fixed)(recipe))}, which a search cannot"
            f" do: {reason}: write choices of other values by their names, such as"
            " data.oversample_rare"
            for fixed, reason in FIXED.items()
            if fixed.startswith(f"{name}.")
            and attrgetter(fixed)(recipe) != attrgetter(fixed)(self.base)
        ]

    def _parse(self, overrides: Sequence[str]) -> Recipe:
        given = [*self.overrides, *overrides]
        return parse_recipe(self.text, source=self.source, overrides=given)


def vary_recipe(recipe: str | Path, space: Space, overrides: Sequence[str] = ()) -> VariedRecipe:
    """A recipe, by its name or file, with a space that it was found to take.

    Raises:
        AreosegError: One line for each error of the recipe, or of the space.
    """
    varied = VariedRecipe(str(recipe), read_recipe(recipe), tuple(overrides), space)
    errors = varied.errors()
    if errors:
        raise AreosegError("\n".join(errors))
    return varied
