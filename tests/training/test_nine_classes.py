"""Nine classes with names and colors of a dataset description, from training to export."""

import csv
import json

import numpy as np
import PIL.Image
import pytest
import yaml
from rich.console import Console

import areoseg
from areoseg.data.description import read_description
from areoseg.inference.writers.styles import hex_color
from areoseg.training.prepare import favor_rarest_class

QUIET = Console(quiet=True)
NAMES = ("sky", "ridge", "soil", "sand", "bedrock", "rock", "rover", "trace", "hole")
COLORS = ("#aaccee", "#8a6d5a", "#c97a40", "#f0d080", "#708aa8", "#d62839", "#555555", "#7a5cc0",
          "#202024")  # fmt: skip
TINY = ("model.widths=[4,8,8,8]", "training.steps=3", "training.batch_size=4", "data.tile=[32,32]",
        "training.precision=float32", "split.val=0.3", "split.test=0.3")  # fmt: skip


def write(folder, seed, **description):
    """Frames of nine classes in blocks, each with its own gray level."""
    generator = np.random.default_rng(seed)
    for kind in ("images", "masks"):
        (folder / kind).mkdir(parents=True)
    for index in range(12):
        classes = generator.permutation(np.resize(np.arange(9), 64)).reshape(8, 8)
        mask = classes.repeat(8, 0).repeat(8, 1).astype(np.uint8)
        image = mask * 26 + generator.integers(0, 12, mask.shape).astype(np.uint8)
        stored = mask * 3 if "map" in description else mask
        PIL.Image.fromarray(image).save(folder / "images" / f"{index:02}.png")
        PIL.Image.fromarray(stored).save(folder / "masks" / f"{index:02}.png")
    described = {"classes": list(NAMES), "colors": list(COLORS), "background": "sky"}
    (folder / "dataset.yaml").write_text(yaml.safe_dump({**described, **description}))
    return folder


@pytest.fixture(scope="module", params=["one", "two"])
def trained(request, tmp_path_factory):
    """A run on one dataset, or on two of which the second has other mask values."""
    root = tmp_path_factory.mktemp(request.param)
    data = [write(root / "east", 0)]
    if request.param == "two":
        mapped = {3 * index: name for index, name in enumerate(NAMES)}
        data.append(write(root / "west", 1, map=mapped))
    run = areoseg.train("flagship", data, root / "run", overrides=TINY, console=QUIET)
    return run, data


def test_the_run_its_report_and_its_audit_have_the_nine_classes(trained, tmp_path):
    run, data = trained
    taxonomy = areoseg.open_run(run.path).taxonomy
    assert taxonomy.names == NAMES
    assert tuple(map(hex_color, taxonomy.colors)) == COLORS
    assert taxonomy == read_description(data[0] / "dataset.yaml").taxonomy
    areoseg.audit(data, tmp_path, console=QUIET)
    for page in (run.path / "report.html", tmp_path / "audit.html"):
        text = page.read_text()
        for name, (red, green, blue) in zip(NAMES, taxonomy.colors, strict=True):
            assert name in text
            assert f"rgb({red} {green} {blue})" in text, (page, name)
    scores = json.loads((run.path / "scores.json").read_text())["test"]
    assert list(scores["classes"]) == list(NAMES)
    alone = [folder.name for folder in data] if len(data) > 1 else []
    assert list(scores.get("sets", {})) == alone


def test_predictions_have_the_nine_classes(trained, tmp_path):
    run, data = trained
    outputs = ["masks", "shares", "gallery", *_with_rasterio(["polygons"])]
    areoseg.predict(data[0] / "images" / "00.png", tmp_path, model=run.path, outputs=outputs)
    with PIL.Image.open(tmp_path / "masks" / "00.png") as mask:
        palette = np.array(mask.getpalette()).reshape(-1, 3)[:9]
        assert np.asarray(mask).max() < 9
    assert tuple(hex_color(tuple(color)) for color in palette.tolist()) == COLORS
    with (tmp_path / "shares.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert set(NAMES[1:]) <= row.keys()
    page = (tmp_path / "index.html").read_text()
    assert all(name in page for name in NAMES)
    style = (tmp_path / "masks.qml").read_text()
    for name, color in zip(NAMES, COLORS, strict=True):
        assert f'color="{color}" label="{name}"' in style
    if "polygons" in outputs:
        found = json.loads((tmp_path / "polygons" / "00.geojson").read_text())["features"]
        known = dict(zip(NAMES, COLORS, strict=True))
        assert found
        assert all(known[each["properties"]["name"]] == each["properties"]["color"]
                   for each in found)  # fmt: skip
        assert all(f'value="{name}"' in (tmp_path / "polygons.qml").read_text()
                   for name in NAMES[1:])  # fmt: skip


def test_an_exported_file_has_the_nine_classes_and_the_same_scores(trained, tmp_path):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    run, data = trained
    areoseg.export(run.path, "onnx", tmp_path / "mars.onnx", console=QUIET)
    loaded = areoseg.load(tmp_path / "mars.onnx")
    assert loaded.taxonomy == run.taxonomy
    of_run = areoseg.evaluate(run.path, console=QUIET)
    both = areoseg.evaluate([run.path, tmp_path / "mars.onnx"], data, console=QUIET)
    assert list(both.classes) == list(NAMES)
    assert both.score == pytest.approx(of_run.score, abs=0.02)
    assert both.sets.keys() == of_run.sets.keys()


def _with_rasterio(outputs):
    try:
        import rasterio  # noqa: F401
    except ImportError:
        return []
    return outputs


def test_the_augmentation_favors_the_rarest_class_unless_another_is_named(trained):
    run, data = trained
    masks = areoseg.read(data, console=QUIET).labeled.masks
    counts = np.bincount(np.ravel(masks), minlength=9)
    assert run.recipe.augment.rare_class == 1 + int(np.argmin(counts[1:]))
    named = areoseg.load_recipe("flagship", ["augment.rare_class=4"])
    labeled = areoseg.read(data, console=QUIET)
    assert favor_rarest_class(named, labeled.labeled, labeled.taxonomy) == named
