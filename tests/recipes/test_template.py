"""A recipe as a template: its own values, and all defaults as comments."""

import pytest
import yaml

from areoseg.recipes import load_recipe, parse_recipe, recipe_names, recipe_template


def uncommented(template):
    _, _, body = template.partition("\n\n")
    return "\n".join(line.removeprefix("# ") for line in body.splitlines())


@pytest.mark.parametrize("name", recipe_names())
def test_a_template_is_the_recipe_with_and_without_its_comments(name):
    recipe, template = load_recipe(name), recipe_template(name)
    assert parse_recipe(template) == recipe
    complete = parse_recipe(uncommented(template))
    # The options of the model are written out too, and its defaults are those of the model.
    assert complete.model_copy(update={"model": recipe.model}) == recipe
    assert complete.model.options.items() >= recipe.model.options.items()


def test_every_section_is_there_and_options_are_described():
    lines = recipe_template("flagship").splitlines()
    sections = yaml.safe_load(uncommented(recipe_template("flagship")))
    assert {"model", "network", "data", "split", "loss", "optimizer", "pseudo_labels"} <= {
        *sections
    }
    assert "training:" in lines
    assert "#   batch_size: 32  # Samples per batch" in lines
    assert "  checkpoint: last" in lines
    assert any("clip: 1.0  # Maximum norm of the gradient" in line for line in lines)


def test_comments_of_the_author_are_kept():
    template = recipe_template("flagship")
    assert "weight: 0.5" in template
    assert "lovasz:  # the term that improves big rock most" in template
    assert "data:  # 200 of 2,505 tiles have big rock" in template
