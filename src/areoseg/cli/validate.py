"""`areoseg validate`."""

from areoseg.cli.options import Overrides, Recipe
from areoseg.cli.show import output
from areoseg.recipes import dump_recipe, load_recipe


def validate(recipe: Recipe, /, *overrides: Overrides) -> None:
    """Check a recipe and print all of its values.

    Example: `areoseg validate flagship optimizer.lr=1e-3`
    """
    checked = load_recipe(recipe, overrides)
    output.print(dump_recipe(checked), end="", markup=False)
