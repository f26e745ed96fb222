"""Files made to do harm: one clear line, in bounded time and memory."""

import io
import json
import zipfile

import numpy as np
import pytest
import torch
from numpy.lib import format as npy_format
from safetensors.torch import load_file, save_file

from areoseg.data.load import read
from areoseg.data.readers import npz
from areoseg.errors import AreosegError, printable
from areoseg.inference.engines.exported import ExportedEngine, ExportMetadata
from areoseg.inference.listing import find_inputs
from areoseg.recipes import load_recipe, write_recipe
from areoseg.recipes.yaml_text import read_yaml
from areoseg.runs.info import RunInfo
from areoseg.runs.run import RUN_INFO, SPLIT, WEIGHTS, Run, build_segmenter, write_weights
from areoseg.taxonomy import MARS
from areoseg.utils.console import PlainConsole
from areoseg.utils.files import check_not_input, csv_cells, plain_cells, read_json, read_json_object

BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, "more than 100000 values with its aliases"),
        ("a: &a [*a]", r"bad\.yaml"),
        ("[" * 5000, "nested too deeply"),
        ("model: !!python/object/apply:os.system ['true']", "not YAML"),
        ("training: {epochs: !!float 1e400}", "bad.yaml:1: training.epochs"),
        ("optimizer: {lr: .nan}", "bad.yaml:1: optimizer.lr"),
        (f"optimizer: {{lr: {10**400}}}", "bad.yaml:1: optimizer.lr"),
        (f"training: {{epochs: {10**400}}}", "bad.yaml:1: training.epochs"),
        (f"optimizer: {{lr: {'9' * 5000}}}", r"bad\.yaml"),
        ("? [a, b]\n: c", r"bad\.yaml"),
        ("\x00", "not YAML"),
    ],
)
def test_a_recipe(text, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(AreosegError, match=message) as error:
        load_recipe(path)
    assert len(str(error.value)) < 2000


def test_aliases_are_welcome():
    values, _ = read_yaml("a: &a {lr: 1}\nb: *a\n", "some.yaml")
    assert values["b"] == {"lr": 1}


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "{", "\udcff"])
def test_json(text, tmp_path):
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(AreosegError, match=r"run\.json: cannot read this file"):
        read_json(path)


def test_json_that_is_no_object(tmp_path):
    path = tmp_path / "scores.json"
    path.write_text("[1]")
    with pytest.raises(AreosegError, match="not a JSON object, but list"):
        read_json_object(path)


def write_member(path, header, content=b"", *, declared=None):
    """Write an npz file whose only array has a header of its own."""
    member = io.BytesIO()
    npy_format.write_array_header_1_0(member, header)
    member.write(content)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("test_set.npy", member.getvalue())
    if declared is not None:  # the directory at the end of the file may claim any size
        raw = bytearray(path.read_bytes())
        at = raw.rindex(b"PK\x01\x02") + 24
        raw[at : at + 4] = declared.to_bytes(4, "little")
        path.write_bytes(raw)


def test_an_npz_file_with_objects(tmp_path):
    path = tmp_path / "mars.npz"
    np.savez(path, test_set=np.array([{}, []], dtype=object))
    with pytest.raises(AreosegError, match="holds object values"):
        read(path)


@pytest.mark.parametrize("declared", [None, 0xFFFFFFF0])
def test_an_npz_file_that_lies_about_its_size(tmp_path, declared):
    path = tmp_path / "mars.npz"
    header = {"descr": "|u1", "fortran_order": False, "shape": (60_000, 256, 256)}
    write_member(path, header, b"\0" * 1000, declared=declared)
    with pytest.raises(AreosegError, match="damaged or truncated"):
        read(path)


def test_an_npz_file_that_grows_beyond_the_memory(tmp_path, monkeypatch):
    path = tmp_path / "mars.npz"
    np.savez_compressed(path, test_set=np.zeros((10, 64, 64), np.uint8))
    monkeypatch.setattr(npz, "physical_memory", lambda: 10_000.0)
    with pytest.raises(AreosegError, match=r"'test_set' has 0\.0 GB, but this machine only"):
        read(path)


