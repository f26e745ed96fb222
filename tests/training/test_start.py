"""Trainings that start with the weights of an earlier one."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

import areoseg
from areoseg.data.load import read_source
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.runs.run import write_weights
from areoseg.training.calibration.calibrate import calibrate_run
from areoseg.training.in_memory import train_on

STANDING_STILL = ("optimizer.lr=1e-12", "training.ema=0", "training.steps=1")


@pytest.fixture
def first(source, tmp_path, tiny):
    return run_tiny(source, tmp_path / "first", tiny, command="areoseg train unet --out a/first")


def run_tiny(source, out, tiny, *extra, data=None, console=None, **options):
    recipe = load_recipe("unet", [*tiny, *extra])
    found = data or read_source(source)
    console = console or Console(quiet=True)
    return train_on(recipe, found, out, source=source, console=console, **options)


def parameters(run):
    return dict(run.segmenter(fold=False).named_parameters())


def test_a_training_that_stands_still_keeps_the_weights_it_starts_with(
    source, first, tmp_path, tiny
):
    same = run_tiny(source, tmp_path / "same", tiny, *STANDING_STILL, init_from=first)
    fresh = run_tiny(source, tmp_path / "fresh", tiny, *STANDING_STILL)
    for name, value in parameters(first).items():
        torch.testing.assert_close(parameters(same)[name], value, rtol=0, atol=1e-6)
    filters = "network.head.weight"
    assert filters in parameters(first)
    assert not torch.allclose(parameters(fresh)[filters], parameters(first)[filters], atol=1e-3)


def test_calibration_is_not_taken_over(source, first, tmp_path, tiny):
    samples = read_source(source).labeled
    names = set(first.split["val"])
    val = samples.select([i for i, name in enumerate(samples.names) if name in names])
    calibrated = calibrate_run(first, val, device="cpu")
    weights = load_file(calibrated.path / "weights.safetensors")
    write_weights(
        calibrated.path / "weights.safetensors", {**weights, "temperature": torch.tensor(2.0)}
    )
    run = run_tiny(source, tmp_path / "run", tiny, *STANDING_STILL, init_from=calibrated)
    assert run.segmenter().temperature == 1
    assert set(run.segmenter().offsets.tolist()) <= {0.0, -1e4}


def test_the_run_notes_what_it_started_with(source, first, tmp_path, tiny):
    second = run_tiny(
        source, tmp_path / "2", tiny, *STANDING_STILL, init_from=first, command="second"
    )
    start = second.info.initial_weights
    assert start.run == str(first.path)
    assert start.weights_sha256 == first.weights_sha256
    assert start.commands == ["areoseg train unet --out a/first"]
    third = run_tiny(source, tmp_path / "3", tiny, *STANDING_STILL, init_from=second)
    assert third.info.initial_weights.commands == [*start.commands, "second"]
    both = first.info.training_seconds + second.info.training_seconds
    assert third.info.initial_weights.training_seconds == pytest.approx(both)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("model.widths=[4,6]", "model options"),
        ("network.weight_standardization=true", "network.weight_standardization"),
        ("data.background=class", "data.background"),
    ],
)
def test_another_network_is_refused(source, first, tmp_path, tiny, change, what):
    with pytest.raises(AreosegError, match=rf"differs from the recipe in {what};"):
        run_tiny(source, tmp_path / "run", tiny, change, init_from=first)
    assert not (tmp_path / "run").exists()


def test_what_changes_no_shape_may_be_another(source, first, tmp_path, tiny):
    changes = (*STANDING_STILL, "network.initialization=orthogonal")
    run = run_tiny(source, tmp_path / "run", tiny, *changes, init_from=first)
    torch.testing.assert_close(
        parameters(run)["network.head.weight"], parameters(first)["network.head.weight"]
    )


def test_what_the_start_of_a_start_has_seen_is_not_forgotten(source, first, tmp_path, tiny):
    data = read_source(source)
    other = replace(
        data,
        labeled=replace(
            data.labeled,
            images=255 - data.labeled.images,
            names=tuple(f"other-{name}" for name in data.labeled.names),
        ),
    )
    second = run_tiny(source, tmp_path / "2", tiny, *STANDING_STILL, data=other, init_from=first)
    assert [len(learned.names) for learned in second.trained_on] == [24, 24]
    with pytest.raises(AreosegError, match="of the samples that are held out"):
        run_tiny(source, tmp_path / "3", tiny, "split.seed=1", init_from=second)
    with pytest.raises(AreosegError, match="its initial weights were trained on them"):
        areoseg.evaluate(
            second.path, source.path, groups=source.groups, console=Console(quiet=True)
        )


def test_samples_that_the_start_has_seen_cannot_judge(source, first, tmp_path, tiny):
    with pytest.raises(AreosegError, match="of the samples that are held out"):
        run_tiny(source, tmp_path / "run", tiny, "split.seed=1", init_from=first)
    assert not (tmp_path / "run").exists()


def test_names_that_the_start_has_seen_in_other_data_are_told(source, first, tmp_path, tiny):
    data = read_source(source)
    images = [np.flip(image, axis=1) for image in data.labeled.images]
    masks = [np.flip(mask, axis=1) for mask in data.labeled.masks]
    other = replace(data, labeled=replace(data.labeled, images=images, masks=masks))
    console = Console(file=io.StringIO(), width=300)
    run_tiny(
        source,
        tmp_path / "run",
        tiny,
        *STANDING_STILL,
        "split.seed=1",
        data=other,
        console=console,
        init_from=first,
    )
    assert "have the names of samples that" in console.file.getvalue()
