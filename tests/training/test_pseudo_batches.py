"""Training on pseudo-labeled samples besides labeled ones."""

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg.data.load import read_source
from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.runs.info import SelfTrainingInfo
from areoseg.runs.run import open_run
from areoseg.taxonomy import VOID
from areoseg.training.batches import Tensors, TrainingBatches
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.self_training.pseudo_labels import PseudoSamples


def tensors(number, value):
    images = torch.full((number, 4, 4), value, dtype=torch.uint8)
    return Tensors(images, torch.arange(number, dtype=torch.uint8)[:, None, None].expand(-1, 4, 4))


def batches(**options):
    return TrainingBatches(
        tensors(20, 0),
        batch_size=8,
        seed=3,
        augmentation=lambda images, targets, _: (images, targets),
        void=None,
        rare=np.arange(0),
        **options,
    )


def test_a_batch_has_the_share_of_labeled_samples_and_a_pass_sees_each_of_them_once():
    mixed = batches(pseudo=tensors(50, 255), labeled_share=0.25)
    assert mixed.steps_per_pass == 10
    seen = []
    for step in range(10):
        images, targets = mixed(step)
        pseudo = images[:, 0, 0, 0] == 1
        assert (len(images), int(pseudo.sum())) == (8, 6)
        seen += targets[~pseudo, 0, 0].tolist()
    assert sorted(seen) == list(range(20))


def test_the_order_within_a_batch_is_random_and_repeatable():
    mixed = batches(pseudo=tensors(50, 255), labeled_share=0.5)
    orders = {tuple(mixed(step)[0][:, 0, 0, 0].tolist()) for step in range(6)}
    assert len(orders) > 1
    assert torch.equal(mixed(4)[1], mixed(4)[1])


def test_without_pseudo_labels_nothing_changes():
    assert batches().steps_per_pass == 2
    assert not batches()(0)[0].any()


def pseudo(source):
    """The unlabeled samples, soil in their upper half."""
    unlabeled = read_source(source).unlabeled
    masks = np.full(unlabeled.images.shape, VOID, np.uint8)
    masks[:, :16] = 1
    labeled = SegmentationDataset(unlabeled.images, masks, unlabeled.names)
    info = SelfTrainingInfo(
        teachers=["one"],
        commands=[],
        training_seconds=0.0,
        unlabeled="mars.npz",
        keep_fraction=0.5,
        min_confidence=0.5,
        tta_flip=False,
        classes={},
        samples=len(labeled),
        labeled_share=0.5,
        fingerprint=fingerprint(labeled),
    )
    return PseudoSamples(labeled, info)


def run(source, out, tiny, *overrides, **options):
    recipe = load_recipe("unet", [*tiny, *overrides])
    quiet = Console(quiet=True)
    return train_on(recipe, read_source(source), out, source=source, console=quiet, **options)


def test_pseudo_labels_change_the_weights_but_not_the_split(source, tmp_path, tiny):
    plain = run(source, tmp_path / "plain", tiny)
    taught = run(source, tmp_path / "taught", tiny, pseudo=pseudo(source))
    assert taught.split == plain.split
    assert taught.info.data == plain.info.data
    assert taught.info.steps == pytest.approx(2 * plain.info.steps, abs=3)
    assert taught.info.self_training.samples == 5
    assert taught.info.self_training.teachers == ["one"]
    assert (taught.path / "pseudo_labels.npz").is_file()


def test_an_interrupted_self_training_resumes_to_the_same_weights(
    source, tmp_path, tiny, interrupted_at
):
    whole = run(source, tmp_path / "whole", tiny, pseudo=pseudo(source))

    with interrupted_at(1):
        run(source, tmp_path / "interrupted", tiny, pseudo=pseudo(source))
    resumed = resume_on(tmp_path / "interrupted", read_source(source), console=Console(quiet=True))
    one, other = (load_file(each.path / "weights.safetensors") for each in (whole, resumed))
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())
    assert resumed.info.self_training == whole.info.self_training


def test_pseudo_labels_that_are_lost_or_changed_are_refused(source, tmp_path, tiny):
    made = run(source, tmp_path / "run", tiny, pseudo=pseudo(source))
    path = made.path / "pseudo_labels.npz"
    with np.load(path) as arrays:
        np.savez(path, **{**arrays, "masks": arrays["masks"] * 0})
    with pytest.raises(AreosegError, match="not the pseudo-labels that the run was started with"):
        PseudoSamples.of_run(open_run(made.path))
    path.write_bytes(b"PK nothing")
    with pytest.raises(AreosegError, match="cannot read the pseudo-labels"):
        PseudoSamples.of_run(open_run(made.path))


def test_pseudo_labels_of_another_size_are_refused(source, tmp_path, tiny):
    small = pseudo(source)
    samples = small.samples
    cut = SegmentationDataset(samples.images[:, :16], samples.masks[:, :16], samples.names)
    with pytest.raises(AreosegError, match="16x64 pixels, but the labeled samples 32x64"):
        run(source, tmp_path / "run", tiny, pseudo=PseudoSamples(cut, small.info))
    assert not (tmp_path / "run").exists()
