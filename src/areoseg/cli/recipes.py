"""`areoseg recipes`: list, show and copy."""

from pathlib import Path
from typing import Literal

from areoseg.cli.options import AsJson
from areoseg.cli.show import output
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.errors import AreosegError


def recipes(
    action: Literal["list", "show", "copy"] = "list",
    name: str | None = None,
    destination: Path | None = None,
    /,
    *,
    json: AsJson = False,
) -> None:
    """List the recipes, show one, or copy one with all defaults as comments.

    Examples: `areoseg recipes`, `areoseg recipes show unet-l`,
    `areoseg recipes copy unet-l mine.yaml`.

    Args:
        action: list, show or copy.
        name: The recipe to show or copy.
        destination: The file to copy to; NAME.yaml here by default.
        json: Print JSON for programs instead of tables.
    """
    from areoseg.recipes import load_recipe
    from areoseg.recipes import recipe_summaries
    from areoseg.recipes import recipe_template
    from areoseg.recipes import recipe_text
    from areoseg.utils.files import write_text

    if action == "list":
        rows = recipe_summaries()
        if json:
            print_json(rows)
        else:
            print_table(["recipe", "model", "summary"], [list(row.values()) for row in rows])
        return
    if name is None:
        raise AreosegError(f"recipes {action}: which one? `areoseg recipes` lists them")
    if action == "show":
        if json:
            print_json(load_recipe(name).model_dump(mode="json", by_alias=True))
        else:
            output.print(recipe_text(name), end="", markup=False)
        return
    text = recipe_template(name)
    target = destination or Path(f"{name}.yaml")
    if target.exists():
        raise AreosegError(f"{target}: exists already: name another file")
    write_text(target, text)
    output.print(str(target))
