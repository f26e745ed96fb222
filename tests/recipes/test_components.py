import pytest
import yaml
from cyclopts import CycloptsError

from areoseg.cli.app import app
from areoseg.cli.components import components as command
from areoseg.recipes import components, parse_recipe

EVERY = [(each.place, entry) for each in components() for entry in each.entries]


def test_everything_that_a_recipe_can_choose_is_there():
    names = {each.place: {entry.name for entry in each.entries} for each in components()}
    assert {"ce", "dice", "focal", "boundary", "background", "backpropagators-code"} <= names[
        "loss.TERM"
    ]
    assert names["loss"] == {"backpropagators"}
    assert names["optimizer"] == {"sgd", "adam", "adamw", "lion", "ranger", "muon"}
    assert {"cosine", "plateau", "one-cycle"} <= names["schedule"]
    assert names["augment"] == {"none", "flips", "mild", "rigid", "complex"}
    assert {"rare_paste", "elastic", "grid_mask"} <= names["augment.TRANSFORM"]
    assert names["class_weights"] == {"none", "inverse", "sqrt", "effective", "median"}


@pytest.mark.parametrize(
    ("place", "component"), EVERY, ids=lambda value: getattr(value, "name", value)
)
def test_a_recipe_takes_each_component_with_its_listed_options(place, component):
    assert component.summary
    assert "\n" not in component.summary
    chosen = {
        "loss": dict(component.options),
        "loss.TERM": {component.name: dict(component.options)},
        "class_weights": component.name,
        "optimizer": {"name": component.name, **component.options},
        "schedule": {"name": component.name, **component.options},
        "augment": {"policy": component.name, **component.options},
        "augment.TRANSFORM": {component.name: dict(component.options)},
    }[place]
    section = place.partition(".")[0]
    background = {"background": "class"}
    told = {"model": "unet", "data": background, section: chosen}
    short = {
        **told,
        section: {component.name: {}}
        if place in ("loss.TERM", "augment.TRANSFORM")
        else component.name,
    }
    assert parse_recipe(yaml.safe_dump(told)) == parse_recipe(yaml.safe_dump(short))


@pytest.mark.parametrize("choice", components(), ids=lambda choice: choice.place)
def test_the_examples_are_good(choice):
    parse_recipe(f"model: unet\ndata: {{background: class}}\n{choice.example}")


def test_the_command_lists_all_and_the_options_of_one_place(capsys):
    command()
    text = capsys.readouterr().out
    for _, component in EVERY:
        assert component.name in text
        assert " ".join(component.summary.split()[:4]) in text  # long lines are broken
    assert "nesterov=" not in text
    command("optimizer")
    text = capsys.readouterr().out
    assert "momentum=0.9," in text
    assert "cosine" not in text
    command("loss")
    assert "boundary={weight: 0.1, kind:" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(CycloptsError, match="optimizer"):
        app(["components", "optimiser"], exit_on_error=False, print_error=False)
