"""Parquet files as Hugging Face Datasets write them, against the arrays that they were made of."""

import io
import json
import threading

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from areoseg.data.description import find_description
from areoseg.data.inspect import check_dataset, draft_description
from areoseg.data.load import read
from areoseg.data.readers import parquet
from areoseg.errors import AreosegError

arrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
pq = pytest.importorskip("pyarrow.parquet")

QUIET = Console(quiet=True)
IMAGE = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])


def png(values):
    content = io.BytesIO()
    PIL.Image.fromarray(values).save(content, format="PNG")
    return content.getvalue()


def write(path, columns, *, group=2):
    """Write columns of PNG files, or of texts, with the metadata of Hugging Face Datasets."""
    arrays, features = {}, {}
    for name, values in columns.items():
        if all(isinstance(value, str) for value in values):
            arrays[name], features[name] = arrow.array(values), {"_type": "Value"}
        elif all(isinstance(value, bytes | None) for value in values):
            arrays[name], features[name] = arrow.array(values, arrow.binary()), {"_type": "Value"}
        else:
            arrays[name], features[name] = arrow.array(values, IMAGE), {"_type": "Image"}
    table = arrow.table(arrays)
    info = json.dumps({"info": {"features": features}})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table.replace_schema_metadata({"huggingface": info}), path, row_group_size=group)
    return path


@pytest.fixture
def pairs():
    generator = np.random.default_rng(0)
    return (
        generator.integers(0, 256, (7, 8, 12)).astype(np.uint8),
        generator.integers(0, 5, (7, 8, 12)).astype(np.uint8),
    )


def structs(values, names=None):
    return [{"bytes": png(value), "path": None if names is None else names[index]}
            for index, value in enumerate(values)]  # fmt: skip


def test_structs_of_bytes_and_path_in_shards(tmp_path, pairs):
    images, masks = pairs
    names = [f"sol/{index}.png" for index in range(7)]
    for shard, rows in enumerate((slice(0, 4), slice(4, 7))):
        masked = structs(masks[rows])
        if shard:
            masked[1] = None  # an image without a mask
        write(
            tmp_path / "data" / f"train-{shard:05d}-of-00002.parquet",
            {"image": structs(images[rows], names[rows]), "mask": masked},
        )
    data = read(tmp_path, console=QUIET)
    assert data.labeled.names == tuple(f"sol/{index}" for index in (0, 1, 2, 3, 4, 6))
    kept = [0, 1, 2, 3, 4, 6]
    np.testing.assert_array_equal(data.labeled.images, images[kept])
    np.testing.assert_array_equal(data.labeled.masks, masks[kept])
    np.testing.assert_array_equal(data.unlabeled.images[0], images[5])
    assert data.unlabeled.names == ("sol/5",)


def test_binary_columns_names_tiles_and_deep_images(tmp_path, pairs):
    images, masks = pairs
    deep = images.astype(np.uint16) * 257
    path = write(
        tmp_path / "a.parquet",
        {
            "image": [png(image) for image in deep],
            "label": [png(mask) for mask in masks],
            "file_name": [f"{index}.jpg" for index in range(7)],
        },
    )
    data = read(path, tile=(8, 6), console=QUIET)
    assert data.labeled.names[:3] == ("0@y000x000", "0@y000x006", "1@y000x000")
    np.testing.assert_allclose(data.labeled.images[1], deep[0, :, 6:] / 65535, atol=1e-7)
    np.testing.assert_array_equal(data.labeled.masks[1], masks[0, :, 6:])


def test_a_description_names_columns_and_maps_values(tmp_path, pairs):
    images, masks = pairs
    columns = {"photo": structs(images), "mask": structs(masks * 10)}
    path = write(tmp_path / "a.parquet", columns)
    with pytest.raises(AreosegError, match="no column of images among photo, mask"):
        read(path, console=QUIET)
    description = tmp_path / "a_dataset.yaml"
    description.write_text("classes: [a, b, c, d, e]\nimages: photo\n"
                           "map: {0: a, 10: b, 20: c, 30: d, 40: e}\n")  # fmt: skip
    assert find_description(path) == description
    data = read(path, console=QUIET)
    np.testing.assert_array_equal(data.labeled.masks, masks)
    assert data.labeled.names[6] == "a/000006"


def test_rover_and_range_masks_come_with_the_values_of_ai4mars(tmp_path, pairs):
    images, _ = pairs
    values = np.resize(np.array([0, 1, 2, 3, 255], np.uint8), images.shape)
    rover, far = np.zeros_like(images), np.zeros_like(images)
    rover[:, 6:], far[:, :2] = 1, 1
    path = write(
        tmp_path / "a.parquet",
        {"image": structs(images), "mask": structs(values), "rover_mask": structs(rover),
         "range_mask": [*structs(far)[:6], None]},
    )  # fmt: skip
    data = read(path, console=QUIET).labeled
    expected = np.where(values == 255, 0, values + 1)
    expected[rover > 0] = 0
    expected[:6][far[:6] > 0] = 0
    np.testing.assert_array_equal(data.masks, expected)
    np.testing.assert_array_equal(data.not_ground[0], (rover[0] | far[0]).astype(bool))


def test_row_groups_are_read_once_and_one_at_a_time_by_each_thread(tmp_path, pairs, monkeypatch):
    images, masks = pairs
    columns = {"image": structs(np.repeat(images, 9, 0)), "mask": structs(np.repeat(masks, 9, 0))}
    path = write(tmp_path / "a.parquet", columns, group=8)
    reads = []
    value = parquet.Shards.value

    def counted(self, path, group, row, column):
        before = getattr(self._current, "table", None)
        found = value(self, path, group, row, column)
        if self._current.table is not before:
            reads.append((threading.get_ident(), group))
        return found

    monkeypatch.setattr(parquet.Shards, "value", counted)
    assert len(read(path, console=QUIET).labeled) == 63
    assert sorted(group for _, group in reads) == list(range(8))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"image": [{"bytes": None, "path": "a.png"}], "mask": [png(np.eye(3) > 0)]},
         r"image of row 0 .* is only the path 'a\.png': embed"),
        ({"image": [b"damaged"], "mask": [png(np.eye(3) > 0)]}, r"a\.parquet: a/000000: image: "),
        ({"text": ["a"]}, "no column of images among text"),
        ({"image": [png(np.eye(3) > 0)] * 2, "name": ["a", "a"]}, "have the same name 'a'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_row(tmp_path, columns, message):
    path = write(tmp_path / "a.parquet", columns)
    with pytest.raises(AreosegError, match=message):
        read(path, console=QUIET)


def test_damaged_files_are_refused(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 damaged")
    with pytest.raises(AreosegError, match=r"a\.parquet: cannot read this Parquet file"):
        read(tmp_path, console=QUIET)


def test_parquet_is_described_and_checked(tmp_path, pairs):
    images, masks = pairs
    write(tmp_path / "a.parquet", {"image": structs(images), "mask": structs(masks)})
    text = draft_description(tmp_path)
    assert "images:" not in text
    (tmp_path / "dataset.yaml").write_text(text)
    checked = check_dataset(tmp_path)
    assert (checked.images, checked.masks, checked.problems) == (7, 7, ())
    masks[4, 0, 0] = 77
    write(tmp_path / "a.parquet", {"image": structs(images), "mask": structs(masks)})
    assert "mask value 77 without a class" in check_dataset(tmp_path).problems[0]
