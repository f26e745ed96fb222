"""Images of any size: tiles, scale, views, nodata, memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.data.readers import read_rover_image
from areoseg.data.readers.frames import reduced_image
from areoseg.errors import AreosegError
from areoseg.inference import Predictor, TorchEngine
from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS, Taxonomy

NATIVE = Path(__file__).parents[2] / "../shared/data/ai4mars-native/msl/images/edr"


class Pyramid(nn.Module):
    """A fixed network with pooling, whose answer depends on no more than 36 pixels each way."""

    def __init__(self):
        super().__init__()
        self.size_divisor = 4
        generator = torch.Generator().manual_seed(0)
        self.register_buffer("fine", torch.randn(5, 1, 5, 5, generator=generator))
        self.register_buffer("coarse", torch.randn(5, 1, 5, 5, generator=generator))

    def forward(self, images):
        assert all(side % self.size_divisor == 0 for side in images.shape[-2:])
        pooled = functional.max_pool2d(images, self.size_divisor)
        coarse = functional.conv2d(pooled, self.coarse, padding=2)
        coarse = functional.interpolate(coarse, images.shape[-2:], mode="bilinear")
        return 0.3 * (functional.conv2d(images, self.fine, padding=2) + coarse)


def engine(network=None, scale=None, taxonomy=MARS):
    segmenter = Segmenter(network or Pyramid(), mean=0.5, std=0.2, classes=5)
    return TorchEngine(segmenter, taxonomy, scale=scale)


def terrain(height, width, seed=0):
    """A synthetic image of this size."""
    settings = SyntheticMars(height=height, width=width, seed=seed)
    return draw_set(settings, 1).images[0]


def full(predictor, image, valid=None):
    """All probabilities (C, H, W), after a look at how the row_blocks lie."""
    top, parts = 0, []
    for row_block in predictor.row_blocks(image, valid):
        assert row_block.top == top
        top += row_block.probabilities.shape[1]
        parts.append(row_block.probabilities)
    assert top == image.shape[0]
    return np.concatenate(parts, axis=1)


def untiled(predictor, image):
    units = torch.from_numpy(image.astype(np.float32) / 255)
    return predictor.probabilities(units[None, None])[0].numpy()


@pytest.fixture(scope="module")
def trained():
    """A small U-Net that has learned a little of the synthetic Mars."""
    samples = draw_set(SyntheticMars(height=32, width=64, rock_tiles=0.4), 32)
    images = torch.from_numpy(samples.images / np.float32(255)).unsqueeze(1)
    masks = torch.from_numpy(samples.masks.astype(np.int64))
    torch.manual_seed(0)
    network = create_model("unet", widths=[8, 16, 16])
    segmenter = Segmenter(network, mean=0.25, std=0.1, classes=5)
    optimizer = torch.optim.Adam(segmenter.parameters(), 0.01)
    for step in range(40):
        chosen = slice(step % 4 * 8, step % 4 * 8 + 8)
        loss = functional.cross_entropy(segmenter(images[chosen]), masks[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return TorchEngine(segmenter, MARS, scale=0.25)


@pytest.mark.parametrize("size", [(129, 300), (513, 130), (200, 201)])
def test_tiles_give_what_the_whole_image_gives(size):
    image = terrain(*size)
    found = full(Predictor([engine()], tile=128, overlap=64), image)
    whole = untiled(Predictor([engine()]), image)
    assert np.abs(found - whole).max() < 0.02  # beyond the reach: equal but for float rounding
    assert (found.argmax(axis=0) == whole.argmax(axis=0)).mean() > 0.999


def test_tiles_of_a_trained_network_give_what_the_whole_image_gives(trained):
    image = terrain(300, 400)
    tiled = Predictor([trained], tile=128, overlap=48).segment(image)
    whole = Predictor([trained]).segment(image)
    assert len(np.unique(whole.mask)) > 1
    assert (tiled.mask == whole.mask).mean() >= 0.99
    assert np.abs(tiled.confidence.astype(float) - whole.confidence).mean() < 0.005


def test_an_image_no_larger_than_a_tile_is_not_tiled():
    image = terrain(65, 128)
    predictor = Predictor([engine()], tile=128)
    np.testing.assert_array_equal(full(predictor, image), untiled(predictor, image))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 5), (127, 129)])
@pytest.mark.parametrize("scale", [1.0, 0.25, 0.3, 2.0])
def test_any_size_comes_back_at_its_own_size(size, scale):
    image = np.random.default_rng(0).integers(0, 256, size, np.uint8)
    predictor = Predictor([engine()], tile=64, overlap=32, scale=scale, tta_flip=True)
    found = full(predictor, image)
    assert found.shape == (5, *size)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    mask = predictor.segment(image).mask
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, found.argmax(axis=0))


def test_bands_are_many_where_an_image_is_large(monkeypatch):
    monkeypatch.setattr("areoseg.inference.predictor.BLOCK_BYTES", 5 * 4 * 200 * 10)
    image = terrain(150, 200)
    predictor = Predictor([engine()], tile=64, overlap=32)
    heights = [row_block.probabilities.shape[1] for row_block in predictor.row_blocks(image)]
    assert max(heights) == 10
    assert sum(heights) == 150


def test_pixels_that_mean_nothing_are_background_for_certain():
    image = terrain(150, 200).astype(np.float32) / 255
    valid = np.ones(image.shape, bool)
    valid[:140, :120] = False
    image[~valid] = np.nan
    found = full(Predictor([engine()], tile=64, overlap=32), image, valid)
    assert (found[0][~valid] == 1).all()
    assert (found[1:, ~valid] == 0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-5)
    nothing = Predictor([engine()]).segment(image, np.zeros_like(valid))
    assert (nothing.mask == 0).all()
    assert (nothing.confidence == 1).all()


def test_a_scaled_image_is_seen_as_its_reduction(trained):
    image = terrain(256, 256)
    scaled = Predictor([trained], scale=0.25).segment(image).mask
    reduced = Predictor([trained]).segment(reduced_image(image, 0.25)).mask
    assert (scaled == reduced.repeat(4, axis=0).repeat(4, axis=1)).mean() > 0.95


def test_auto_reduces_a_frame():
    image = terrain(256, 256)
    auto = Predictor([engine(scale=0.125)], scale="auto")
    assert auto.scale_choices(image.shape)[0].factor == 0.5
    np.testing.assert_array_equal(full(auto, image), full(Predictor([engine()], scale=0.5), image))


def test_each_model_of_an_ensemble_sees_its_own_scale():
    image = terrain(256, 256)
    both = Predictor([engine(scale=0.25), engine(scale=0.125)], scale="auto")
    one = full(Predictor([engine()]), image)
    other = full(Predictor([engine()], scale=0.5), image)
    found = full(both, image)
    # The reduction is by areas in one case, by an antialiasing filter in the other.
    off = np.abs(found - (one + other) / 2).mean()
    assert off < 0.2 * min(np.abs(found - one).mean(), np.abs(found - other).mean())


def test_flips_in_tiles_are_those_of_the_whole_image():
    image = terrain(200, 256)
    mirrored = np.ascontiguousarray(image[:, ::-1])
    predictor = Predictor([engine()], tile=512)
    expected = (full(predictor, image) + full(predictor, mirrored)[:, :, ::-1]) / 2
    found = full(Predictor([engine()], tta_flip=True, tile=128, overlap=64), image)
    assert np.abs(found - expected).max() < 0.02


def test_masks_and_results_of_mixed_images_come_in_order():
    images = [terrain(*size) for size in [(64, 64), (64, 64), (150, 40), (64, 64), (16, 16)]]
    predictor = Predictor([engine()], tile=128, overlap=32, batch_size=1)
    for image, found in zip(images, predictor(images), strict=True):
        alone = predictor.segment(image)
        assert (found.mask == alone.mask).mean() > 0.999
        assert found.confidence.dtype == alone.confidence.dtype == np.float32
        np.testing.assert_allclose(found.confidence, alone.confidence, atol=2e-3)


def test_each_image_of_a_stream_has_its_own_scale():
    images = [terrain(128, 128), terrain(256, 256)]
    predictor = Predictor([engine(scale=0.125)], scale="auto", batch_size=64)
    small, large = predictor(images)
    assert np.array_equal(small.mask, Predictor([engine()]).segment(images[0]).mask)
    assert np.array_equal(large.mask, Predictor([engine()], scale=0.5).segment(images[1]).mask)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": 0}, "above 0"),
        ({"tta_scales": (1, -1)}, "above 0"),
        ({"tta_scales": ()}, "no scales"),
        ({"tile": 64, "overlap": 40}, "cannot overlap by 40"),
        ({"overlap": -1}, "cannot overlap by -1"),
        ({"batch_size": 0}, "at least one image"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(AreosegError, match=message):
        Predictor([engine()], **options)


def test_models_of_different_classes_are_refused():
    other = Taxonomy(names=tuple("abcde"), colors=MARS.colors)
    with pytest.raises(AreosegError, match="different classes"):
        Predictor([engine(), engine(taxonomy=other)])
    with pytest.raises(AreosegError, match="no model"):
        Predictor([])


@pytest.mark.parametrize("shape", [(0, 5), (4, 4, 3), (7,)])
def test_arrays_that_are_no_image_are_refused(shape):
    with pytest.raises(AreosegError, match=r"must be \(H, W\)"):
        Predictor([engine()]).segment(np.zeros(shape, np.uint8))
    with pytest.raises(AreosegError, match="valid pixels"):
        Predictor([engine()]).segment(np.zeros((4, 4), np.uint8), np.ones((4, 5), bool))


PANORAMA = """
import resource, sys
import numpy as np, torch
sys.path.insert(0, {folder!r})
from areoseg.inference.predictor import Predictor
from test_large_images import Pyramid, engine
torch.set_num_threads(1)
network = Pyramid()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
image = np.random.default_rng(0).integers(0, 256, (1000, 12000), np.uint8)
predictor = Predictor([engine()], tile=256)
predictor.segment(image[:512, :512])
before = peak()
mask, confidence = np.empty(image.shape, np.uint8), np.empty(image.shape, np.float16)
for block in predictor.row_blocks(image):
    rows = slice(block.top, block.top + len(block.mask))
    mask[rows], confidence[rows] = block.mask, block.confidence
assert rows.stop == len(image)
print(peak() - before)
"""


def test_a_panorama_takes_no_more_memory_than_the_rows_of_a_tile():
    script = PANORAMA.format(folder=str(Path(__file__).parent))
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # All probabilities are 229 MiB. Held are 256 rows of them (59), mask and confidence (34),
    # and a row_block with what is made of it (some 16 each).
    assert float(run.stdout) < 170


@pytest.mark.real_data
@pytest.mark.skipif(not NATIVE.is_dir(), reason="the real frames are not at ../shared/data")
def test_a_navcam_frame_agrees_with_its_own_reduction(trained):
    path = sorted(NATIVE.iterdir())[0]
    image = read_rover_image(path).pixels
    assert image.shape == (1024, 1024)
    auto = Predictor([trained], scale="auto").segment(image).mask
    reduced = Predictor([trained]).segment(reduced_image(image, 0.25)).mask
    assert (auto == reduced.repeat(4, axis=0).repeat(4, axis=1)).mean() > 0.95
    # At the pixel beside the center of each reduced pixel, with no edge between.
    assert (auto[2::4, 2::4] == reduced).mean() > 0.97
