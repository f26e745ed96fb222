import numpy as np
import pytest

from areoseg.data.load import read_data, recognize_format
from areoseg.errors import AreosegError

PAIRS, TESTS, HEIGHT, WIDTH = 6, 4, 16, 32


@pytest.fixture
def training_set():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (PAIRS, HEIGHT, WIDTH))
    masks = generator.integers(0, 5, (PAIRS, HEIGHT, WIDTH))
    return np.stack([images, masks], axis=1).astype(np.uint8)


@pytest.fixture
def test_set():
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (TESTS, HEIGHT, WIDTH)).astype(np.uint8)


def saved(folder, **arrays):
    np.savez_compressed(folder / "set.npz", **arrays)
    return folder / "set.npz"


def test_pairs_and_test_images_come_back_as_they_were(tmp_path, training_set, test_set):
    path = saved(tmp_path, training_set=training_set, test_set=test_set)
    data = read_data(path)
    np.testing.assert_array_equal(data.labeled.images, training_set[:, 0])
    np.testing.assert_array_equal(data.labeled.masks, training_set[:, 1])
    np.testing.assert_array_equal(data.unlabeled.images, test_set)
    assert data.labeled.images.dtype == np.uint8
    assert data.unlabeled.masks is None
    assert data.labeled.names[5] == "training_set/0005"
    assert data.unlabeled.names[0] == "test_set/0000"
    assert data.labeled.groups is None
    assert data.warnings == ()


def test_the_test_set_may_be_absent(tmp_path, training_set):
    data = read_data(saved(tmp_path, training_set=training_set))
    assert (len(data.labeled), len(data.unlabeled)) == (PAIRS, 0)


def test_the_training_set_may_be_absent(tmp_path, test_set):
    data = read_data(saved(tmp_path, test_set=test_set))
    assert (len(data.labeled), len(data.unlabeled)) == (0, TESTS)


def test_an_npz_under_another_name_is_recognized(tmp_path, test_set):
    path = saved(tmp_path, test_set=test_set).rename(tmp_path / "homework.data")
    assert recognize_format(path) == "npz"


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, np.float64])
def test_eight_bit_values_in_wider_types_are_understood(tmp_path, training_set, dtype):
    data = read_data(saved(tmp_path, training_set=training_set.astype(dtype)))
    image = data.labeled.images
    scale = 1 if image.dtype == np.uint8 else 255
    np.testing.assert_allclose(image * scale, training_set[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(data.labeled.masks, training_set[:, 1])


def test_training_and_test_images_share_one_scale(tmp_path):
    bright = np.full((1, 8, 8), 60000, np.uint16)
    dark = np.zeros((1, 2, 8, 8), np.uint16)
    dark[0, 0] = 1000
    data = read_data(saved(tmp_path, training_set=dark, test_set=bright))
    assert data.labeled.images.max() == pytest.approx(1000 / 65535)
    assert data.unlabeled.images.max() == pytest.approx(60000 / 65535)


def test_an_npz_is_cut_into_tiles_grouped_by_frame(tmp_path, training_set):
    data = read_data(saved(tmp_path, training_set=training_set), tile=(8, 16))
    assert data.labeled.images.shape == (PAIRS * 4, 8, 16)
    assert data.labeled.names[1] == "training_set/0000@y000x016"
    assert data.labeled.groups[1] == "training_set/0000"


def test_progress_counts_every_frame(tmp_path, training_set, test_set):
    seen = []
    path = saved(tmp_path, training_set=training_set, test_set=test_set)
    read_data(path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 10) for done in range(1, 11)]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": np.zeros(3)}, "neither 'training_set' nor 'test_set' is in it, but 'images'"),
        ({}, "but nothing"),
        ({"training_set": np.zeros((3, 8, 8))}, r"\(3, 8, 8\).*\(N, 2, H, W\)"),
        ({"training_set": np.zeros((3, 3, 8, 8))}, r"\(3, 3, 8, 8\).*\(N, 2, H, W\)"),
        ({"test_set": np.zeros((3, 1, 8, 8))}, r"\(3, 1, 8, 8\).*\(M, H, W\)"),
        ({"test_set": np.zeros((0, 8, 8))}, r"\(0, 8, 8\).*is empty"),
        ({"test_set": np.array([{"a": 1}], object)}, "'test_set' holds object values"),
        ({"test_set": np.full((1, 2, 2), "x")}, "'test_set' holds str"),
        ({"test_set": np.zeros((1, 2, 2), complex)}, "'test_set' holds complex128"),
        ({"test_set": np.full((1, 2, 2), -1)}, "test_set image 0.*from -1 to -1"),
        ({"test_set": np.full((1, 2, 2), 70000)}, "test_set image 0.*from 70000 to 70000"),
        ({"test_set": np.full((1, 2, 2), 70000.0)}, "gray levels up to 70000"),
    ],
)
def test_wrong_keys_shapes_and_types_are_named(tmp_path, arrays, message):
    with pytest.raises(AreosegError, match=message):
        read_data(saved(tmp_path, **arrays))


