"""`areoseg components`."""

from collections.abc import Mapping
from typing import Any, Literal

from areoseg.cli.options import Json
from areoseg.cli.show import output, print_json, print_table


def components(
    section: Literal["loss", "class_weights", "optimizer", "schedule", "augment"] | None = None,
    /,
    *,
    json: Json = False,
) -> None:
    """List losses, optimizers, schedules and augmentations that recipes can use.

    `areoseg models` lists the models.

    Example: `areoseg components optimizer` lists the optimizers with their options and defaults.

    Args:
        section: The section of a recipe; its components are listed with their options.
    """
    from areoseg.recipes import components as list_components

    listed = [
        group for group in list_components() if section in (None, group.place.partition(".")[0])
    ]
    if json:
        print_json({group.place: [vars(entry) for entry in group.entries] for group in listed})
        return
    columns = ["name", "summary"] + (["options"] if section else [])
    for group in listed:
        print_table(
            columns,
            [
                [entry.name, entry.summary, _options(entry.options)][: len(columns)]
                for entry in group.entries
            ],
            title=f"{group.place}, for example `{group.example}`",
        )
        output.print()


def _options(options: Mapping[str, Any]) -> str:
    """Return the options with their defaults, formatted as overrides."""
    return ", ".join(f"{name}={_yaml(value)}" for name, value in options.items()) or "-"


def _yaml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_yaml(entry)}" for name, entry in value.items()) + "}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
