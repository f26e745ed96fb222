import pytest
import yaml

from areoseg.errors import AreosegError
from areoseg.experiments.space import flow_text, load_space, vary_recipe


def written(tmp_path, text):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return path


def refused(tmp_path, text, recipe="unet"):
    with pytest.raises(AreosegError) as caught:
        vary_recipe(recipe, load_space(written(tmp_path, text)))
    return str(caught.value).splitlines()


GOOD = """
optimizer.lr: {low: 1e-4, high: 1e-2, log: true}
model.widths: {choices: [[16, 32, 64], [32, 64, 128]]}
training.batch_size: {low: 8, high: 64, step: 8}
augment.policy: {choices: [none, flips, mild]}
loss: {choices: [{ce: 1}, {ce: 1, dice: 0.5}]}
"""


def test_a_good_space_gives_distributions_and_recipes(tmp_path):
    varied = vary_recipe("unet", load_space(written(tmp_path, GOOD)))
    distributions = varied.space.distributions
    assert distributions["optimizer.lr"].log
    assert (
        distributions["training.batch_size"].high,
        distributions["training.batch_size"].step,
    ) == (64, 8)
    recipe = varied.sample(
        {
            "optimizer.lr": 0.00001234,
            "model.widths": "[16, 32, 64]",
            "training.batch_size": 24,
            "augment.policy": "mild",
            "loss": "{ce: 1, dice: 0.5}",
        }
    )
    assert recipe.optimizer.lr == 0.00001234
    assert recipe.model.options["widths"] == [16, 32, 64]
    assert recipe.training.batch_size == 24
    assert recipe.augment.policy == "mild"
    assert recipe.loss.terms["dice"].weight == 0.5


def test_another_optimizer_comes_with_its_own_defaults(tmp_path):
    space = load_space(written(tmp_path, "optimizer: {choices: [adamw, lion]}"))
    varied = vary_recipe("unet", space, ["optimizer=adamw"])
    assert varied.sample({"optimizer": "lion"}).optimizer.betas == (0.9, 0.99)


def test_a_section_is_applied_before_the_values_inside_it(tmp_path):
    text = (
        "optimizer.momentum: {low: 0.5, high: 0.99}\n"
        "optimizer: {choices: [{name: sgd}, {name: sgd, lr: 0.2}]}\n"
    )
    varied = vary_recipe("unet", load_space(written(tmp_path, text)))
    recipe = varied.sample({"optimizer.momentum": 0.75, "optimizer": "{name: sgd, lr: 0.2}"})
    assert (recipe.optimizer.lr, recipe.optimizer.momentum) == (0.2, 0.75)


@pytest.mark.parametrize(
    "value", [1e-5, 3, "none", "null", None, True, [16, 32], {"a": [1, 2.5]}, "1e-3"]
)
def test_flow_text_is_one_line_that_reads_as_the_same_value(value):
    text = flow_text(value)
    assert "\n" not in text
    assert yaml.safe_load(text) == value


def test_numbers_are_whole_only_where_all_are_written_so(tmp_path):
    text = "a: {low: 0, high: 4}\nb: {low: 0, high: 1.0}\nc: {low: 0, high: 1, step: 0.25}"
    whole = {
        name: entry.whole for name, entry in load_space(written(tmp_path, text)).entries.items()
    }
    assert whole == {"a": True, "b": False, "c": False}


def test_every_error_of_a_space_is_named_with_its_line(tmp_path):
    lines = refused(
        tmp_path,
        "optimizer.lr: {low: 1.0, high: 0.1}\n"
        "training.ema: {low: 0.9}\n"
        "optimizer.weight_decay: {low: 0, high: 1.0, log: true}\n"
        "training.batch_size: {low: 8, high: 20, step: 8}\n"
        "augment.policy:\n  choices: [mild]\n"
        "model.widths: {choices: [[8, 16], [8, 16]]}\n"
        "loss.dice: 3\n"
        "split.seed: {low: 0, high: 9}\n"
        "training.swa: {low: 0.0, high: 0.5, steps: 2}\n",
    )
    expected = {
        1: "low (1.0) is not below high (0.1)",
        2: "training.ema.high: missing",
        3: "log needs a low above 0",
        4: "write high: 16",
        6: "augment.policy.choices",
        7: "duplicate choice",
        8: "write {low: ..., high: ...} or {choices: [...]}",
        9: "cannot change this value: trials on other samples",
        10: "training.swa.steps: no such setting",
    }
    assert len(lines) == len(expected)
    for line, (number, text) in zip(lines, expected.items(), strict=True):
        assert f"space.yaml:{number}: " in line
        assert text in line


