"""`areoseg components`."""

from collections.abc import Mapping
from typing import Any

from areoseg.cli.options import AsJson
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean


def components(place: str | None = None, /, *, json: AsJson = False) -> None:
    """List the components of recipes: losses, optimizers, schedules and augmentation.

    Examples: `areoseg components`, and with all options and their defaults
    `areoseg components optimizer`. `areoseg models` lists the models.

    Args:
        place: The section of a recipe: loss, class_weights, optimizer, schedule or augment.
        json: Print JSON for programs instead of tables.
    """
    from areoseg.recipes import components as list_components

    lists = list_components()
    if place is not None:
        names = list(dict.fromkeys(each.place.partition(".")[0] for each in lists))
        if place not in names:
            hint = did_you_mean(place, names)
            raise AreosegError(f"components {place}: there is no such section: {hint}")
        lists = tuple(each for each in lists if each.place.partition(".")[0] == place)
    if json:
        print_json({each.place: [vars(entry) for entry in each.entries] for each in lists})
        return
    for each in lists:
        columns = ["name", "summary"] + (["options"] if place else [])
        print_table(
            columns,
            [
                [entry.name, entry.summary, _options(entry.options)][: len(columns)]
                for entry in each.entries
            ],
            title=f"{each.place}, for example `{each.example}`",
        )
        output.print()


def _options(options: Mapping[str, Any]) -> str:
    """Options with their defaults, as an override would say them."""
    return ", ".join(f"{name}={_plain(value)}" for name, value in options.items()) or "-"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_plain(each)}" for name, each in value.items()) + "}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
