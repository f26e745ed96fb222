"""`areoseg.load`: images in memory, files and folders to results."""

import numpy as np
import PIL.Image
import pytest
import torch
from torch import nn

import areoseg
from areoseg.data.readers.rover_image import read_rover_image
from areoseg.errors import AreosegError
from areoseg.inference import Predictor, Result, TorchEngine
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS


class Brightness(nn.Module):
    """Predicts the class whose gray value, 0 to 4 in fifths, is the nearest."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def forward(self, images):
        self.batches.append(tuple(images.shape))
        centers = torch.linspace(0.1, 0.9, 5).view(1, 5, 1, 1)
        return -100 * (images - centers).abs()


@pytest.fixture
def model():
    segmenter = Segmenter(Brightness(), mean=0.0, std=1.0, classes=5)
    return Predictor([TorchEngine(segmenter, MARS)], tile=64, overlap=16)


def levels(height=8, width=10):
    """An image of the five gray levels, and its mask."""
    mask = (np.arange(height * width).reshape(height, width) % 5).astype(np.uint8)
    return ((mask * 2 + 1) / 10 * 255).astype(np.uint8), mask


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    for name in ("a.png", "b.png"):
        PIL.Image.fromarray(levels()[0]).save(path / name)
    return path


def test_one_image_gives_one_result(model, folder):
    image, mask = levels()
    sources = [
        image,
        (image / 255).astype(np.float32),
        PIL.Image.fromarray(image),
        folder / "a.png",
    ]
    for source in [*sources, str(folder / "a.png"), read_rover_image(folder / "a.png")]:
        result = model(source)
        assert isinstance(result, Result)
        assert np.array_equal(result.mask, mask)
        assert result.mask.dtype == np.uint8


def test_several_images_give_a_list_in_order(model, folder):
    image, _ = levels()
    other, other_mask = levels(100, 70)  # larger than a tile
    results = model([image, folder / "a.png", PIL.Image.fromarray(other)])
    assert [each.mask.shape for each in results] == [(8, 10), (8, 10), (100, 70)]
    assert np.array_equal(results[2].mask, other_mask)
    for source in (folder, str(folder / "*.png"), [folder / "a.png", folder / "b.png"]):
        assert [each.path.name for each in model(source)] == ["a.png", "b.png"]
    assert len(model([folder / "a.png"])) == 1


def test_streams_are_read_one_after_the_other(model, folder):
    PIL.Image.fromarray(levels(100, 70)[0]).save(folder / "a.png")  # larger than a batch
    (folder / "b.png").write_text("no picture")
    stream = model(folder, stream=True)
    assert next(stream).path.name == "a.png"
    with pytest.raises(AreosegError, match=r"b\.png"):
        list(stream)
    assert [each.path for each in model(levels()[0], stream=True)] == [None]


def test_color_and_alpha_are_read_as_from_files(model, tmp_path):
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (6, 7, 4), np.uint8)
    color[:2, :, 3] = 0
    path = tmp_path / "color.png"
    picture = PIL.Image.fromarray(color)
    picture.save(path)
    expected = model(path)
    assert expected.valid is not None
    for source in (color, picture, PIL.Image.open(path)):
        result = model(source)
        assert np.array_equal(result.image, expected.image)
        assert np.array_equal(result.valid, expected.valid)
        assert np.array_equal(result.mask, expected.mask)
    palette = picture.convert("RGB").quantize(8)
    palette.save(path)
    assert np.array_equal(model(palette).image, model(path).image)
    assert np.array_equal(model(color[..., :3]).image, model(picture.convert("RGB")).image)


def test_a_result_has_everything_about_its_image(model, folder, tmp_path):
    image, mask = levels()
    result = model(folder / "a.png")
    assert result.probabilities.shape == (5, 8, 10)
    assert result.probabilities.dtype == np.float32
    assert np.array_equal(result.confidence, result.probabilities.max(axis=0))
    assert np.array_equal(result.image, image)
    assert result.shares == dict.fromkeys(MARS.names, 0.2)
    assert result.names[4] == "big rock"
    assert result.path == folder / "a.png"
    assert result.overlay().size == (10, 8)
    assert result.overlay().mode == "RGB"
    assert result._repr_png_().startswith(b"\x89PNG")
    assert repr(result).startswith(f"Result({folder / 'a.png'}, 8x10: background 20.0%, ")
    assert "\n" not in repr(result)
    paths = result.save(tmp_path / "out", ["masks", "overlays", "probabilities"])
    names = ["masks/a.png", "overlays/a.png", "probabilities/a.npz"]
    assert [path.relative_to(tmp_path / "out").as_posix() for path in paths] == names
    assert np.array_equal(np.asarray(PIL.Image.open(paths[0])), mask)
    assert np.array_equal(np.asarray(PIL.Image.open(paths[1])), np.asarray(result.overlay()))


def test_results_of_arrays_are_saved_under_their_index(model, tmp_path):
    for result in model([levels()[0]] * 2):
        result.save(tmp_path, ["masks"])
    assert {path.name for path in (tmp_path / "masks").iterdir()} == {"image_0.png", "image_1.png"}


def test_results_of_other_images_are_not_overwritten(model, folder, tmp_path):
    image, mask = levels()
    out = tmp_path / "out"
    for _ in range(2):  # the same image may be saved again
        (path,) = model(image).save(out, ["masks"])
    with pytest.raises(AreosegError, match=r"masks.image\.png: .* of another image: .*name="):
        model(image[:, ::-1]).save(out, ["masks"])
    assert np.array_equal(np.asarray(PIL.Image.open(path)), mask)
    (other,) = model(image[:, ::-1]).save(out, ["masks"], name="mirrored/1")
    assert other == out / "masks" / "mirrored" / "1.png"

    (tmp_path / "sol2").mkdir()
    PIL.Image.fromarray(image[:, ::-1]).save(tmp_path / "sol2" / "a.png")
    model(folder / "a.png").save(out, ["masks"])
    with pytest.raises(AreosegError, match="of another image"):
        model(tmp_path / "sol2" / "a.png").save(out, ["masks"])


def test_files_of_one_name_in_a_list_have_names_of_their_own(model, folder, tmp_path):
    (tmp_path / "sol2").mkdir()
    PIL.Image.fromarray(levels()[0]).save(tmp_path / "sol2" / "a.png")
    results = model([folder / "a.png", levels()[0], tmp_path / "sol2" / "a.png"])
    names = [result.source.name for result in results]
    assert len(set(names)) == 3
    assert names[1] == "image_1"


def test_images_that_fail_are_skipped_on_request(model, folder):
    (folder / "a.png").write_text("no picture")
    with pytest.raises(AreosegError, match=r"a\.png: .*; errors='skip' leaves out such images"):
        model(folder)
    with pytest.warns(UserWarning, match=r"skipped .*a\.png: not a PNG"):
        (result,) = model(folder, errors="skip")
    assert result.path == folder / "b.png"
    nothing = np.full((8, 10), np.nan, np.float32)
    with pytest.warns(UserWarning, match="skipped image 1 of the list: every pixel is nodata"):
        results = model([levels()[0], nothing, levels()[0]], errors="skip")
    assert [result.source.name for result in results] == ["image_0", "image_2"]
    with pytest.warns(UserWarning, match="skipped"):
        assert len(list(model(folder, stream=True, errors="skip"))) == 1
    with pytest.raises(AreosegError, match="not a PNG") as caught:
        model(folder / "a.png", errors="skip")  # there would be no result
    assert "errors=" not in str(caught.value)
    with pytest.raises(AreosegError, match="'raise' or 'skip'"):
        model(folder, errors="ignore")


def test_images_that_the_model_cannot_segment_are_skipped_on_request(model, monkeypatch):
    engine = model.engines[0]

    class Narrow:
        """An engine that fails for images of 12 columns."""

        def __getattr__(self, name):
            return getattr(engine, name)

        def __call__(self, images):
            if images.shape[-1] == 12:
                raise AreosegError("too narrow")
            return engine(images)

    monkeypatch.setattr(model.ensemble, "engines", [Narrow()])
    images = [levels()[0], levels(8, 12)[0]]
    with pytest.warns(UserWarning, match="skipped image_1: too narrow"):
        assert len(model(images, errors="skip")) == 1
    with pytest.raises(AreosegError, match="too narrow"):
        model(images)


def test_arrays_without_a_measurement_are_refused_as_files_are(model, tmp_path):
    nothing = np.full((8, 10), np.nan, np.float32)
    path = tmp_path / "nothing.tif"
    PIL.Image.fromarray(nothing).save(path)
    transparent = np.zeros((8, 10, 4), np.uint8)
    for source in (path, nothing, transparent, PIL.Image.fromarray(transparent)):
        with pytest.raises(AreosegError, match="every pixel is nodata, NaN or transparent"):
            model(source)


def test_tiles_share_forward_passes_and_give_the_same(model):
    image, mask = levels(150, 200)
    alone = model(image)
    network = model.engines[0].segmenter.network
    assert max(batch[0] for batch in network.batches) == 12  # 3 rows of 4 tiles
    network.batches.clear()
    model.batch_size = 1  # 64 x 128 pixels: two tiles
    result = model(image)
    assert {batch[0] for batch in network.batches} == {2}
    assert np.array_equal(result.mask, mask)
    np.testing.assert_allclose(result.probabilities, alone.probabilities, atol=1e-6)


@pytest.mark.parametrize("shape", [(7,), (0, 4), (3, 4, 5), (1, 2, 3, 4)])
def test_what_is_no_image_is_an_error_with_the_way_out(model, shape):
    with pytest.raises(AreosegError, match=r"give one image, \(H, W\), \(H, W, 3\)"):
        model(np.zeros(shape, np.uint8))


def test_the_bundled_model_is_the_default_and_scales_itself():
    model = areoseg.load()
    assert model.scale == "auto"
    assert areoseg.load(["flagship-256"], tile=128).tile == 128
    assert "1 model" in repr(model)
    choice = model.scale_choices((1024, 1024))[0]
    assert choice.factor == 0.25


def test_predict_takes_one_path_and_refuses_arrays(folder, tmp_path):
    found = areoseg.predict(str(folder / "a.png"), tmp_path / "out", outputs=["masks"])
    assert (found.done, found.paths) == (1, (tmp_path / "out" / "masks" / "a.png",))
    with pytest.raises(AreosegError, match=r"a ndarray: give paths.*areoseg\.load"):
        areoseg.predict([levels()[0]], tmp_path / "out")
    with pytest.raises(AreosegError, match=r"flagship-256: this is a model.*--model"):
        areoseg.predict("flagship-256", tmp_path / "out")
