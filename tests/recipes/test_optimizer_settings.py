import pytest

from areoseg.errors import AreosegError
from areoseg.optim import OPTIMIZERS, SCHEDULES
from areoseg.recipes import dump_recipe, load_recipe, parse_recipe


def test_a_word_is_enough_and_brings_the_defaults_of_what_it_names():
    recipe = load_recipe("unet", ["optimizer=lion", "schedule=polynomial"])
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("lion", 4e-4)
    assert recipe.optimizer.options == {"betas": (0.9, 0.99)}
    assert recipe.schedule.options == {"warmup": 0.0, "power": 0.9, "end": 0.0}


def test_without_a_name_it_is_adamw_on_a_cosine():
    recipe = load_recipe("unet", ["optimizer.l2=1e-5", "schedule.warmup=0.1"])
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("adamw", 2e-3)
    assert (recipe.schedule.name, recipe.schedule.warmup) == ("cosine", 0.1)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_choice_survives_a_dump(optimizer, schedule):
    recipe = load_recipe("unet", [f"optimizer={optimizer}", f"schedule={schedule}"])
    assert parse_recipe(dump_recipe(recipe)) == recipe


@pytest.mark.parametrize(
    ("section", "line", "expected"),
    [
        (
            "optimizer: adan",
            2,
            "optimizer.name: there is no optimizer 'adan': did you mean 'adam'?",
        ),
        (
            "optimizer:\n  name: 3",
            3,
            "optimizer.name: there is no optimizer 3: choose from sgd, adam",
        ),
        ("optimizer:\n  lr: 1\n  name: lion\n  momentum: 0.9", 5, "optimizer.momentum: no such"),
        ("optimizer:\n  name: sgd\n  momentun: 0.9", 4, "did you mean 'momentum'?"),
        ("optimizer:\n  name: lion\n  betas: [0.9, 1]", 4, "optimizer.betas.1: input should be le"),
        ("optimizer:\n  lr: 0", 3, "optimizer.lr: input should be greater than 0"),
        ("optimizer:\n  lr: .inf", 3, "optimizer.lr: input should be a finite number"),
        ("optimizer:\n  accumulate: 0", 3, "optimizer.accumulate: input should be greater than 0"),
        ("optimizer: 3", 2, "optimizer: input should be"),
        (
            "schedule: cosin",
            2,
            "schedule.name: there is no schedule 'cosin': did you mean 'cosi",
        ),
        ("schedule:\n  name: plateau\n  power: 2", 4, "schedule.power: no such value"),
        ("schedule:\n  name: plateau\n  factor: 1", 4, "schedule.factor: input should be less"),
        ("training:\n  swa: 1.5", 3, "training.swa: input should be less than or equal to 1"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_with_its_place(section, line, expected):
    with pytest.raises(AreosegError) as caught:
        parse_recipe(f"model: unet\n{section}", source="mine.yaml")
    message = str(caught.value)
    assert message.startswith(f"mine.yaml:{line}: ")
    assert expected in message
    assert len(message.splitlines()) == 1


def test_an_override_is_told_as_one():
    with pytest.raises(AreosegError, match=r"^override optimizer.momentum: no such value"):
        load_recipe("unet", ["optimizer=lion", "optimizer.momentum=0.9"])
