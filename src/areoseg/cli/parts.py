"""`areoseg parts`."""

from collections.abc import Mapping
from typing import Any

from areoseg.cli.options import AsJson
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean


def parts(place: str | None = None, /, *, json: AsJson = False) -> None:
    """List what a recipe can be put together from: losses, optimizers, schedules, augmentation.

    Examples: `areoseg parts`, and with every option and its default `areoseg parts optimizer`.
    `areoseg models` lists the models.

    Args:
        place: The section of a recipe: loss, class_weights, optimizer, schedule or augment.
        json: Print JSON for programs instead of tables.
    """
    from areoseg.recipes.parts import choices

    found = choices()
    if place is not None:
        names = list(dict.fromkeys(choice.place.partition(".")[0] for choice in found))
        if place not in names:
            hint = did_you_mean(place, names)
            raise AreosegError(f"parts {place}: a recipe chooses nothing there: {hint}")
        found = tuple(choice for choice in found if choice.place.partition(".")[0] == place)
    if json:
        print_json({choice.place: [vars(part) for part in choice.parts] for choice in found})
        return
    for choice in found:
        columns = ["name", "summary"] + (["options"] if place else [])
        print_table(
            columns,
            [
                [part.name, part.summary, _options(part.options)][: len(columns)]
                for part in choice.parts
            ],
            title=f"{choice.place}, such as `{choice.example}`",
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
