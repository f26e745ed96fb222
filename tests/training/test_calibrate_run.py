import shutil

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import nn

from areoseg.data.load import Source, read_source
from areoseg.data.samples import SegmentationDataset
from areoseg.models.segmenter import MASKED_LOGIT, Segmenter
from areoseg.recipes import load_recipe
from areoseg.runs.run import open_run
from areoseg.taxonomy import MARS, VOID
from areoseg.training.calibration.calibrate import calibrate_run
from areoseg.training.calibration.outputs import held_out_outputs
from areoseg.training.in_memory import train_on


class Brightness(nn.Module):
    """Five logits that grow with the brightness, each at its own rate."""

    def forward(self, images):
        return images * torch.arange(5.0).view(1, 5, 1, 1)


def segmenter():
    return Segmenter(Brightness(), mean=0.0, std=1.0, classes=5, masked_classes=(0,)).eval()


def test_probabilities_are_those_of_temperature_and_offsets():
    plain = segmenter()
    images = torch.rand(2, 1, 4, 4)
    logits = plain(images)
    plain.temperature.fill_(2.0)
    plain.offsets[4] = 0.5
    expected = Brightness()(images) / 2 + torch.tensor([MASKED_LOGIT, 0, 0, 0, 0.5]).view(
        1, 5, 1, 1
    )
    assert torch.allclose(plain(images), expected)
    assert (plain(images).softmax(dim=1)[:, 0] == 0).all()
    assert plain.masked_classes.tolist() == [True, False, False, False, False]
    plain.uncalibrate()
    assert torch.equal(plain(images), logits)
    plain.train()
    assert torch.equal(plain(images), Brightness()(images))


def test_weights_from_before_there_was_a_temperature_load():
    weights = segmenter().state_dict()
    del weights["temperature"]
    restored = segmenter()
    restored.temperature.fill_(3.0)
    restored.load_state_dict(weights)
    assert restored.temperature == 1


def test_common_classes_are_drawn_from_and_stand_for_all_their_pixels(monkeypatch):
    monkeypatch.setattr("areoseg.training.calibration.outputs.MAX_CLASS_PIXELS", 1000)
    masks = np.ones((4, 64, 64), np.uint8)
    masks[:, :2] = 0  # never answered
    masks[:, 2:4] = VOID
    masks[:, 4, :5] = 4
    images = np.random.default_rng(0).integers(0, 256, masks.shape, dtype=np.uint8)
    samples = SegmentationDataset(images, masks, tuple("abcd"), ("x", "x", "y", "z"))
    found = held_out_outputs(segmenter(), samples, MARS).pixels
    counts = np.bincount(found.targets, minlength=5)
    assert counts[[0, 2, 3, 4]].tolist() == [0, 0, 0, 20]
    assert counts[1] == pytest.approx(1000, rel=0.15)
    weights = found.class_weights * counts
    assert weights.tolist() == pytest.approx([0, (masks == 1).sum(), 0, 0, 20])
    assert np.unique(found.groups).tolist() == [0, 1, 2]
    # Logits of the drawn pixels, not of others.
    assert np.allclose(found.logits[:, 4], 2 * found.logits[:, 2], atol=1e-5)


def test_samples_are_the_groups_where_none_are_known():
    samples = SegmentationDataset(
        np.zeros((3, 4, 4), np.uint8), np.ones((3, 4, 4), np.uint8), tuple("abc")
    )
    outputs = held_out_outputs(segmenter(), samples, MARS)
    assert set(outputs.pixels.groups) == {0, 1, 2}
    assert outputs.odds is None


@pytest.fixture(scope="module")
def trained(homework_npz, tiny, tmp_path_factory):
    source = Source(path=str(homework_npz), groups=str(homework_npz.with_name("mars_groups.txt")))
    out = tmp_path_factory.mktemp("runs") / "run"
    recipe = load_recipe("unet", tiny)
    return train_on(recipe, read_source(source), out, source=source, console=Console(quiet=True))


def validation(run):
    samples = read_source(run.source).labeled
    names = set(run.split["val"])
    return samples.select([i for i, name in enumerate(samples.names) if name in names])


def test_a_run_keeps_its_calibration_and_calibrating_again_gives_the_same(trained, tmp_path):
    shutil.copytree(trained.path, tmp_path / "run")
    run = open_run(tmp_path / "run")
    before = load_file(run.path / "weights.safetensors")
    # As if the training had come out too sure.
    before["network.head.weight"] *= 6
    before["network.head.bias"] *= 6
    save_file(before, run.path / "weights.safetensors")

    once = calibrate_run(run, validation(run))
    info = once.info.calibration
    stored = load_file(run.path / "weights.safetensors")
    assert stored["temperature"] == pytest.approx(info.temperature)
    assert stored["temperature"] > 1.2
    assert stored["offsets"][0] == MASKED_LOGIT
    assert info.offsets["background"] == 0
    assert info.calibration_error.after < info.calibration_error.before
    for name, tensor in before.items():
        if name not in ("temperature", "offsets"):
            assert torch.equal(tensor, stored[name]), name

    again = calibrate_run(open_run(run.path), validation(run))
    assert again.info == once.info
    restored = load_file(run.path / "weights.safetensors")
    assert all(torch.equal(tensor, restored[name]) for name, tensor in stored.items())


def test_a_recipe_can_end_with_a_calibration(trained, homework_npz, tiny, tmp_path):
    recipe = load_recipe("unet", [*tiny, "calibration=true"])
    source = trained.source
    quiet = Console(quiet=True)
    run = train_on(recipe, read_source(source), tmp_path / "run", source=source, console=quiet)
    assert run.info.status == "finished"
    assert open_run(run.path).info.calibration == run.info.calibration
    assert run.segmenter().temperature != 1
    assert not (run.path / "resume.pt").exists()
    plain = load_file(trained.path / "weights.safetensors")
    calibrated = load_file(run.path / "weights.safetensors")
    assert torch.equal(plain["network.head.weight"], calibrated["network.head.weight"])
