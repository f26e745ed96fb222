"""`areoseg recipes`: list, show and copy."""

from pathlib import Path
from typing import Literal

from areoseg.cli.options import Json
from areoseg.cli.show import output, print_json, print_table
from areoseg.errors import AreosegError


def recipes(
    action: Literal["list", "show", "copy"] = "list",
    name: str | None = None,
    destination: Path | None = None,
    /,
    *,
    json: Json = False,
) -> None:
    """List, show or copy recipes; a copy has all defaults as comments.

    Examples: `areoseg recipes`, `areoseg recipes show flagship`, `areoseg recipes copy flagship
    mine.yaml`

    Args:
        action: What to do.
        name: The recipe to show or copy.
        destination: The file to copy to. Default: NAME.yaml in the current folder.
    """
    from areoseg.recipes import load_recipe, recipe_summaries, recipe_template, recipe_text
    from areoseg.utils.files import write_text

    if action == "list":
        rows = recipe_summaries()
        if json:
            print_json(rows)
        else:
            print_table(["recipe", "model", "summary"], [list(row.values()) for row in rows])
        return
    if name is None:
        raise AreosegError(f"recipes {action}: name a recipe; `areoseg recipes` lists them")
    if action == "show":
        if json:
            print_json(load_recipe(name).model_dump(mode="json", by_alias=True))
        else:
            output.print(recipe_text(name), end="", markup=False)
        return
    target = destination or Path(f"{name}.yaml")
    if target.exists():
        raise AreosegError(f"{target}: this file already exists: choose another name")
    write_text(target, recipe_template(name))
    output.print(str(target))
