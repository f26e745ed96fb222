"""The recipes of the report's Table 1 are what the report says of them."""

import pytest

from areoseg.losses import parse_loss
from areoseg.recipes import load_recipe, stage_recipes

ROWS = {
    "basic-unet": ("unet", "mild"),
    "unet-aspp": ("unet-aspp", "mild"),
    "unet-attention": ("unet-attention", "mild"),
    "unet-l-complex": ("unet-l", "complex"),
    "unet-l-mild": ("unet-l", "mild"),
    "unet-l-finetuned": ("unet-l", "mild"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_the_losses_the_optimizer_and_the_augmentation_of_the_report(name):
    recipe = load_recipe(name)
    assert (recipe.model.name, recipe.augment.policy) == ROWS[name]
    assert recipe.augment.original == 0.5
    assert recipe.loss == parse_loss("backpropagators")
    assert recipe.class_weights.scheme == "inverse"
    assert recipe.data.background == "class"
    optimizer = recipe.optimizer
    assert optimizer.name == "adamw"
    assert (optimizer.lr, optimizer.weight_decay, optimizer.clip) == (1e-4, 0.004, None)
    assert recipe.schedule.options == {"warmup": 0.0, "factor": 0.5, "patience": 15}
    assert (recipe.training.batch_size, recipe.training.patience) == (32, 30)
    assert recipe.training.ema == 0


def test_the_rows_differ_in_model_and_augmentation_alone():
    first, *others = (load_recipe(name) for name in ROWS if name != "unet-l-finetuned")
    for other in others:
        alike = {"l2": first.optimizer.l2}
        assert other.optimizer.model_copy(update=alike) == first.optimizer
        same = {name: getattr(first, name) for name in ("summary", "model", "augment", "optimizer")}
        assert other.model_copy(update=same) == first


def test_the_pyramid_has_the_rates_of_the_report():
    options = load_recipe("unet-aspp").model.options
    assert options == {"variant": "homework", "rates": [6, 12, 18]}


def test_fine_tuning_goes_on_from_the_best_row_with_rigid_transforms():
    first, second = stage_recipes(load_recipe("unet-l-finetuned"))
    best = load_recipe("unet-l-mild")
    assert first.model_copy(update={"summary": best.summary}) == best
    assert second.augment.policy == "rigid"
    assert 0 < second.optimizer.lr < best.optimizer.lr
    assert second.loss == best.loss
