import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

import areoseg
from areoseg.errors import AreosegError
from areoseg.export.export import FORMATS, export_format, write_checked
from areoseg.export.parity import Allowance
from areoseg.inference import open_engine
from areoseg.inference.engines.exported import ExportedEngine, ExportMetadata
from areoseg.models import create_model
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import MARS

PACKAGES = {
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "openvino-int8": ("openvino", "nncf"),
}


def format_or_skip(name):
    for package in PACKAGES[name]:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    return FORMATS[name]


def segmenter(model="unet", **options):
    """A calibrated network with a class that is never answered."""
    torch.manual_seed(0)
    network = create_model(model, **({"widths": [4, 8]} if model == "unet" else {}) | options)
    made = Segmenter(network, mean=0.3, std=0.2, classes=5, masked_classes=(0,))
    made.temperature.fill_(1.7)
    made.offsets[1:] = torch.tensor([0.2, -0.1, 0.3, 0.0])
    return made.eval()


def metadata_of(made):
    return ExportMetadata(
        areoseg="0.1.0",
        taxonomy=MARS,
        size_divisor=made.network.size_divisor,
        scale=0.25,
        recipe="model: unet\n",
        score={"value": 0.5, "protocol": "terrain", "part": "test", "images": 7},
        license="Apache-2.0",
        weights_sha256="ab" * 32,
        data_fingerprint=None,
        tile=(32, 64),
    )


@pytest.fixture
def few(samples):
    return samples.select(range(6))


def write(chosen, made, out, samples):
    return write_checked(
        chosen,
        made,
        metadata_of(made),
        out,
        samples=samples,
        calibration=list(samples.images),
    )


def quantized_convolutions(path):
    """Whether the weights of each convolution in an OpenVINO file have 8 bits."""
    openvino = pytest.importorskip("openvino")
    return [
        node.input_value(1).get_node().get_type_name() != "Constant"
        for node in openvino.Core().read_model(path).get_ordered_ops()
        if node.get_type_name() == "Convolution"
    ]


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_a_float_export_answers_as_the_network_does(name, few, tmp_path):
    chosen = format_or_skip(name)
    parity = write(chosen, segmenter(), tmp_path / f"mars{chosen.suffix}", few)
    assert parity.probability < 1e-4
    assert parity.equal > 0.999
    assert parity.terrain == pytest.approx(parity.terrain_of_run, abs=1e-3)
    assert parity.images == 6


@pytest.mark.parametrize("model", ["light4mars-t", "unet-xception"])
def test_other_architectures_export_to_onnx(model, few, tmp_path):
    chosen = format_or_skip("onnx")
    allowed = replace(chosen, allowance=Allowance(probability=1e-2, unequal=1e-2))
    write(allowed, segmenter(model), tmp_path / "mars.onnx", few)  # raises where it is off


@pytest.mark.parametrize("name", ["onnx", "openvino"])
def test_an_exported_file_takes_any_size_and_predicts_as_a_run_does(name, few, tmp_path):
    chosen = format_or_skip(name)
    made = segmenter()
    path = tmp_path / f"mars{chosen.suffix}"
    write(chosen, made, path, few)
    engine = open_engine(path)
    assert (engine.taxonomy, engine.size_divisor, engine.scale) == (MARS, 2, 0.25)
    assert engine.metadata == metadata_of(made)
    images = torch.randint(256, (3, 1, 13, 7)) / 255
    with torch.no_grad():
        expected = torch.softmax(made(images), dim=1)
    torch.testing.assert_close(engine(images), expected, rtol=0, atol=1e-4)
    (mask,) = areoseg.load(path, accelerate=False).masks([few.images[0]])
    assert mask.shape == few.images[0].shape
    assert not (mask == 0).any()  # background is never answered


def test_other_programs_find_the_names_and_the_mask(few, tmp_path):
    format_or_skip("onnx")
    import onnxruntime

    write(FORMATS["onnx"], segmenter(), tmp_path / "mars.onnx", few)
    session = onnxruntime.InferenceSession(tmp_path / "mars.onnx")
    assert [each.name for each in session.get_inputs()] == ["images"]
    image = np.asarray(few.images[:1])[:, None]
    mask, probabilities = session.run(["mask", "probabilities"], {"images": image})
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, probabilities.argmax(axis=1))
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["areoseg"])["taxonomy"]["names"][4] == "big rock"
    assert json.loads(metadata["names"])["4"] == "big rock"
    modelmeta = session.get_modelmeta()
    assert (modelmeta.graph_name, modelmeta.version) == ("areoseg", 1)
    assert "Classes: background, soil" in modelmeta.description


