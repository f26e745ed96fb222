"""Registries: the named components of one kind, each registered by a decorator on its function.

A component is a function. Its keyword-only parameters, with their annotations and defaults, are its
options and are validated by pydantic: `gamma: NonNegative = 2.0` in the signature defines an
option. Components from outside the package are registered in the same way; see `utils.plugins`.
"""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from pydantic import Field, create_model

from areoseg.errors import AreosegError, did_you_mean
from areoseg.utils.options import Options
from areoseg.utils.plugins import load_entry_points

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Component:
    """A registered component.

    Attributes:
        name: The name that recipes use.
        function: The function that implements it.
        summary: One line that describes it.
        paper: Its source.
        options: The pydantic model of its options.
        parameters: The names of all parameters of the function.
    """

    name: str
    function: Callable[..., Any]
    summary: str
    paper: str
    options: type[Options]
    parameters: frozenset[str]

    @property
    def defaults(self) -> dict[str, Any]:
        """The default of each option, except `name`."""
        return self.options().model_dump(exclude={"name"})


class Registry(Mapping[str, Component]):
    """The components of one kind by name, in order of registration.

    Installed plugins are loaded when an unknown name is looked up, or when the names are listed.

    Args:
        kind: The kind of component, for example "loss", used in messages.
        base: The options that every component of the kind has.
        injected: Keyword-only parameters that the caller provides, not the recipe.
    """

    def __init__(self, kind: str, base: type[Options], injected: Collection[str] = ()) -> None:
        self.kind = kind
        self.base = base
        self.injected = frozenset(injected)
        self._components: dict[str, Component] = {}

    def __getitem__(self, name: str) -> Component:
        if name not in self._components:
            load_entry_points()
        return self._components[name]

    def __iter__(self) -> Iterator[str]:
        load_entry_points()
        return iter(self._components)

    def __len__(self) -> int:
        load_entry_points()
        return len(self._components)

    def find(self, name: str) -> Component:
        """Return the component called `name`.

        Raises:
            AreosegError: There is none; the message suggests the closest name.
        """
        if name not in self:
            raise AreosegError(f"there is no {self.kind} {name!r}: {did_you_mean(name, self)}")
        return self[name]

    def register(
        self,
        name: str,
        *,
        summary: str = "",
        paper: str = "",
        base: type[Options] | None = None,
        **defaults: Any,
    ) -> Callable[[Function], Function]:
        """Return a decorator that registers a function under `name`.

        Args:
            name: The name that recipes use.
            summary: One line that describes it; by default the first line of its docstring.
            paper: Its source.
            base: Options shared with other components; by default those of the registry.
            **defaults: Defaults of base options that differ for this component.

        Raises:
            ValueError: The name is taken, or an option has no default.
        """

        def enter(function: Function) -> Function:
            other = self._components.get(name)
            # A notebook cell or file that is rerun may register its component again.
            if other is not None and other.function.__module__ != function.__module__:
                raise ValueError(
                    f"two components of the kind {self.kind} are called {name!r}: that of"
                    f" {other.function.__module__} and that of {function.__module__}"
                )
            self._components[name] = Component(
                name=name,
                function=function,
                summary=summary or (inspect.getdoc(function) or name).splitlines()[0].rstrip("."),
                paper=paper,
                options=self._options(name, function, base or self.base, defaults),
                parameters=frozenset(inspect.signature(function).parameters),
            )
            return function

        return enter

    def _options(
        self,
        name: str,
        function: Callable[..., Any],
        base: type[Options],
        defaults: Mapping[str, Any],
    ) -> type[Options]:
        """Create the model of a component's options from the signature of its function."""
        hints = get_type_hints(function, include_extras=True)
        described = described_arguments(function)
        fields: dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is not parameter.KEYWORD_ONLY or parameter.name in self.injected:
                continue
            if parameter.default is parameter.empty:
                raise ValueError(f"{self.kind} {name!r}: option {parameter.name!r} has no default")
            fields[parameter.name] = (
                hints.get(parameter.name, Any),
                Field(parameter.default, description=described.get(parameter.name)),
            )
        for option, default in {"name": name, **defaults}.items():
            if option in base.model_fields:
                field = copy(base.model_fields[option])
                field.default = default
                fields[option] = (field.annotation, field)
        return create_model(
            f"{name.title().replace('-', '').replace('_', '')}Options",
            __base__=base,
            __module__=function.__module__,
            __doc__=inspect.getdoc(function),
            # pydantic would search the source for them for 0.1 s; the descriptions are given
            __cls_kwargs__={"use_attribute_docstrings": False},
            **fields,
        )


def described_arguments(function: Callable[..., Any]) -> dict[str, str]:
    """Return the description of each argument in a Google-style docstring, on one line."""
    section = re.search(r"^Args:\n((?: .*\n?|\n)+)", inspect.getdoc(function) or "", re.MULTILINE)
    if section is None:
        return {}
    entries = re.findall(r"^ {4}\**(\w+): (.+(?:\n {5,}.+)*)", section[1], re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
