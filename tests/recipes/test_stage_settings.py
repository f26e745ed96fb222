"""What a recipe may say of stages, and how what is wrong with them is told."""

import pytest

from areoseg.errors import AreosegError
from areoseg.recipes import dump_recipe, load_recipe, parse_recipe, stage_recipes

THREE = """\
model: unet
augment: {policy: mild, gamma: {probability: 0.3}}
optimizer: {name: sgd, lr: 0.1, momentum: 0.95}
loss: {ce: 1, dice: 0.5}
stages:
  - epochs: 40
  - epochs: 8
    augment: {original: 0.2, elastic: {alpha: 4}}
    optimizer: {lr: 0.01}
    data: {oversample_rare: 0.3}
  - epochs: 2
    loss: {lovasz: 1}
    augment: mild
    optimizer: lion
    schedule: constant
    class_weights: {cap: 10}
"""


def errors(text, *overrides):
    with pytest.raises(AreosegError) as caught:
        parse_recipe(text, source="mine.yaml", overrides=overrides)
    return str(caught.value).splitlines()


def test_a_stage_changes_single_values_unless_it_names_another_kind():
    recipe = parse_recipe(THREE)
    first, second, third = stage_recipes(recipe)
    assert first == recipe.model_copy(update={"stages": (), "training": first.training})
    assert [each.training.epochs for each in (first, second, third)] == [40, 8, 2]
    assert (second.optimizer.lr, second.optimizer.momentum) == (0.01, 0.95)
    assert (second.augment.original, second.augment.elastic.alpha) == (0.2, 4)
    assert second.augment.elastic.sigma == first.augment.elastic.sigma
    assert second.augment.gamma == first.augment.gamma
    assert second.data.oversample_rare == 0.3
    assert second.loss == first.loss
    assert (third.optimizer.name, third.optimizer.lr) == ("lion", 4e-4)
    assert "gamma" not in third.augment.transforms
    assert third.loss.terms.keys() == {"lovasz"}
    assert (third.class_weights.scheme, third.class_weights.cap) == ("sqrt", 10)
    assert third.schedule.name == "constant"
    assert third.data == first.data


def test_a_recipe_without_stages_is_its_own_only_stage():
    recipe = load_recipe("unet")
    assert stage_recipes(recipe) == (recipe,)
    assert "stages" not in dump_recipe(recipe)


def test_a_dump_has_what_a_stage_changes_and_reads_as_the_same_recipe():
    recipe = parse_recipe(THREE)
    text = dump_recipe(recipe)
    assert parse_recipe(text) == recipe
    assert "- epochs: 40\n- epochs: 8\n  data:" in text
    changed = parse_recipe(THREE, overrides=["stages.1.augment.vertical_flip=null"])
    assert parse_recipe(dump_recipe(changed)) == changed != recipe


def test_the_length_is_the_sum_of_the_stages_unless_it_is_said():
    assert parse_recipe(THREE).training.epochs == 50
    assert parse_recipe(THREE, overrides=["training.epochs=5"]).training.epochs == 5
    assert parse_recipe(THREE, overrides=["training.seed=3"]).training.epochs == 50
    assert parse_recipe(THREE, overrides=["stages.0.epochs=1"]).training.epochs == 11


def test_an_override_reaches_into_a_stage_by_its_position():
    recipe = parse_recipe(
        THREE,
        overrides=["stages.2.optimizer.lr=0.5", "stages.0.augment=none", "stages.2.loss.ce=1"],
    )
    assert (recipe.stages[2].optimizer.name, recipe.stages[2].optimizer.lr) == ("lion", 0.5)
    assert recipe.stages[0].augment.policy == "none"
    assert recipe.stages[2].loss.terms.keys() == {"ce", "lovasz"}


def test_aliases_are_not_changed_together():
    text = "model: unet\nstages:\n  - &first {epochs: 3, augment: {policy: mild}}\n  - *first\n"
    recipe = parse_recipe(text, overrides=["stages.1.augment.original=0"])
    assert [stage.augment.original for stage in recipe.stages] == [0.5, 0]