def test_names_and_values_that_the_recipe_does_not_take_are_all_named(tmp_path):
    lines = refused(
        tmp_path,
        "optimizer.lrr: {low: 0.1, high: 0.2}\n"
        "augment.policy: {choices: [none, flipz]}\n"
        "training.batch_size: {low: -8, high: 8}\n"
        "model.widhts: {choices: [[8, 16], [16, 32]]}\n"
        "training.epochs: {low: 1.5, high: 3.5}\n",
    )
    assert "did you mean 'lr'?" in lines[0]
    assert sum("space.yaml:1: optimizer.lrr" in line for line in lines) == 1
    assert any("space.yaml:2: augment.policy=flipz" in line for line in lines)
    assert not any("augment.policy=none" in line for line in lines)
    assert any("space.yaml:3: training.batch_size" in line and "-8" in line for line in lines)
    assert any("space.yaml:4: model.widhts" in line for line in lines)
    assert any("space.yaml:5: training.epochs" in line for line in lines)


def test_a_section_cannot_change_what_a_search_may_not(tmp_path):
    (line,) = refused(tmp_path, "data: {choices: [{scale: 1.0}, {scale: 0.5}]}")
    assert "space.yaml:1: data={scale: 0.5}: it changes data.scale to 0.5" in line
    assert "it changes the samples" in line


def test_a_section_cannot_leave_out_what_a_search_may_not_change(tmp_path):
    space = load_space(
        written(
            tmp_path,
            "data: {choices: [{oversample_rare: 0.1}, {oversample_rare: 0.1, tile: [8, 8]}]}",
        )
    )
    with pytest.raises(
        AreosegError, match=r"data={oversample_rare: 0\.1}: it changes data\.tile to null"
    ):
        vary_recipe("unet", space, ["data.tile=[8, 8]"])


def test_a_section_that_keeps_what_is_fixed_can_be_tried(tmp_path):
    text = "data: {choices: [{scale: 0.5}, {scale: 0.5, oversample_rare: 0.1}]}"
    varied = vary_recipe("unet", load_space(written(tmp_path, text)), ["data.scale=0.5"])
    assert varied.sample({"data": "{scale: 0.5, oversample_rare: 0.1}"}).data.oversample_rare == 0.1


@pytest.mark.parametrize(
    ("text", "expected"), [("", "a mapping"), ("- 1", "a mapping"), ("a: [", "not YAML")]
)
def test_what_is_no_space_is_refused(tmp_path, text, expected):
    assert expected in refused(tmp_path, text)[0]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(AreosegError, match="cannot read this space"):
        load_space(tmp_path / "absent.yaml")


def test_a_name_that_is_there_twice_is_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "optimizer.lr: {low: 1.0e-4, high: 1.0e-2}\noptimizer.lr: {choices: [1, 2]}\n"
        "training.seed: {low: 3, high: 1}\n"
    )
    with pytest.raises(AreosegError) as caught:
        load_space(path)
    first, second = str(caught.value).splitlines()
    assert first == f"{path}:2: optimizer.lr: duplicate key (first defined on line 1); remove one"
    assert second.startswith(f"{path}:3: training.seed")


def test_a_value_of_a_stage_can_be_searched(tmp_path):
    path, recipe = tmp_path / "space.yaml", tmp_path / "mine.yaml"
    path.write_text("stages.1.optimizer.lr: {low: 1.0e-4, high: 1.0e-2}\n")
    recipe.write_text("model: unet\nstages:\n  - epochs: 2\n  - epochs: 1\n")
    varied = vary_recipe(recipe, load_space(path))
    assert varied.sample({"stages.1.optimizer.lr": 1e-3}).stages[1].optimizer.lr == 1e-3
