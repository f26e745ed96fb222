"""The page without a server: its folder, and its JavaScript compared with the Python it repeats."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from pages import brightness_model, hosting, in_worker, visiting
from PIL import Image

import areoseg
from areoseg.data.appearance import Appearance, appearance_features
from areoseg.data.missions.metadata import metadata_from_name
from areoseg.errors import AreosegError
from areoseg.inference.image_warnings import blur
from areoseg.inference.resampling import read_window
from areoseg.inference.tiling import Window, spans
from areoseg.inference.writers.polygons import features
from areoseg.serve import static
from areoseg.serve.samples import SAMPLES
from areoseg.serve.static import PAGE, RUNTIME, page_files, static_index, write_static_site
from areoseg.taxonomy import MARS

NATIVE = Path(__file__).parents[3] / "shared" / "data" / "ai4mars-native" / "msl" / "images" / "edr"
"""Frames that are not part of the repository."""


@pytest.fixture
def brightness(monkeypatch):
    monkeypatch.setattr(static, "_write_model", brightness_model)


def test_a_site_has_page_models_samples_and_licenses(brightness, tmp_path):
    site = write_static_site(tmp_path / "site", ["flagship-256", "flagship-64"])
    content = json.loads((site.path / "models.json").read_text())
    assert [model["name"] for model in content["models"]] == ["flagship-256", "flagship-64"]
    assert [sample["name"] for sample in content["samples"]] == list(SAMPLES)
    for described in content["models"] + content["samples"]:
        assert (site.path / described["url"]).is_file()
    assert (site.path / RUNTIME).with_name("LICENSE").is_file()
    assert 'data-backend="static"' in (site.path / "index.html").read_text()
    assert site.size == sum(path.stat().st_size for path in site.path.rglob("*") if path.is_file())
    assert not list(site.path.rglob(".*"))
    write_static_site(site.path)  # an earlier site is replaced


def test_other_folders_and_models_are_refused(brightness, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AreosegError, match="has other files: choose a new or empty one"):
        write_static_site(tmp_path)
    with pytest.raises(AreosegError, match="this is a file: choose a folder"):
        write_static_site(tmp_path / "notes.txt")
    with pytest.raises(AreosegError, match="two models are called flagship-64"):
        write_static_site(tmp_path / "site", ["flagship-64", "flagship-64"])


def test_a_missing_runtime_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(static, "PAGE", tmp_path)
    with pytest.raises(AreosegError, match="this file is missing: run `make page`"):
        page_files()


def test_the_page_names_no_other_host_and_has_nothing_inline():
    page = static_index(page_files()["index.html"].read_text())
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page)
    for name, path in page_files().items():
        if not name.startswith("vendor/"):
            assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", path.read_text()), name


def test_every_module_is_imported_by_its_path():
    known = page_files()
    for name, path in known.items():
        if path.suffix != ".js":
            continue
        for other in re.findall(r"""(?:from|import\() ?"(\.[^"]+)";?""", path.read_text()):
            target = (PAGE / name).parent / other
            assert target.resolve().is_file(), f"{name}: {other}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(static, "_write_model", brightness_model)
        return write_static_site(tmp_path_factory.mktemp("site")).path


@pytest.fixture(scope="module")
def page(browser, site):
    with hosting(site) as address, visiting(browser, address) as opened:
        yield opened


def call(page, module, function, *arguments):
    """Call a function of a module of the page; arrays are passed as lists."""
    return page.evaluate(
        """async ([module, name, values]) => {
          const { [name]: called } = await import(new URL(module, document.baseURI).href);
          const result = await called(...values.map((value) =>
            value && value.array ? new window[value.array](value.values) : value));
          return result instanceof Blob ? result.text() : JSON.parse(JSON.stringify(result,
            (_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value));
        }""",
        [module, function, list(arguments)],
    )


def array(values, kind="Float32Array"):
    return {"array": kind, "values": np.asarray(values).ravel().tolist()}


@pytest.mark.browser
@pytest.mark.parametrize(
    "name",
    [
        "NLB_430335904EDR_F0130000NCAM07812M1.JPG",
        "NLF_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01.png",
        "2N128287181EFF0327P1973L0M1.png",
        "NLA_397681372EDR_F002A000AUT_04096M1.png",
        "holiday.png",
    ],
)
def test_names_have_the_metadata_of_predict(page, name):
    known = metadata_from_name(name)
    fields = ("mission", "camera", "sol", "site", "drive")
    told = call(page, "formats/metadata.js", "metadataFromName", name)
    assert {key: told[key] for key in fields} == {key: getattr(known, key) for key in fields}


@pytest.mark.browser
@pytest.mark.parametrize(("length", "divisor"), [(100, 32), (512, 32), (513, 16), (1681, 32)])
def test_tiles_are_those_of_predict(page, length, divisor):
    known = spans(length, 512, overlap=128, size_divisor=divisor)
    told = call(page, "inference/tiling.js", "spans", length, 512, 128, divisor)
    assert [(span["start"], span["stop"]) for span in told] == [(s.start, s.stop) for s in known]
    for span, other in zip(told, known, strict=True):
        assert np.allclose(span["weights"], other.weights, atol=1e-6)


