"""Self-training within one training: rounds in which its weights label the unlabeled samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from areoseg.data.load import read_source
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import PseudoLabelSettings, load_recipe
from areoseg.taxonomy import MARS, VOID
from areoseg.training.batches import Tensors, TrainingBatches
from areoseg.training.in_memory import resume_on, train_on
from areoseg.training.self_training.rounds import ROUND, Rounds

QUIET = Console(quiet=True)
SETTINGS = PseudoLabelSettings(
    batch_fraction=0.5, start=0.5, rounds=2, keep_fraction=1.0, min_confidence=0.6
)


class Thresholder(torch.nn.Module):
    """Answers soil on dark pixels and bedrock on bright ones, as sure as `scale` makes it."""

    scale = 20.0

    def forward(self, images):
        logits = torch.zeros(len(images), len(MARS), *images.shape[2:])
        logits[:, 1], logits[:, 2] = -self.scale * images[:, 0], self.scale * images[:, 0]
        return logits


def batches():
    samples = Tensors(torch.zeros(4, 8, 8, dtype=torch.uint8), torch.zeros(4, 8, 8).byte())
    return TrainingBatches(
        samples,
        batch_size=4,
        seed=0,
        augmentation=lambda images, targets, _: (images, targets),
        void=None,
        rare=np.arange(0),
    )


def rounds_of(folder, images, settings=SETTINGS):
    teacher = Segmenter(Thresholder(), mean=0.5, std=1.0, classes=len(MARS))
    names = tuple(f"sample-{index}" for index in range(len(images)))
    samples = SegmentationDataset(images, None, names)
    return Rounds(settings, samples, teacher, MARS, folder, "float32")


def two_halves(number=3):
    images = np.full((number, 8, 8), 10, np.uint8)
    images[:, :, 4:] = 240
    return images


@pytest.mark.parametrize(
    ("progress", "expected"), [(0, -1), (0.49, -1), (0.5, 0), (0.74, 0), (0.76, 1), (1.0, 1)]
)
def test_rounds_lie_at_equal_distances_from_the_start_to_the_end(progress, expected):
    assert SETTINGS.round_at(progress) == expected
    assert PseudoLabelSettings().round_at(progress) == -1


def test_before_the_first_round_the_batches_are_the_labeled_ones(tmp_path):
    own = batches()
    rounds = rounds_of(tmp_path, two_halves())
    assert rounds.batches(own, 0.49) is own
    assert rounds.tables == []
    assert not (tmp_path / ROUND).exists()


def test_in_a_round_a_share_of_each_batch_has_the_labels_of_the_teacher(tmp_path):
    mixed = rounds_of(tmp_path, two_halves()).batches(batches(), 0.5)
    assert (mixed.labeled_size, mixed.batch_size) == (2, 4)
    images, targets = mixed(0)
    taught = images.flatten(1).sum(1) > 0
    assert int(taught.sum()) == 2
    assert (targets[taught][:, :, :4] == 1).all()
    assert (targets[taught][:, :, 4:] == 2).all()


def test_labels_are_made_once_a_round(tmp_path):
    rounds = rounds_of(tmp_path, two_halves())
    first = rounds.batches(batches(), 0.5).pseudo
    assert rounds.batches(batches(), 0.6).pseudo is first
    assert rounds.batches(batches(), 0.9).pseudo is not first
    assert [table["soil"].kept for table in rounds.tables] == [1.0, 1.0]


def test_a_teacher_that_is_sure_of_nothing_teaches_nothing(tmp_path):
    unsure = np.full((2, 8, 8), 127, np.uint8)  # next to the mean: both classes as likely
    own = batches()
    rounds = rounds_of(tmp_path, unsure)
    assert rounds.batches(own, 0.5) is own
    assert rounds.tables == [{}]
    again = rounds_of(tmp_path, unsure)
    again.teacher = None  # is not asked
    assert again.batches(own, 0.6) is own
    assert again.tables == [{}]


def test_an_interrupted_round_is_taken_over_as_it_was(tmp_path):
    begun = rounds_of(tmp_path, two_halves())
    labels = begun.batches(batches(), 0.8).pseudo
    again = rounds_of(tmp_path, two_halves())
    again.teacher = None  # is not asked
    taken = again.batches(batches(), 0.8).pseudo
    assert torch.equal(taken.masks, labels.masks)
    assert torch.equal(taken.images, labels.images)
    assert again.tables == begun.tables == [{}, begun.tables[1]]


def test_labels_of_other_images_or_damaged_ones_are_refused(tmp_path):
    rounds_of(tmp_path, two_halves()).batches(batches(), 0.5)
    with pytest.raises(AreosegError, match="to other unlabeled images"):
        rounds_of(tmp_path, two_halves(2)).batches(batches(), 0.5)
    (tmp_path / ROUND).write_bytes(b"PK nothing")
    with pytest.raises(AreosegError, match="cannot read the pseudo-labels"):
        rounds_of(tmp_path, two_halves()).batches(batches(), 0.5)


CHANGES = (
    "pseudo_labels={batch_fraction: 0.5, start: 0.4, rounds: 2, min_confidence: 0.1}",
    "training.epochs=4",
)


def read(source):
    """The data with unlabeled samples of their own: those of the fixture are labeled ones."""
    found = read_source(source)
    unlabeled = replace(found.unlabeled, images=255 - found.unlabeled.images)
    return replace(found, unlabeled=unlabeled)


def run(source, out, tiny, *overrides):
    recipe = load_recipe("unet", [*tiny, *CHANGES, *overrides])
    return train_on(recipe, read(source), out, source=source, console=QUIET)


def weights(made):
    return load_file(made.path / "weights.safetensors")


def same(one, other):
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_a_training_notes_its_rounds_and_learns_from_them(source, tmp_path, tiny):
    taught = run(source, tmp_path / "taught", tiny)
    plain = run(source, tmp_path / "plain", tiny, "pseudo_labels.batch_fraction=0")
    assert taught.info.rounds.samples == 5
    assert len(taught.info.rounds.classes) == 2
    assert set(taught.info.rounds.classes[0]) == set(MARS.names)
    assert plain.info.rounds is None
    assert taught.split == plain.split
    assert not same(weights(taught), weights(plain))
    assert not (taught.path / ROUND).exists()


@pytest.mark.parametrize("validations", [2, 3])
def test_a_resumed_training_ends_with_the_same_weights(
    source, tmp_path, tiny, interrupted_at, validations
):
    whole = run(source, tmp_path / "whole", tiny)

    with interrupted_at(validations):
        run(source, tmp_path / "interrupted", tiny)
    resumed = resume_on(tmp_path / "interrupted", read(source), console=QUIET)
    assert same(weights(whole), weights(resumed))
    assert resumed.info.rounds == whole.info.rounds


def test_without_samples_to_label_a_training_says_so_and_goes_on(source, tmp_path, tiny, capsys):
    labeled_ones = read_source(source)
    recipe = load_recipe("unet", [*tiny, *CHANGES, "training.epochs=1"])
    made = train_on(
        recipe, labeled_ones, tmp_path / "run", source=source, console=Console(stderr=True)
    )
    assert "no unlabeled image has the size of the labeled ones" in " ".join(
        capsys.readouterr().err.split()
    )
    assert made.info.rounds is None


def test_void_pixels_of_pseudo_labels_stay_void(tmp_path):
    half = SETTINGS.model_copy(update={"keep": 0.5, "floor": 0.0})
    ramp = np.tile(np.linspace(0, 255, 8).astype(np.uint8), (2, 8, 1))
    masks = rounds_of(tmp_path, ramp, half).batches(batches(), 0.5).pseudo.masks
    assert (masks[:, :, [0, 7]] != VOID).all()
    assert (masks[:, :, [3, 4]] == VOID).all()