def test_all_errors_of_all_stages_come_at_once_with_their_places():
    text = """\
model: unet
stages:
  - epochs: 0
  - epochs: -2
    augmant: mild
    optimizer: {momentum: 0.9, name: lion}
    loss: {ce: -1, dise: 2}
    schedule: cosin
    augment: {policy: rigid, elastic: {alpha: -1}}
  - data: {tile: [3, 3], oversample_rare: 2}
"""
    assert {
        line.split(": input")[0].split(": no")[0].split(": miss")[0].split(": there")[0]
        for line in errors(text)
    } == {
        "mine.yaml:3: stages.0.epochs",
        "mine.yaml:4: stages.1.epochs",
        "mine.yaml:5: stages.1.augmant",
        "mine.yaml:6: stages.1.optimizer.momentum",
        "mine.yaml:7: stages.1.loss.ce.weight",
        "mine.yaml:7: stages.1.loss.dise",
        "mine.yaml:8: stages.1.schedule.name",
        "mine.yaml:9: stages.1.augment.elastic.alpha",
        "mine.yaml:10: stages.2.epochs",
        "mine.yaml:10: stages.2.data.oversample_rare",
    }


def test_an_error_of_the_recipe_is_not_told_again_in_its_stages():
    text = "model: unet\noptimizer: {lrr: 1}\nstages: [{epochs: 1, optimizer: {momentum: 0.9}}]"
    (line,) = errors(text)
    assert line.startswith("mine.yaml:2: optimizer.lrr: no such value")


def test_an_error_of_the_recipe_hides_none_of_a_section_that_is_complete():
    text = """\
model: unet
loss: {ce: -1}
augment: mildd
optimizer: {lr: 0}
stages:
  - epochs: 1
    loss: {dice: -1}
    augment: rigidd
    optimizer: {name: sgd, momentum: 2}
"""
    assert [line.split(": input")[0].split(": there is no")[0] for line in errors(text)] == [
        "mine.yaml:2: loss.ce.weight",
        "mine.yaml:3: augment.policy",
        "mine.yaml:4: optimizer.lr",
        "mine.yaml:7: stages.0.loss.dice.weight",
        "mine.yaml:8: stages.0.augment.policy",
        "mine.yaml:9: stages.0.optimizer.momentum",
    ]


def test_a_stage_may_name_its_loss():
    text = "model: unet\nstages: [{epochs: 1}, {epochs: 1, loss: dice}]"
    first, second = parse_recipe(text).stages
    assert list(first.loss.terms) == ["ce"]
    assert list(second.loss.terms) == ["dice"]


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        ("{epochs: 3}", "mine.yaml:2: stages: write a list, such as"),
        ("3", "mine.yaml:2: stages: write a list, such as"),
        ("[3]", "mine.yaml:2: stages.0: input should be"),
        ("[{epochs: 1, optimizer: null}]", "mine.yaml:2: stages.0.optimizer: input should be"),
        ("[{epochs: 1, data: {audit: false}}]", "stages.0.data.audit: stages cannot change this"),
        ("[{epochs: 1, data: {scale: 0.5}}]", "stages.0.data.scale: stages cannot change this"),
        ("[{epochs: 1}, {epochs: 1, loss: {background: 1}}]", "stages.1.loss.background: needs"),
        ("[{epochs: 1, training: {ema: 0}}]", "stages.0.training: no such value"),
        ("[{epochs: 1, schedule: linear}]", "stages.0.schedule.name: there is no schedule"),
    ],
)
def test_a_wrong_stage_is_one_line(stages, expected):
    (line,) = errors(f"model: unet\nstages: {stages}")
    assert expected in line


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("stages.2.epochs=1", "there is no '2': 2 entries are counted from 0"),
        ("stages.last.epochs=1", "there is no 'last'"),
        ("stages.1.epochs=0", "override stages.1.epochs: input should be greater than 0"),
        ("stages=[{epochs: 1, epochs: 2}]", "override stages.0.epochs: duplicate key"),
    ],
)
def test_a_wrong_override_of_a_stage_is_one_line(override, expected):
    (line,) = errors("model: unet\nstages: [{epochs: 1}, {epochs: 2}]", override)
    assert expected in line


def test_background_cannot_be_priced_in_a_stage_where_it_is_void():
    text = """\
model: unet
data: {background: class}
loss: {ce: 1, background: 1}
stages: [{epochs: 1}, {epochs: 1, data: {background: void}}]
"""
    (line,) = errors(text)
    assert line.startswith("mine.yaml:4: stages.1.loss.background: needs data.background=class")
