"""Which samples the sheet of an augmentation shows."""

import numpy as np
import pytest
import torch
from rich.console import Console

from areoseg.errors import AreosegError
from areoseg.report import augmentation
from areoseg.report.augmentation import augment
from areoseg.transforms import parse_augment, rare_object_bank

QUIET = Console(quiet=True)
BIG_ROCK = 4


@pytest.fixture
def sheet_of(homework_npz, tmp_path, monkeypatch):
    """Draws a sheet and gives back the masks of the samples that it shows, and the file."""
    shown = []
    sheet = augmentation.augmentation_sheet

    def noting(images, masks, *arguments, **options):
        shown.append(masks.numpy())
        return sheet(images, masks, *arguments, **options)

    monkeypatch.setattr(augmentation, "augmentation_sheet", noting)

    def draw(policy, data=homework_npz, **options):
        out = tmp_path / "sheet.png"
        overrides = [f"augment={policy}"]
        augment("unet", data, out, overrides=overrides, console=QUIET, **options)
        return shown[-1], out

    return draw


def lone_rock(path, pixels):
    """A set of 30 tiles of which the last alone holds a big rock, of so many pixels."""
    tiles = np.random.default_rng(0).integers(0, 255, (30, 2, 16, 32)).astype(np.uint8)
    tiles[:, 1] = 1
    tiles[-1, 1, 4, 4 : 4 + pixels] = BIG_ROCK
    np.savez(path, training_set=tiles, test_set=tiles[:1, 0])
    return path


@pytest.mark.parametrize("transform", ["rare_paste", "rare_cutmix"])
def test_a_sheet_of_what_favors_a_rare_class_shows_samples_that_hold_it(
    sheet_of, tmp_path, transform
):
    data = lone_rock(tmp_path / "lone.npz", pixels=16)
    masks, out = sheet_of(f"{{{transform}: {{}}}}", data, samples=3)
    assert (masks == BIG_ROCK).any(axis=(1, 2)).tolist() == [True, False, False]
    assert out.read_bytes().startswith(b"\x89PNG")


def test_half_of_the_samples_hold_the_rare_class_at_least(sheet_of):
    masks, _ = sheet_of("{rare_cutmix: {}}", samples=5)
    assert (masks == BIG_ROCK).any(axis=(1, 2))[:3].all()
    assert len(masks) == 5


@pytest.mark.parametrize("pixels", [0, 3])
def test_nothing_to_paste_is_one_line(sheet_of, tmp_path, pixels):
    with pytest.raises(AreosegError, match="no object of class 4 large enough"):
        sheet_of("{rare_paste: {}}", lone_rock(tmp_path / "lone.npz", pixels))


def test_a_sheet_of_no_sample_is_refused(sheet_of):
    with pytest.raises(AreosegError, match="--samples 0: a picture needs at least one sample"):
        sheet_of("flips", samples=0)


def test_the_sheet_has_a_row_for_each_transform():
    images = torch.rand(6, 1, 32, 48, generator=torch.Generator().manual_seed(0))
    masks = torch.randint(0, 5, (6, 32, 48), generator=torch.Generator().manual_seed(0))
    rock = np.zeros((1, 20, 20), np.uint8)
    rock[0, 5:12, 6:14] = BIG_ROCK
    bank = rare_object_bank(np.full((1, 20, 20), 200, np.uint8), rock, BIG_ROCK)
    settings = parse_augment({"policy": "complex", "rare_paste": {"probability": 0.2}})
    sheet = augmentation.augmentation_sheet(images, masks, settings, rare_bank=bank)
    assert list(sheet) == ["original", *settings.transforms, "together"]
    assert torch.equal(sheet["original"][0], images)
    assert torch.equal(sheet["original"][1], masks)
    for name in settings.transforms:
        assert (sheet[name][0] != images).flatten(1).any(1).all()
    again = augmentation.augmentation_sheet(images, masks, settings, rare_bank=bank)
    for name, (new_images, new_masks) in sheet.items():
        assert torch.equal(new_images, again[name][0])
        assert torch.equal(new_masks, again[name][1])
