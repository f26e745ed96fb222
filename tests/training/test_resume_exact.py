"""Whatever a recipe asks for, an interrupted training comes to the weights of a whole one."""

import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg.data.load import Source, read_source
from areoseg.recipes import load_recipe
from areoseg.training.in_memory import resume_on, train_on

RECIPES = {
    "sgd": ["optimizer=sgd", "schedule=polynomial"],
    "adam": ["optimizer=adam", "schedule=one-cycle"],
    "lion": ["optimizer=lion", "schedule=exponential"],
    "ranger": ["optimizer=ranger", "schedule=flat-cosine", "optimizer.k=2"],
    "plateau": ["schedule={name: plateau, patience: 1}", "optimizer.lr=1e-9", "training.ema=0"],
    "swa": ["training.swa=0.6", "schedule=constant"],
    "muon": ["optimizer=muon"],
    "gate and crops": ["data.background=gate", "data.crops=[16]"],
    "accumulate": ["optimizer.accumulate=2", "training.batch_size=4"],
}


@pytest.mark.parametrize("overrides", RECIPES.values(), ids=list(RECIPES))
def test_an_interrupted_training_resumes_to_the_same_weights(
    overrides, homework_npz, tmp_path, tiny, interrupted_at
):
    source = Source(path=str(homework_npz), groups=str(homework_npz.with_name("mars_groups.txt")))
    recipe = load_recipe(
        "unet", [*tiny, "training.epochs=5", "training.checkpoint=last", *overrides]
    )
    quiet = Console(quiet=True)

    def run(folder):
        return train_on(recipe, read_source(source), folder, source=source, console=quiet)

    whole = run(tmp_path / "whole")

    with interrupted_at(3):
        run(tmp_path / "interrupted")
    resumed = resume_on(tmp_path / "interrupted", read_source(source), console=quiet)

    one, other = (load_file(each.path / "weights.safetensors") for each in (whole, resumed))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    curves = (whole.path / "metrics.csv").read_text()
    assert (resumed.path / "metrics.csv").read_text() == curves
    assert len(curves.splitlines()) == 6


def test_a_plateau_lowers_the_rate_and_swa_changes_the_weights(homework_npz, tmp_path, tiny):
    source = Source(path=str(homework_npz))

    def curves(name, *overrides):
        recipe = load_recipe("unet", [*tiny, "training.epochs=5", *overrides])
        run = train_on(
            recipe,
            read_source(source),
            tmp_path / name,
            source=source,
            console=Console(quiet=True),
        )
        rows = (run.path / "metrics.csv").read_text().splitlines()
        return [dict(zip(rows[0].split(","), row.split(","), strict=True)) for row in rows[1:]]

    rates = [float(row["lr"]) for row in curves("plateau", *RECIPES["plateau"])]
    assert rates[0] > rates[-1] > 0

    plain = curves("plain", "training.checkpoint=last", "schedule=constant")
    swa = curves("swa", "training.checkpoint=last", "schedule=constant", "training.swa=0.4")
    assert [row["loss/total"] for row in plain] == [row["loss/total"] for row in swa]
    one, other = (load_file(tmp_path / name / "weights.safetensors") for name in ("plain", "swa"))
    assert not torch.equal(one["network.head.weight"], other["network.head.weight"])
    means = [name for name in one if name.endswith("running_mean")]
    assert means
    assert not any(torch.equal(one[name], other[name]) for name in means)  # measured anew
