"""`areoseg validate`."""

from areoseg.cli.options import Overrides, Recipe
from areoseg.cli.show import output


def validate(recipe: Recipe, /, *overrides: Overrides) -> None:
    """Check a recipe and print all of its values.

    Example: `areoseg validate flagship optimizer.lr=1e-3`
    """
    from areoseg.recipes import dump_recipe, load_recipe

    checked = load_recipe(recipe, overrides)
    output.print(dump_recipe(checked), end="", markup=False)
