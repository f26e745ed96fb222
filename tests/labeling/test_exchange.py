"""Masks go to Label Studio, CVAT and napari and back, and files that these tools write are read."""

import io
import json
import zipfile

import numpy as np
import pytest
import tifffile
from PIL import Image

import areoseg
from areoseg.errors import AreosegError
from areoseg.labeling.exchange import FORMATS
from areoseg.labeling.label_studio import decode_rle, encode_rle
from areoseg.taxonomy import MARS, VOID

RNG = np.random.default_rng(1)
OUT = {"label-studio": "tasks.json", "cvat": "masks.zip", "napari": "labels"}


@pytest.fixture
def masks(tmp_path):
    """Two masks with their images, in `masks` and `photos`."""
    found = {}
    for name in ("a", "b c"):
        mask = np.kron(RNG.integers(0, 5, (3, 4), np.uint8), np.ones((5, 5), np.uint8))
        for folder, pixels in (("masks", mask), ("photos", mask * 40)):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / f"{name}.png")
        found[name] = mask
    return found


@pytest.mark.parametrize("tool", FORMATS)
def test_masks_return_as_they_were(tool, masks, tmp_path):
    file = tmp_path / OUT[tool]

    assert areoseg.export_labels(tmp_path / "masks", file, tool, MARS) == 2
    if tool == "label-studio":  # a person accepts the pre-annotations
        tasks = json.loads(file.read_text())
        for task in tasks:
            task["annotations"] = task.pop("predictions")
        file.write_text(json.dumps(tasks))
    names = areoseg.import_labels(file, tmp_path / "photos", tmp_path / "data", tool, MARS)

    assert sorted(names) == sorted(masks)
    data = areoseg.read(tmp_path / "data").labeled
    for name, mask in zip(data.names, data.masks, strict=True):
        assert (mask == masks[name]).all()


def label_studio_mask(brush):
    """Decode a brush with the algorithm of the format's reference implementation, bit by bit."""
    bits = "".join(f"{byte:08b}" for byte in brush)
    place = 0

    def take(count):
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    size, word = take(32), take(5) + 1
    lengths = [take(4) + 1 for _ in range(4)]
    values = []
    while len(values) < size:
        run = take(1)
        count = take(lengths[take(2)]) + 1
        values += [take(word)] * count if run else [take(word) for _ in range(count)]
    return np.array(values)


@pytest.mark.parametrize("length", [1, 8, 9, 16, 17, 256, 257, 65536, 65537, 200_000])
def test_brushes_of_any_run_length(length):
    values = np.concatenate([np.zeros(3, np.uint8), np.full(length, 255, np.uint8)])

    encoded = encode_rle(values)

    assert (decode_rle(encoded) == values).all()
    assert (label_studio_mask(encoded) == values).all()


def test_a_brush_with_single_values_is_read():
    # 4 values of 8 bits, run lengths of 3, 4, 8 and 16 bits; one group of 4 values, no run
    bits = f"{4:032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "0" + "00" + f"{3:03b}" + "".join(f"{value:08b}" for value in (1, 2, 3, 4))
    bits += "0" * (-len(bits) % 8)
    brush = int(bits, 2).to_bytes(len(bits) // 8, "big")

    assert decode_rle(brush).tolist() == [1, 2, 3, 4]


def test_an_export_of_label_studio(tmp_path, masks):
    """As `Export > JSON` writes it: uploaded images, canceled annotations, brushes, polygons."""
    inside = np.zeros((15, 20), np.uint8)
    inside[2:6, 3:9] = 255
    shape = {"original_width": 20, "original_height": 15, "image_rotation": 0}
    brush = {
        **shape,
        "type": "brushlabels",
        "value": {
            "format": "rle",
            "rle": list(encode_rle(np.repeat(inside.ravel(), 4))),
            "brushlabels": ["Big_Rock"],
        },
    }
    polygon = {
        **shape,
        "type": "polygonlabels",
        "value": {"points": [[50, 0], [100, 0], [100, 100], [50, 100]], "polygonlabels": ["sand"]},
    }
    choice = {"type": "choices", "value": {"choices": ["blurred"]}}
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/upload/3/0a1b2c3d-a.png"},
            "file_upload": "0a1b2c3d-a.png",
            "annotations": [
                {"was_cancelled": False, "result": [choice, polygon, brush]},
                {"was_cancelled": True, "result": []},
            ],
        },
        {"id": 2, "data": {"image": "/data/local-files/?d=x/b%20c.png"}, "annotations": []},
    ]
    (tmp_path / "export.json").write_text(json.dumps(tasks))

    names = areoseg.import_labels(
        tmp_path / "export.json",
        tmp_path / "photos",
        tmp_path / "data",
        "label-studio",
        MARS,
        unlabeled="void",
    )

    mask = areoseg.read(tmp_path / "data").labeled.masks[0]
    assert names == ["a"]
    assert (mask[2:6, 3:9] == 4).all()
    assert (mask[:2, 11:] == 3).all()
    assert (mask[8:, :9] == VOID).all()