@pytest.mark.parametrize(("value", "shown"), [(7, "value 7 "), (255, "value 255 ")])
def test_a_mask_value_outside_the_classes_is_named_with_its_pair(
    tmp_path, training_set, value, shown
):
    training_set[3, 1, 0, 0] = value
    with pytest.raises(AreosegError, match=f"training_set pair 3: mask {shown}"):
        read_data(saved(tmp_path, training_set=training_set))


@pytest.mark.parametrize("value", [0.5, np.nan, -1.0])
def test_a_float_mask_must_hold_whole_classes(tmp_path, training_set, value):
    training = training_set.astype(np.float32)
    training[2, 1, 0, 0] = value
    with pytest.raises(AreosegError, match="pair 2: mask value"):
        read_data(saved(tmp_path, training_set=training))


def test_odd_images_are_warned_of_with_count_and_names(tmp_path, training_set):
    training = training_set.astype(np.float32)
    training[1, 0, 0, 0] = np.nan
    training[4, 0, 0, 0] = np.inf
    training[2, 0] = 9
    data = read_data(saved(tmp_path, training_set=training))
    assert data.warnings == (
        "2 images with missing pixels (nodata, transparent or NaN), which are read as 0 and"
        " ignored: training_set/0001, training_set/0004",
        "1 image constant, without contrast: training_set/0002",
    )
    assert data.labeled.images[1, 0, 0] == 0
    assert np.isfinite(data.labeled.images).all()


def test_long_warnings_name_the_first_and_count_the_rest(tmp_path):
    data = read_data(saved(tmp_path, test_set=np.zeros((9, 4, 4), np.uint8)))
    assert data.warnings[0].startswith("9 images constant")
    assert data.warnings[0].endswith("test_set/0004 and 4 more")


def test_a_missing_file_is_named(tmp_path):
    for kind in ("auto", "npz"):
        with pytest.raises(AreosegError, match=r"no\.npz: no such file"):
            read_data(tmp_path / "no.npz", data_format=kind)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n", "is not an npz archive"),
        (b"\x80\x04\x95", "is not an npz archive"),
        (b"PK\x03\x04 and no more", "is truncated"),
    ],
)
def test_a_file_that_is_no_npz_is_refused(tmp_path, content, message):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(AreosegError, match=message):
        read_data(tmp_path / "set.npz")


def test_a_truncated_file_is_refused_wherever_it_ends(tmp_path, training_set):
    path = saved(tmp_path, training_set=training_set)
    content = path.read_bytes()
    for length in range(1, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(AreosegError, match=r"set\.npz"):
            read_data(path)


@pytest.mark.parametrize("offset", [60, 400, 2000])
def test_a_damaged_member_is_refused(tmp_path, training_set, offset):
    path = saved(tmp_path, training_set=training_set)
    content = bytearray(path.read_bytes())
    content[offset : offset + 20] = b"\xff" * 20
    path.write_bytes(bytes(content))
    with pytest.raises(AreosegError, match="'training_set' is damaged or truncated"):
        read_data(path)


def test_a_header_that_promises_too_much_does_not_reserve_memory(tmp_path):
    np.savez(tmp_path / "set.npz", test_set=np.zeros((10, 16, 16), np.uint8))
    content = (tmp_path / "set.npz").read_bytes()
    assert content.count(b"(10, 16, 16), ") == 1
    (tmp_path / "set.npz").write_bytes(content.replace(b"(10, 16, 16), ", b"(9999999,999,)"))
    with pytest.raises(AreosegError, match="'test_set' is damaged or truncated"):
        read_data(tmp_path / "set.npz")


def test_a_plain_npy_file_is_no_npz(tmp_path):
    np.save(tmp_path / "set.npy", np.zeros(3))
    with pytest.raises(AreosegError, match="unknown dataset format"):
        read_data(tmp_path / "set.npy")
    with pytest.raises(AreosegError, match="is not an npz archive"):
        read_data(tmp_path / "set.npy", data_format="npz")


def test_a_folder_is_no_npz(tmp_path):
    with pytest.raises(AreosegError, match="cannot read this file"):
        read_data(tmp_path, data_format="npz")


def test_further_arrays_are_told(tmp_path):
    images = np.zeros((2, 4, 8), np.uint8)
    images[:, 0] = 9
    np.savez(tmp_path / "a.npz", test_set=images, val_set=images, names=np.arange(2))
    assert read_data(tmp_path / "a.npz").warnings == ("left out 2 arrays: names, val_set",)
