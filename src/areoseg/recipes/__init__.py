"""Recipes: small YAML files that describe a whole experiment."""

from areoseg.recipes.components import components
from areoseg.recipes.loading import (
    dump_recipe,
    load_recipe,
    parse_recipe,
    recipe_names,
    recipe_summaries,
    recipe_text,
    write_recipe,
)
from areoseg.recipes.schema import PseudoLabelSettings, Recipe
from areoseg.recipes.stages import stage_recipes
from areoseg.recipes.template import recipe_template

__all__ = [
    "PseudoLabelSettings",
    "Recipe",
    "components",
    "dump_recipe",
    "load_recipe",
    "parse_recipe",
    "recipe_names",
    "recipe_summaries",
    "recipe_template",
    "recipe_text",
    "stage_recipes",
    "write_recipe",
]