@pytest.mark.browser
@pytest.mark.parametrize("size", [(16, 24), (13, 17), (70, 90)])
def test_resampling_is_that_of_predict(page, size):
    image = np.random.default_rng(0).random((64, 75), np.float32)
    known = read_window(image, None, Window(0, size[0], 0, size[1]), size)
    told = call(page, "inference/resampling.js", "resampled", array(image), 64, 75, *size)
    assert np.allclose(np.reshape(told, size), known, atol=1e-6)


@pytest.mark.browser
def test_warnings_use_the_numbers_of_predict(page):
    image = np.random.default_rng(1).random((50, 62), np.float32).cumsum(axis=1) / 62
    told = call(page, "inference/warnings.js", "appearanceFeatures", array(image), 50, 62)
    assert np.allclose(told, appearance_features(image), atol=1e-4)
    assert call(page, "inference/warnings.js", "blur", array(image), 50, 62) == pytest.approx(
        blur(image), abs=1e-4
    )
    known = Appearance(np.zeros(15), np.eye(15), 0.5)
    assert known.distance(image) > 0.5
    appearance = {"mean": [0.0] * 15, "precision": np.eye(15).tolist(), "limit": 0.5}
    warnings = call(
        page, "inference/warnings.js", "imageWarnings", array(image), 50, 62, appearance, None
    )
    assert "unlike training" in warnings
    black = array(np.zeros((50, 62)))
    assert call(page, "inference/warnings.js", "imageWarnings", black, 50, 62, None, None) == [
        "black",
        "constant",
    ]


@pytest.mark.browser
def test_polygons_are_those_of_predict(page):
    pytest.importorskip("rasterio")
    from rasterio.features import rasterize

    rng = np.random.default_rng(2)
    mask = np.kron(rng.integers(0, 5, (9, 11)), np.ones((2, 3))).astype(np.uint8)
    mask[4:10, 5:20] = 1
    mask[6:8, 8:12] = 0  # a hole
    confidence = rng.integers(100, 255, mask.shape).astype(np.uint8)
    result = {"width": mask.shape[1], "height": mask.shape[0], "names": MARS.names,
              "colors": ["#000000"] * 5, "background_index": 0}  # fmt: skip
    told = json.loads(
        call(
            page, "formats/polygons.js", "geojson",
            array(mask, "Uint8Array"), array(confidence, "Uint8Array"), result,
        )
    )  # fmt: skip
    known = list(features(mask, confidence, MARS, None))

    def numbers(feature):
        chosen = {**feature["properties"], "color": None}
        return sorted(chosen.items(), key=str)

    assert sorted(map(numbers, told["features"])) == sorted(map(numbers, known))
    drawn = rasterize(
        [(feature["geometry"], feature["properties"]["class"]) for feature in told["features"]],
        out_shape=mask.shape,
        transform=(1, 0, 0, 0, -1, 0),
    )
    assert (drawn == mask).all()


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **options)
    return buffer.getvalue()


def scene(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return np.kron(
        rng.integers(0, 256, (-(-height // 16), -(-width // 16)), dtype=np.uint8),
        np.ones((16, 16), np.uint8),
    )[:height, :width]


def files():
    gray = scene(90, 130)
    deep = (gray.astype(np.uint16) * 16 + 3).clip(0, 4095)
    color = np.stack([gray, scene(90, 130, 1), scene(90, 130, 2)], axis=-1)
    alpha = np.dstack([color, (scene(90, 130, 3) > 60) * np.uint8(255)])
    return {
        "gray": encoded(gray),
        "twelve bits": encoded(deep),
        "color": encoded(color),
        "alpha": encoded(alpha),
        "palette": encoded_palette(gray),
        "black and white": encoded(gray > 128),
        "jpeg": encoded(gray, "JPEG", quality=95),
        "large": encoded(scene(600, 1100)),
    }


def encoded_palette(gray):
    buffer = io.BytesIO()
    Image.fromarray(gray).convert("RGB").quantize(7).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def flagship(browser, tmp_path_factory):
    """A site with a bundled model, and that model in Python."""
    folder = tmp_path_factory.mktemp("flagship")
    site = write_static_site(folder, "flagship-64")
    assert site.parity["flagship-64"].equal > 0.998
    with hosting(folder) as address, visiting(browser, address) as page:
        yield page, areoseg.load("flagship-64", accelerate=False)


@pytest.mark.browser
@pytest.mark.parametrize("name", files())
def test_files_are_read_and_segmented_as_by_predict(flagship, name, tmp_path):
    page, model = flagship
    path = tmp_path / "image.png"
    path.write_bytes(files()[name])
    known = model(path)
    told = in_worker(page, path.read_bytes(), "flagship-64")
    assert (told["mask"] == known.mask).mean() > 0.995  # random blocks have many uncertain pixels
    assert np.abs(told["confidence"] / 255 - known.confidence).mean() < 0.01
    assert told["scale"] == pytest.approx(known.factor)
    assert tuple(told["warnings"]) == known.warnings


@pytest.mark.browser
@pytest.mark.real_data
@pytest.mark.skipif(not NATIVE.is_dir(), reason="the real frames are not at ../shared/data")
def test_native_frames_agree_with_predict(browser, tmp_path):
    write_static_site(tmp_path)
    model = areoseg.load(accelerate=False)
    with hosting(tmp_path) as address, visiting(browser, address) as page:
        for path in sorted(NATIVE.iterdir()):
            told = in_worker(page, path.read_bytes(), "flagship-256")
            known = model(path)
            assert (told["mask"] == known.mask).mean() >= 0.999
            assert tuple(told["warnings"]) == known.warnings
