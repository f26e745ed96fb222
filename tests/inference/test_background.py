"""Background in predictions: the gate, its threshold, and masks of ignored pixels."""

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

import areoseg
from areoseg.errors import AreosegError
from areoseg.inference import Predictor, TorchEngine
from areoseg.inference.ignore_masks import mission_masks, read_ignored
from areoseg.models.gate import GAIN
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS


class Dark(nn.Module):
    """Log-odds of background rise with darkness; the terrain is soil on the left, sand beside."""

    def forward(self, images):
        odds = 20 * (0.5 - images) / GAIN
        left = (torch.arange(images.shape[-1]) < images.shape[-1] // 2).float()
        soil = 4 * left.expand_as(images)
        return torch.cat([odds, soil, 0 * soil - 9, 2 + 0 * soil, 0 * soil - 9], dim=1)


def engine(gated=True):
    gated_class = 0 if gated else None
    masked = () if gated else (0,)
    return TorchEngine(
        Segmenter(
            Dark(), mean=0.0, std=1.0, classes=5, masked_classes=masked, gated_class=gated_class
        ),
        MARS,
    )


def ramp():
    """Rows from black to white."""
    return np.linspace(0, 255, 16).round().astype(np.uint8)[:, None].repeat(20, axis=1)


def test_dark_pixels_are_background_and_others_keep_their_terrain():
    result = Predictor([engine()]).segment(ramp())
    dark = ramp() < 127.5
    assert (result.mask[dark] == 0).all()
    assert (result.mask[~dark][:, None].reshape(-1, 20)[:, :10] == 1).all()
    assert (result.mask[~dark].reshape(-1, 20)[:, 10:] == 3).all()
    np.testing.assert_allclose(result.probabilities.sum(0), 1, rtol=1e-5)
    chosen = np.take_along_axis(result.probabilities, result.mask[None].astype(int), 0)[0]
    np.testing.assert_array_equal(result.confidence, chosen)


@pytest.mark.parametrize("tile", [8, 512])
def test_a_lower_threshold_finds_more_background(tile):
    def share(threshold):
        predictor = Predictor([engine()], background_threshold=threshold, tile=tile, overlap=0)
        result = predictor.segment(ramp())
        expected = result.probabilities[0] > (threshold or 0.5)
        np.testing.assert_array_equal(result.mask == 0, expected)
        return result.shares["background"]

    assert share(0.1) > share(None) == share(0.5) > share(0.9)


def test_without_background_probabilities_are_those_of_the_terrain():
    with_gate = Predictor([engine()]).segment(ramp()).probabilities
    result = Predictor([engine()], background=False).segment(ramp())
    assert (result.mask[:, :10] == 1).all()
    assert (result.mask[:, 10:] == 3).all()
    np.testing.assert_allclose(result.probabilities.sum(0), 1, rtol=1e-5)
    np.testing.assert_allclose(
        result.probabilities[1:], with_gate[1:] / with_gate[1:].sum(0), rtol=1e-3, atol=1e-6
    )


def test_an_ensemble_with_a_model_without_gate_keeps_the_decision_of_the_gate():
    alone = Predictor([engine()]).segment(ramp()).mask
    mixed = Predictor([engine(), engine(gated=False)])
    assert mixed.background_threshold == 0.25
    np.testing.assert_array_equal(mixed.segment(ramp()).mask, alone)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"background_threshold": 1.0}, "above 0 and below 1"),
        ({"background_threshold": 0.5, "background": False}, "not both"),
    ],
)
def test_thresholds_out_of_range_are_refused(options, words):
    with pytest.raises(AreosegError, match=words):
        Predictor([engine()], **options)


def test_a_threshold_for_a_model_without_gate_is_refused():
    with pytest.raises(AreosegError, match="no background gate"):
        Predictor([engine(gated=False)], background_threshold=0.5)


@pytest.fixture
def frames(tmp_path):
    """A Navcam frame with its rover and range masks, as AI4Mars distributes them, and a photo."""
    images = tmp_path / "msl" / "images"
    white, rover, far = (np.full((16, 20), value, np.uint8) for value in (255, 0, 0))
    rover[12:, :5] = 1
    far[:3] = 1
    for folder, product, pixels in (
        ("edr", "EDR", white),
        ("mxy", "MXY", rover),
        ("rng-30m", "RNG", far),
    ):
        (images / folder).mkdir(parents=True)
        suffix = "JPG" if product == "EDR" else "png"
        name = f"NLA_397681339{product}_F0020000AUT_04096M1.{suffix}"
        PIL.Image.fromarray(pixels).save(images / folder / name)
    PIL.Image.fromarray(white).save(images / "edr" / "photo.png")
    return images, (rover | far).astype(bool)


def test_mission_masks_are_found_beside_a_frame(frames):
    images, expected = frames
    (frame,) = (images / "edr").glob("NLA*")
    masks = mission_masks(frame)
    assert [mask.parent.name for mask in masks] == ["mxy", "rng-30m"]
    np.testing.assert_array_equal(read_ignored(masks, (16, 20)), expected)
    assert mission_masks(images / "edr" / "photo.png") == ()


def mask_of(out, name):
    return np.asarray(PIL.Image.open(next((out / "masks").rglob(f"{name}*.png"))))


def test_predict_uses_mission_masks_and_does_not_segment_them(frames, tmp_path):
    images, expected = frames
    done = areoseg.predict(images, tmp_path / "out")
    assert done.done == 2
    assert (mask_of(tmp_path / "out", "NLA")[expected] == 0).all()


def test_predict_takes_an_own_mask(frames, tmp_path):
    images, _ = frames
    own = np.zeros((16, 20), np.uint8)
    own[:, 15:] = 255
    PIL.Image.fromarray(own).save(tmp_path / "own.png")
    areoseg.predict(
        images / "edr" / "photo.png", tmp_path / "out", ignore_mask=tmp_path / "own.png"
    )
    assert (mask_of(tmp_path / "out", "photo")[:, 15:] == 0).all()


def test_a_mask_of_another_size_fails_that_image_only(frames, tmp_path):
    images, _ = frames
    (tmp_path / "own").mkdir()
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "own" / "photo.png")
    done = areoseg.predict(images / "edr", tmp_path / "out", ignore_mask=tmp_path / "own")
    assert (done.done, done.failed) == (1, 1)
    assert "give a mask of the same size" in (tmp_path / "out" / "errors.csv").read_text()


@pytest.mark.parametrize("given", ["missing", "empty"])
def test_a_mask_for_no_image_is_refused(frames, tmp_path, given):
    images, _ = frames
    (tmp_path / "empty").mkdir()
    with pytest.raises(AreosegError, match="--ignore-mask"):
        areoseg.predict(images / "edr", tmp_path / "out", ignore_mask=tmp_path / given)
