"""`areoseg validate`."""

from areoseg.cli.show import output


def validate(recipe: str, /, *overrides: str) -> None:
    """Check a recipe, and print every value that it comes to.

    Args:
        recipe: The name of a recipe, or a YAML file.
        overrides: Values of the recipe to change, as key=value.
    """
    from areoseg.recipes import dump_recipe
    from areoseg.recipes import load_recipe

    checked = load_recipe(recipe, overrides)
    output.print(dump_recipe(checked), end="", markup=False)