def test_an_export_of_cvat(tmp_path, masks):
    """As CVAT 2 writes it: colors of its own, masks of objects, a subfolder, classes unused."""
    colors = {"background": (0, 0, 0), "sand": (51, 221, 255), "big rock": (250, 50, 83)}
    pixels = np.zeros((15, 20, 3), np.uint8)
    pixels[:5] = colors["sand"]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "task.zip", "w") as archive:
        lines = [f"{name}:{r},{g},{b}::" for name, (r, g, b) in colors.items()]
        archive.writestr("labelmap.txt", "# label:color_rgb:parts:actions\n" + "\n".join(lines))
        archive.writestr("ImageSets/Segmentation/default.txt", "photos/a\n")
        archive.writestr("SegmentationClass/photos/a.png", buffer.getvalue())
        archive.writestr("SegmentationObject/photos/a.png", b"not read")

    areoseg.import_labels(tmp_path / "task.zip", tmp_path / "photos", tmp_path / "d", "cvat", MARS)

    mask = areoseg.read(tmp_path / "d").labeled.masks[0]
    assert (mask[:5] == 3).all()
    assert (mask[5:] == MARS.background).all()


def test_a_layer_of_napari(tmp_path, masks):
    """As napari saves a Labels layer: integers of 32 bits, with zlib since 0.4.17."""
    labels = np.zeros((15, 20), np.int32)
    labels[3:] = 2
    (tmp_path / "labels").mkdir()
    tifffile.imwrite(tmp_path / "labels" / "a.tif", labels, compression="zlib")

    areoseg.import_labels(
        tmp_path / "labels", tmp_path / "photos", tmp_path / "data", "napari", MARS
    )

    mask = areoseg.read(tmp_path / "data").labeled.masks[0]
    assert (mask[3:] == 2).all()
    assert (mask[:3] == 0).all()


def _write_json(path, values):
    path.write_text(json.dumps(values))


@pytest.mark.parametrize(
    ("tool", "write", "message"),
    [
        ("label-studio", lambda path: path.write_text("{"), "cannot read"),
        ("label-studio", lambda path: _write_json(path, [{"image": "a.png"}]), "JSON-MIN"),
        ("label-studio", lambda path: _write_json(path, []), "no labeled image"),
        ("cvat", lambda path: path.write_bytes(b"PK"), "Segmentation mask 1.1"),
        ("cvat", lambda path: zipfile.ZipFile(path, "w").close(), "labelmap.txt"),
        ("napari", lambda path: path.mkdir(), "no TIFF files"),
        ("cavt", lambda path: path.touch(), "did you mean 'cvat'"),
    ],
)
def test_files_that_are_no_exports(tool, write, message, tmp_path, masks):
    write(tmp_path / "file")

    with pytest.raises(AreosegError, match=message):
        areoseg.import_labels(tmp_path / "file", tmp_path / "photos", tmp_path / "d", tool, MARS)


def test_a_label_that_is_no_class(tmp_path, masks):
    (tmp_path / "labels").mkdir()
    tifffile.imwrite(tmp_path / "labels" / "a.tif", np.full((15, 20), 7, np.uint32))

    with pytest.raises(AreosegError, match="label 7 is no class"):
        areoseg.import_labels(
            tmp_path / "labels", tmp_path / "photos", tmp_path / "d", "napari", MARS
        )


def test_a_missing_image_and_another_size(tmp_path, masks):
    (tmp_path / "labels").mkdir()
    tifffile.imwrite(tmp_path / "labels" / "x.tif", np.ones((15, 20), np.uint32))
    with pytest.raises(AreosegError, match="no image 'x'"):
        areoseg.import_labels(
            tmp_path / "labels", tmp_path / "photos", tmp_path / "d", "napari", MARS
        )

    tifffile.imwrite(tmp_path / "labels" / "a.tif", np.ones((9, 20), np.uint32))
    (tmp_path / "labels" / "x.tif").unlink()
    with pytest.raises(AreosegError, match="20x9"):
        areoseg.import_labels(
            tmp_path / "labels", tmp_path / "photos", tmp_path / "d", "napari", MARS
        )
