import inspect

import pytest

from areoseg.data.split import split_samples
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.recipes.schema import SplitSettings


def test_the_settings_are_the_options_of_the_split_with_its_defaults():
    options = inspect.signature(split_samples).parameters
    for name, field in SplitSettings.model_fields.items():
        assert options[name].default == field.default
    assert options.keys() - SplitSettings.model_fields.keys() == {"samples", "taxonomy", "pixels"}


def test_a_bare_word_is_the_strategy():
    recipe = load_recipe("unet", ["split=dispersion", "split.threshold=0.45", "split.folds=5"])
    assert recipe.split == SplitSettings(strategy="dispersion", threshold=0.45, folds=5)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["split.strategy=luck"], "split.strategy"),
        (["split.threshold=0.3"], "only split.strategy=dispersion"),
        (["split=dispersion", "split.threshold=-1"], "split.threshold"),
        (["split.folds=1"], "split.folds"),
        (["split.fold=2"], "set split.folds"),
        (["split.folds=5", "split.fold=5"], "5 folds are counted 0 to 4"),
        (["split.folds=many", "split.fold=1"], "split.folds"),
        (["data.max_background=2"], "data.max_background"),
    ],
)
def test_settings_that_do_not_fit_are_one_line_with_their_name(overrides, expected):
    with pytest.raises(AreosegError) as caught:
        load_recipe("unet", overrides)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
