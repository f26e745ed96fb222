"""Files made to do harm, each given to a command: one clear line or a row in `errors.csv`."""

import io
import json
import random
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from disturb import Row
from jobs import DATA, PLAIN, Words, copy_of
from numpy.lib import format as npy_format
from process import Outcome, run
from safetensors.torch import load_file, save_file

MEMORY = 1 << 30
"""Bytes that a command may take beyond the modules that are imported already."""

SECONDS = 60.0
"""After that many a command counts as hanging."""

PREDICT = ("predict", "photos", "--model", "first", "--out", "out", "--threads", "1")
TRAIN = ("train", "unet", *PLAIN, *DATA, "--out", "out")


def _png(folder: Path, width: int, height: int, data: bytes) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    (folder / "photos" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content)


def png_bomb(folder: Path) -> Words:
    """A PNG of 60,000 x 60,000 pixels in a few bytes."""
    _png(folder, 60_000, 60_000, b"\0" * 1000)
    return PREDICT


def png_shorter_than_its_header(folder: Path) -> Words:
    """A PNG with fewer rows than its header declares."""
    _png(folder, 4000, 4000, b"\0" * 4001)
    return PREDICT


def _tiff(folder: Path, width: int, height: int, count: int) -> None:
    tags = [
        *((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1)),
        *((278, height), (279, count)),
    ]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags))
    content = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + b"\0" * 4
    (folder / "photos" / "bad.tif").write_bytes(content)


def tiff_bomb(folder: Path) -> Words:
    """A TIFF of 4 billion pixels."""
    _tiff(folder, 65_535, 65_535, 65_535 * 65_535 % 2**32)
    return PREDICT


def tiff_beyond_its_end(folder: Path) -> Words:
    """A TIFF whose pixels lie beyond its end."""
    _tiff(folder, 100, 100, 10_000)
    return PREDICT


def tiff_directories_in_a_circle(folder: Path) -> Words:
    """A TIFF whose directory is followed by itself."""
    _tiff(folder, 2, 2, 4)
    path = folder / "photos" / "bad.tif"
    path.write_bytes(path.read_bytes()[:-4] + struct.pack("<I", 8))
    return PREDICT


def links_in_a_circle(folder: Path) -> Words:
    """Links to themselves and to the folder that they are in."""
    (folder / "photos" / "bad.png").symlink_to("bad.png")
    (folder / "photos" / "circle").symlink_to(folder / "photos", target_is_directory=True)
    return PREDICT


def pds3_label_of_another_file(folder: Path) -> Words:
    """A PDS3 label that points at a file outside of its folder."""
    label = (
        'PDS_VERSION_ID = PDS3\r\n^IMAGE = "/etc/passwd"\r\nOBJECT = IMAGE\r\n LINES = 4\r\n'
        " LINE_SAMPLES = 4\r\n SAMPLE_BITS = 8\r\n SAMPLE_TYPE = UNSIGNED_INTEGER\r\n"
        "END_OBJECT = IMAGE\r\nEND\r\n"
    )
    (folder / "photos" / "bad.img").write_text(label)
    return PREDICT


def pds4_label_with_entities(folder: Path) -> Words:
    """A PDS4 label whose entities expand a billionfold."""
    entities = "".join(
        f'<!ENTITY e{number} "{f"&e{number - 1};" * 10}">' for number in range(1, 10)
    )
    label = f'<!DOCTYPE x [<!ENTITY e0 "lol">{entities}]><Product_Observational>&e9;'
    (folder / "bad.xml").write_text(f"<?xml version='1.0'?>{label}</Product_Observational>")
    return ("predict", "bad.xml", *PREDICT[2:])


def npz_of_objects(folder: Path) -> Words:
    """An npz file with pickled objects."""
    np.savez(folder / "mars.npz", training_set=np.array([print], dtype=object))
    return TRAIN


