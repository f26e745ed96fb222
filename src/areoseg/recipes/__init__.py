"""Recipes: small YAML files that say a whole experiment."""

from areoseg.recipes.loading import check_model
from areoseg.recipes.loading import dump_recipe
from areoseg.recipes.loading import load_recipe
from areoseg.recipes.loading import parse_recipe
from areoseg.recipes.loading import recipe_names
from areoseg.recipes.loading import recipe_text
from areoseg.recipes.schema import Recipe
from areoseg.recipes.stages import stage_recipes
from areoseg.recipes.unlabeled import UnlabeledSettings

__all__ = [
    "Recipe",
    "UnlabeledSettings",
    "check_model",
    "dump_recipe",
    "load_recipe",
    "parse_recipe",
    "recipe_names",
    "recipe_text",
    "stage_recipes",
]
