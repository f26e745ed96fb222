import pytest

from areoseg.errors import AreosegError
from areoseg.evaluation.baselines import BASELINES
from areoseg.losses import parse_loss
from areoseg.losses.backpropagators import BACKPROPAGATORS
from areoseg.recipes import (
    Recipe,
    dump_recipe,
    load_recipe,
    parse_recipe,
    recipe_names,
    recipe_text,
)


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_valid_says_what_it_is_and_survives_a_dump(name):
    recipe = load_recipe(name)
    assert recipe.summary
    assert parse_recipe(dump_recipe(recipe)) == recipe


def test_overrides_change_nested_values_and_expand_short_forms():
    recipe = load_recipe(
        "unet",
        ["optimizer.lr=1e-4", "model.widths=[8, 16]", "augment=none", "class_weights.cap=20"],
    )
    assert recipe.optimizer.lr == 1e-4
    assert recipe.model.options["widths"] == [8, 16]
    assert recipe.augment.policy == "none"
    assert recipe.class_weights.cap == 20
    assert recipe.class_weights.scheme == "sqrt"


def test_overrides_reach_into_a_loss_that_is_a_name_and_a_term_that_is_a_weight():
    changes = ["loss=backpropagators", "loss.ce.label_smoothing=0.1", "loss.boundary.weight=0.2"]
    loss = load_recipe("unet", ["data.background=class", *changes]).loss
    assert list(loss.terms) == list(BACKPROPAGATORS)
    ce, boundary = loss.terms["ce"], loss.terms["boundary"]
    assert (ce.weight, ce.label_smoothing) == (1.0, 0.1)
    assert (boundary.weight, boundary.kind) == (0.2, "edges")
    assert load_recipe("basic-unet").loss == parse_loss("backpropagators")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("optimizer.lrr=1", "did you mean 'lr'"),
        ("optimiser.lr=1", "did you mean 'optimizer'"),
        ("training.epochs=0", "override training.epochs"),
        ("training.epochs=many", "override training.epochs"),
        ("loss.dise=1", "did you mean 'dice'"),
        ("augment=flip", "augment"),
        ("augment.elastic.alfa=1", "did you mean 'alpha'"),
        ("data.background=voidd", "data.background"),
        ("split.val=1.5", "split.val"),
        ("lr", "key=value"),
        ("summary=2026-02-30", "the value is not YAML"),
        ("loss.background=1", "needs data.background=class"),
        ("optimizer.lr.x=1", "optimizer.lr"),
        ("loss=dise", "no loss 'dise': did you mean 'dice'"),
        ("training=3", "override training: input should be a mapping of values"),
        ("optimizer=3", "override optimizer: input should be a mapping of values"),
    ],
)
def test_a_wrong_override_is_answered_with_its_name_and_the_nearest_right_one(override, expected):
    with pytest.raises(AreosegError) as caught:
        load_recipe("unet", [override])
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_all_errors_of_a_file_are_told_at_once_each_with_its_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("summary: mine\nmodel: unet\noptimizer:\n  lrr: 1\ntraining:\n  epochs: -1\n")
    with pytest.raises(AreosegError) as caught:
        load_recipe(path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{path}:4: optimizer.lrr")
    assert second.startswith(f"{path}:6: training.epochs")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a list", "mapping"),
        ("model: [unclosed", "not YAML"),
        ("summary: no model", "model"),
        ("model: {name: 3}", "model.name"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(text, expected):
    with pytest.raises(AreosegError, match=expected):
        parse_recipe(text, source="mine.yaml")


def test_an_unknown_recipe_is_answered_with_the_nearest():
    with pytest.raises(AreosegError, match="did you mean 'unet-l'"):
        load_recipe("unet-ll")


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_answered_with_the_command_that_scores_it(name):
    with pytest.raises(AreosegError, match=f"`areoseg baseline {name} --data DATA`"):
        load_recipe(name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AreosegError, match=r"absent\.yaml"):
        load_recipe(tmp_path / "absent.yaml")


def test_the_text_of_a_recipe_is_what_the_file_holds():
    assert parse_recipe(recipe_text("unet")) == load_recipe("unet")


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("model.name=unett", "did you mean 'unet'"),
        ("model.width=[8]", "did you mean 'widths'"),
        ("model.widths=wide", "cannot be built"),
        ("model.classes=5", "model.classes: this follows from the data"),
        ("model.in_channels=3", "model.in_channels: this follows from the data"),
    ],
)
def test_a_model_that_cannot_be_built_is_refused(override, expected):
    with pytest.raises(AreosegError, match=expected):
        load_recipe("unet", [override])


def test_a_recipe_cannot_be_changed():
    recipe = load_recipe("unet")
    with pytest.raises(ValueError, match="frozen"):
        recipe.summary = "other"
    assert isinstance(recipe, Recipe)


def test_duplicate_keys_are_reported_with_all_other_errors():
    text = """\
model: unet
loss:
  dice: -1
  dise: 1
  dice: 2
split: {val: 0.6, test: 0.4}
augment: milde
loss: {ce: 0}
"""
    with pytest.raises(AreosegError) as caught:
        parse_recipe(text, source="mine.yaml")
    assert str(caught.value).splitlines() == [
        "mine.yaml:5: loss.dice: duplicate key (first defined on line 3); remove one",
        "mine.yaml:8: loss: duplicate key (first defined on line 2); remove one",
        "mine.yaml:6: split.test: with split.val=0.6 nothing is left to train on: lower them"
        " (got 0.4)",
        "mine.yaml:8: loss: no term has a weight above 0: give one, such as {ce: 1.0}",
        "mine.yaml:7: augment.policy: there is no policy 'milde': did you mean 'mild'?"
        " (got 'milde')",
    ]


def test_an_alias_inside_itself_is_refused_like_any_other_value():
    with pytest.raises(AreosegError, match="a: no such value"):
        parse_recipe("model: unet\na: &a [*a]")


def test_a_background_that_is_void_cannot_be_priced_and_other_errors_are_told_too():
    text = "model: unet\nloss: {ce: 1, background: 1}\ntraining: {epochs: -1}"
    with pytest.raises(AreosegError) as caught:
        parse_recipe(text, source="mine.yaml")
    first, second = str(caught.value).splitlines()
    assert first.startswith("mine.yaml:2: loss.background: needs data.background=class")
    assert second.startswith("mine.yaml:3: training.epochs")