def _npz(folder: Path, shape: tuple[int, ...], content: bytes) -> None:
    member = io.BytesIO()
    npy_format.write_array_header_1_0(
        member, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    member.write(content)
    with zipfile.ZipFile(folder / "mars.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("training_set.npy", member.getvalue())


def npz_with_a_lying_header(folder: Path) -> Words:
    """An npz file whose array claims terabytes."""
    _npz(folder, (10**6, 2, 1000, 1000), b"\0" * 1000)
    return TRAIN


def npz_bomb(folder: Path) -> Words:
    """An npz file of 1 MB whose array has more than the memory that is left."""
    count = 1100
    header = {"descr": "|u1", "fortran_order": False, "shape": (count, 2, 512, 1024)}
    with (
        zipfile.ZipFile(folder / "mars.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("training_set.npy", "w", force_zip64=True) as member,
    ):
        npy_format.write_array_header_1_0(member, header)
        for _ in range(count):
            member.write(bytes(2 * 512 * 1024))
    return TRAIN


def yaml_bomb(folder: Path) -> Words:
    """A recipe whose aliases expand to billions of values."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (folder / "bad.yaml").write_text("\n".join(lines))
    return ("train", "bad.yaml", *TRAIN[2:])


def yaml_with_code(folder: Path) -> Words:
    """A recipe with a tag that would run a command."""
    (folder / "bad.yaml").write_text("model: !!python/object/apply:os.system ['touch hacked']")
    return ("train", "bad.yaml", *TRAIN[2:])


def yaml_beyond_numbers(folder: Path) -> Words:
    """A recipe with numbers that no float holds."""
    (folder / "bad.yaml").write_text(f"model: unet\ntraining: {{epochs: {10**400}, ema: .nan}}")
    return ("train", "bad.yaml", *DATA, "--out", "out")


def _weights(folder: Path, change: Callable[[torch.Tensor], torch.Tensor]) -> Words:
    path = folder / "first" / "weights.safetensors"
    tensors = load_file(path)
    name = "network.head.weight"
    save_file({**tensors, name: change(tensors[name]).contiguous()}, path)
    return PREDICT


def weights_of_nan(folder: Path) -> Words:
    """Weights with NaN, which would predict the first class everywhere."""
    return _weights(folder, lambda weight: torch.full_like(weight, torch.nan))


def weights_of_another_type(folder: Path) -> Words:
    """Weights in integers, which PyTorch would convert."""
    return _weights(folder, lambda weight: weight.to(torch.int32))


def weights_that_overlap(folder: Path) -> Words:
    """Weights whose ranges in the file overlap."""
    path = folder / "first" / "weights.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    one, other = [name for name in header if name != "__metadata__"][:2]
    header[other]["data_offsets"] = header[one]["data_offsets"]
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return PREDICT


def run_that_points_outside(folder: Path) -> Words:
    """A run whose data are a file of the system."""
    path = folder / "first" / "run.json"
    values = json.loads(path.read_text())
    values["data"]["source"]["path"] = "/etc/passwd"
    path.write_text(json.dumps(values))
    return ("evaluate", "first", "--threads", "1")


def run_of_nested_json(folder: Path) -> Words:
    """A run whose JSON is nested a hundred thousand times."""
    (folder / "first" / "run.json").write_text("[" * 100_000)
    return PREDICT


def onnx_with_data_outside(folder: Path) -> Words:
    """An ONNX file whose weights are a file outside of its folder."""
    import onnx

    weight = onnx.TensorProto(name="w", data_type=1, dims=[4], data_location=1)
    weight.external_data.add(key="location", value="../../../../etc/passwd")
    output = onnx.helper.make_tensor_value_info("w", 1, [4])
    graph = onnx.helper.make_graph([], "g", [], [output], [weight])
    (folder / "bad.onnx").write_bytes(onnx.helper.make_model(graph).SerializeToString())
    return ("predict", "photos", "--model", "bad.onnx", *PREDICT[4:])


def openvino_with_entities(folder: Path) -> Words:
    """An OpenVINO file with an entity that is a file of the system."""
    (folder / "bad.xml").write_text(
        '<?xml version="1.0"?><!DOCTYPE net [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
        '<net name="&x;" version="11"><layers></layers><edges></edges></net>'
    )
    (folder / "bad.bin").write_bytes(b"\0" * 16)
    return ("predict", "photos", "--model", "bad.xml", *PREDICT[4:])


def names_that_terminals_obey(folder: Path) -> Words:
    """A broken image whose name clears the screen."""
    (folder / "photos" / "\x1b[2J\x1b]0;title\x07.png").write_bytes(b"not an image")
    return PREDICT


def output_over_its_input(folder: Path) -> Words:
    """A submission that would replace the dataset it is made from, through a link."""
    (folder / "link.csv").symlink_to("mars.npz")
    return ("submit", "first", "--data", "mars.npz", "--out", "link.csv")


def output_path_beyond_the_system(folder: Path) -> Words:
    """A path of more than 4,000 bytes."""
    return ("train", "unet", *PLAIN, *DATA, "--out", "/".join(["x" * 200] * 25))


FILES: tuple[Callable[[Path], Words], ...] = (
    png_bomb,
    png_shorter_than_its_header,
    tiff_bomb,
    tiff_beyond_its_end,
    tiff_directories_in_a_circle,
    links_in_a_circle,
    pds3_label_of_another_file,
    pds4_label_with_entities,
    npz_of_objects,
    npz_with_a_lying_header,
    npz_bomb,
    yaml_bomb,
    yaml_with_code,
    yaml_beyond_numbers,
    weights_of_nan,
    weights_of_another_type,
    weights_that_overlap,
    run_that_points_outside,
    run_of_nested_json,
    onnx_with_data_outside,
    openvino_with_entities,
    names_that_terminals_obey,
    output_over_its_input,
    output_path_beyond_the_system,
)
"""Each writes a file into a prepared folder, and returns the command that reads it."""

HARMLESS = {"tiff_directories_in_a_circle"}
"""Files that commands may also read without an error."""


def hostile_files(base: Path, folder: Path, dice: random.Random) -> list[Row]:
    """Give each file to its command, in random order."""
    rows = []
    for make in dice.sample(FILES, len(FILES)):
        row = Row("hostile file", make.__name__.replace("_", " "))
        copy_of(base, folder)
        outcome = run(make(folder), folder, prepare=_bound, timeout=SECONDS)
        row.add(_survived(make.__name__, outcome, folder), "exit")
        rows.append(row)
    return rows


def _bound() -> None:
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def _survived(name: str, outcome: Outcome, folder: Path) -> list[str]:
    """Return what is wrong with the end of a command."""
    said = [line for line in outcome.output.splitlines() if line.startswith(("error:", "failed:"))]
    wrong = []
    if outcome.code not in ({0, 2, 3} if name in HARMLESS else {2, 3}):
        wrong.append(f"exit code {outcome.code}: {outcome.output[-300:]!r}")
    if outcome.traceback or (outcome.code in {2, 3} and not 1 <= len(said) <= 2):
        wrong.append(f"not one line: {outcome.output[-300:]!r}")
    if outcome.code == 3 and not (folder / "out" / "errors.csv").is_file():
        wrong.append("no errors.csv")
    if "\x1b" in outcome.output or (folder / "hacked").exists():
        wrong.append("it was obeyed")
    return wrong