def test_an_8_bit_export_is_kept_or_refused_by_its_score(few, tmp_path):
    chosen = format_or_skip("openvino-int8")
    path = tmp_path / "mars.xml"
    generous = replace(chosen, allowance=Allowance(terrain=1.0))
    parity = write(generous, segmenter(), path, few)
    assert parity.probability > 1e-4  # it did quantize
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mars.bin", "mars.xml"]
    quantized = quantized_convolutions(path)
    assert [quantized[0], quantized[-1]] == [False, False]
    assert all(quantized[1:-1])
    path.unlink()
    (tmp_path / "mars.bin").unlink()
    strict = replace(chosen, allowance=Allowance(probability=1e-6))
    with pytest.raises(AreosegError, match=r"not written: .* pixels are equal, terrain"):
        write(strict, segmenter(), path, few)
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_answers_nan_is_refused(few, tmp_path):
    chosen = format_or_skip("onnx")

    def broken(path):
        def run(images):
            mask = np.zeros((len(images), *images.shape[2:]), np.uint8)
            return mask, np.full((len(images), 5, *images.shape[2:]), np.nan, np.float32)

        return ExportedEngine(run, metadata_of(segmenter()))

    with pytest.raises(AreosegError, match="differs too much"):
        write(replace(chosen, open=broken), segmenter(), tmp_path / "mars.onnx", few)


def test_a_pt2_file_is_no_model(tmp_path):
    path = tmp_path / "mars.pt2"
    path.touch()
    with pytest.raises(AreosegError, match="not a supported model"):
        open_engine(path)


def test_metadata_of_an_older_file_have_no_tile():
    values = json.loads(metadata_of(segmenter()).to_json())
    assert values.pop("tile") == [32, 64]
    restored = ExportMetadata.from_json(json.dumps(values), path=Path("mars.onnx"))
    assert restored == replace(metadata_of(segmenter()), tile=None)


@pytest.mark.parametrize(("suffix", "name"), [(".onnx", "onnx"), (".xml", "openvino")])
@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x07\x12"])
def test_files_that_are_no_models_are_refused_in_one_line(suffix, name, content, tmp_path):
    format_or_skip(name)
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    path.with_suffix(".bin").write_bytes(b"0")
    with pytest.raises(AreosegError) as caught:
        open_engine(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_foreign_onnx_file_is_said_to_lack_its_description(tmp_path):
    format_or_skip("onnx")
    from onnx import TensorProto, helper, save

    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [value], [out])
    opset = [helper.make_opsetid("", 18)]
    path = tmp_path / "foreign.onnx"
    save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    with pytest.raises(AreosegError, match="no areoseg metadata"):
        open_engine(path)


def test_a_missing_weights_file_of_openvino_is_said(tmp_path):
    format_or_skip("openvino")
    path = tmp_path / "mars.xml"
    path.write_text("<net/>")
    with pytest.raises(AreosegError, match=r"mars\.bin: no such file"):
        open_engine(path)


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [
        ("onnx", "onnx", "export"),
        ("openvino", "openvino", "openvino"),
        ("openvino-int8", "nncf", "openvino"),
    ],
)
def test_a_missing_package_is_said_with_what_to_install(
    name, module, extra, few, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, module, None)
    chosen = FORMATS[name]
    with pytest.raises(AreosegError, match=rf"{module} is not .* 'areoseg\[{extra}\]'"):
        write(chosen, segmenter(), tmp_path / f"mars{chosen.suffix}", few)


def test_unknown_formats_and_suffixes_are_refused(few, tmp_path):
    with pytest.raises(AreosegError, match="did you mean 'openvino'"):
        export_format("openvno")
    with pytest.raises(AreosegError, match=r"ends in \.onnx"):
        write(FORMATS["onnx"], segmenter(), tmp_path / "mars.xml", few)


def test_a_folder_that_cannot_be_written_is_said(few, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AreosegError, match="cannot write"):
        write(FORMATS["onnx"], segmenter(), tmp_path / "file" / "mars.onnx", few)


def test_openvino_is_imported_without_its_telemetry():
    format_or_skip("openvino-int8")
    code = (
        "import sys; from areoseg.utils.extras import need_openvino; need_openvino('nncf');"
        " need_openvino(); assert sys.modules['openvino_telemetry'] is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