@pytest.fixture
def run(tmp_path, tiny, run_values):
    """A run that was never trained."""
    recipe = load_recipe("unet", tiny)
    write_weights(tmp_path / WEIGHTS, build_segmenter(recipe, MARS).state_dict())
    write_recipe(recipe, tmp_path / "recipe.yaml")
    (tmp_path / RUN_INFO).write_text(json.dumps(run_values()))
    return Run(tmp_path, recipe, RunInfo.read(tmp_path / RUN_INFO))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weight: torch.full_like(weight, torch.nan), "contains NaN or infinite weights"),
        (lambda weight: weight.to(torch.int32), "torch.int32 instead of torch.float32"),
        (lambda weight: weight.to(torch.complex64), "torch.complex64 instead of torch.float32"),
        (lambda weight: weight[:1], "size mismatch"),
    ],
)
def test_weights(run, change, message):
    run.segmenter()
    tensors = load_file(run.path / WEIGHTS)
    tensors["network.head.weight"] = change(tensors["network.head.weight"]).contiguous()
    save_file(tensors, run.path / WEIGHTS)
    with pytest.raises(AreosegError, match=message):
        run.segmenter()


def test_weights_whose_ranges_overlap(run):
    content = (run.path / WEIGHTS).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]
    text = json.dumps(header).encode()
    (run.path / WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(AreosegError, match="does not fit"):
        run.segmenter()


@pytest.mark.parametrize("values", [[], {"train": 1}, {"train": [["a"]]}, "train"])
def test_a_split(run, values):
    (run.path / SPLIT).write_text(json.dumps(values))
    with pytest.raises(AreosegError, match=r"split\.json: not the names of the samples"):
        _ = run.split


def metadata(**changes):
    return {
        "areoseg": "0.2.0",
        "taxonomy": {"names": MARS.names, "colors": MARS.colors, "background": 0},
        "size_divisor": 4,
        "scale": None,
        "recipe": "model: unet",
        "score": None,
        "license": "none",
        "weights_sha256": "00",
        "data_fingerprint": None,
        **changes,
    }


@pytest.mark.parametrize(
    "changes",
    [{"size_divisor": "x"}, {"tile": [1]}, {"taxonomy": []}, {"more": 1}, {"resize": "no"}],
)
def test_metadata_of_an_exported_file(changes, tmp_path):
    path = tmp_path / "mars.onnx"
    ExportMetadata.from_json(json.dumps(metadata()), path=path)
    for text in (json.dumps(metadata(**changes)), "[" * 100_000, "[]"):
        with pytest.raises(AreosegError, match=r"mars\.onnx: its metadata cannot be read"):
            ExportMetadata.from_json(text, path=path)


@pytest.mark.parametrize(
    "answer",
    [
        np.zeros((1, 2, 8, 8), np.float32),
        np.full((1, 5, 8, 8), np.nan, np.float32),
        ValueError("no such output"),
    ],
    ids=["shape", "NaN", "error"],
)
def test_what_an_exported_file_answers(answer, tmp_path):
    def answers(images):
        if isinstance(answer, Exception):
            raise answer
        return None, answer

    known = ExportMetadata.from_json(json.dumps(metadata()), path=tmp_path)
    with pytest.raises(AreosegError, match="export the run again"):
        ExportedEngine(answers, known)(torch.zeros(1, 1, 8, 8))


def test_links_in_a_circle(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "circle").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "self.png").symlink_to("self.png")
    with pytest.raises(AreosegError) as error:
        [each.read() for each in find_inputs([tmp_path / "photos"], out=tmp_path / "out")]
    assert "\n" not in str(error.value)


def test_an_output_that_is_an_input(tmp_path):
    path, link = tmp_path / "mars.npz", tmp_path / "link.csv"
    path.write_bytes(b"data")
    link.symlink_to(path)
    for out in (path, link):
        with pytest.raises(AreosegError, match="this file is an input: choose another --out"):
            check_not_input(out, tmp_path / "absent", path)
    check_not_input(tmp_path / "new.csv", path)


def test_names_that_terminals_obey(capsys):
    name = "\x1b]0;title\x07\x1b[2J\u202egnp.exe\u202c\x9b1m"
    assert printable(name) == (r"\x1b]0;title\x07\x1b[2J\u202egnp.exe\u202c\x9b1m")
    assert str(AreosegError(name)) == printable(name)
    assert printable("a\tb\nä[1]") == "a\tb\nä[1]"
    PlainConsole().print(name)
    assert capsys.readouterr().out == printable(name) + "\n"


def test_cells_that_spreadsheets_calculate():
    row = ["=HYPERLINK(1)", "+1+1", "-1+1", "@a", "\t=1", "-1.5", "+2", -3, None, "a=1", "'=x"]
    cells = csv_cells(row)
    assert cells == [
        *("'=HYPERLINK(1)", "'+1+1", "'-1+1", "'@a", "'\t=1"),
        *("-1.5", "+2", -3, None, "a=1", "'=x"),
    ]
    assert plain_cells(cells[:5]) == row[:5]
