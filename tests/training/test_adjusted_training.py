"""A recipe that changes the network trains, is rebuilt from its folder, and resumes exactly."""

import pytest
import torch
import yaml
from rich.console import Console
from safetensors.torch import load_file
from torch import nn

from areoseg.data.load import Source, read_source
from areoseg.errors import AreosegError
from areoseg.models.layers.normalization import standardize
from areoseg.recipes import dump_recipe, load_recipe, parse_recipe
from areoseg.recipes.schema import NetworkSettings
from areoseg.runs.run import build_segmenter, open_run
from areoseg.taxonomy import MARS
from areoseg.training.in_memory import resume_on, train_on

RECIPES = {
    "dropblock": ("unet-l", ["network.dropblock=3", "network.weight_standardization=true"]),
    "drop_path": ("unet-resse", ["network.drop_path=0.4", "network.zero_last_gamma=true"]),
    "mixup": ("unet", ["training.mixup=0.4", "network.initialization=orthogonal"]),
}


@pytest.mark.parametrize(("name", "overrides"), RECIPES.values(), ids=list(RECIPES))
def test_an_adjusted_training_resumes_to_the_same_weights_and_is_rebuilt(
    name, overrides, homework_npz, tmp_path, tiny, interrupted_at
):
    source = Source(path=str(homework_npz))
    recipe = load_recipe(name, [*tiny, "training.epochs=4", "training.checkpoint=last", *overrides])
    quiet = Console(quiet=True)

    def run(folder):
        return train_on(recipe, read_source(source), folder, source=source, console=quiet)

    whole = run(tmp_path / "whole")

    with interrupted_at(2):
        run(tmp_path / "interrupted")
    resumed = resume_on(tmp_path / "interrupted", read_source(source), console=quiet)
    one, other = (load_file(each.path / "weights.safetensors") for each in (whole, resumed))
    assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())

    opened = open_run(whole.path)
    assert opened.recipe == recipe
    images = torch.rand(2, 1, 32, 64)
    unfolded = build_segmenter(opened.recipe, MARS)
    unfolded.load_state_dict(one)
    with torch.no_grad():
        torch.testing.assert_close(opened.segmenter()(images), unfolded.eval()(images))


def test_a_loaded_run_has_plain_convolutions_of_standardized_weights(homework_npz, tmp_path, tiny):
    source = Source(path=str(homework_npz))
    recipe = load_recipe("unet-l", [*tiny, "training.epochs=1", *RECIPES["dropblock"][1]])
    data = read_source(source)
    run = train_on(recipe, data, tmp_path / "run", source=source, console=Console(quiet=True))
    saved = load_file(run.path / "weights.safetensors")
    layer = run.segmenter().network.encoder[0][1][0]
    assert type(layer) is nn.Conv2d
    raw = saved["network.encoder.0.1.0.weight"]
    torch.testing.assert_close(layer.weight.detach(), standardize(raw))
    assert not torch.allclose(raw, standardize(raw), atol=0.1)


def test_each_option_changes_what_is_learned(homework_npz, tmp_path, tiny):
    source = Source(path=str(homework_npz))

    def losses(number, *overrides):
        recipe = load_recipe("unet-resse", [*tiny, "training.epochs=2", *overrides])
        quiet = Console(quiet=True)
        run = train_on(
            recipe, read_source(source), tmp_path / str(number), source=source, console=quiet
        )
        return (run.path / "metrics.csv").read_text()

    options = ["drop_path=0.5", "zero_last_gamma=true", "weight_standardization=true"]
    overrides = [f"network.{option}" for option in options]
    curves = [losses(0), losses(1, "training.mixup=1.0")]
    curves += [losses(number, option) for number, option in enumerate(overrides, start=2)]
    assert len(set(curves)) == 5
    assert losses(9, "network.drop_path=0.0") == curves[0]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("network.drop_path=0.2", "override network.drop_path: [uU]Net has no residual branch"),
        (
            "network.zero_last_gamma=true",
            "override network.zero_last_gamma: [uU]Net has no residual",
        ),
        ("network.dropblock=5", "override network.dropblock: [uU]Net has no dropout"),
    ],
)
def test_a_network_without_what_an_option_changes_is_refused_in_one_line(override, expected):
    with pytest.raises(AreosegError, match=expected) as caught:
        load_recipe("unet", [override])
    assert len(str(caught.value).splitlines()) == 1
    recipe = load_recipe("unet")
    name, _, value = override.removeprefix("network.").partition("=")
    network = NetworkSettings.model_validate({name: yaml.safe_load(value)})
    recipe = recipe.model_copy(update={"network": network})
    with pytest.raises(AreosegError, match="has no"):
        build_segmenter(recipe, MARS)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("network.drop_path=1.0", "override network.drop_path"),
        ("network.dropblock=0", "override network.dropblock"),
        ("network.initialization=lecun", "override network.initialization"),
        ("network.initialisation=he", "did you mean 'initialization'"),
        ("training.mixup=-1", "override training.mixup"),
    ],
)
def test_a_wrong_value_is_answered_with_its_place(override, expected):
    with pytest.raises(AreosegError, match=expected):
        load_recipe("unet", [override])


@pytest.mark.parametrize(("name", "overrides"), RECIPES.values(), ids=list(RECIPES))
def test_the_section_survives_a_dump(name, overrides):
    recipe = load_recipe(name, overrides)
    assert parse_recipe(dump_recipe(recipe)) == recipe
