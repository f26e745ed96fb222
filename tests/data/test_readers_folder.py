import numpy as np
import PIL.Image
import pytest
import tifffile

from areoseg.data.load import read_data, recognize_format
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

SIZE = (12, 20)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(pixels)).save(path)


def some_image(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, size).astype(np.uint8)


def some_mask(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, 5, size).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    for seed, name in enumerate(("b", "a", "sol 1/c")):
        save(tmp_path / f"images/{name}.png", some_image(seed))
        save(tmp_path / f"masks/{name}.png", some_mask(seed))
    return tmp_path


def test_pairs_match_by_path_without_suffix(folder):
    (folder / "images/a.png").unlink()
    tifffile.imwrite(folder / "images/a.TIF", some_image(1))
    (folder / "images/readme.txt").write_text("not an image")
    data = read_data(folder)
    assert recognize_format(folder) == "folder"
    assert data.labeled.names == ("a", "b", "sol 1/c")
    for index, seed in enumerate((1, 0, 2)):
        np.testing.assert_array_equal(data.labeled.images[index], some_image(seed))
        np.testing.assert_array_equal(data.labeled.masks[index], some_mask(seed))
    assert data.labeled.images.shape == (3, *SIZE)
    assert data.labeled.groups is None
    assert len(data.unlabeled) == 0
    assert data.warnings == ()


def test_images_of_different_sizes_stay_apart(folder):
    save(folder / "images/d.png", some_image(3, (8, 8)))
    save(folder / "masks/d.png", some_mask(3, (8, 8)))
    data = read_data(folder)
    assert [image.shape for image in data.labeled.images] == [SIZE, SIZE, (8, 8), SIZE]
    assert [mask.shape for mask in data.labeled.masks] == [SIZE, SIZE, (8, 8), SIZE]


def test_depth_is_judged_per_file_and_different_depths_are_told(folder):
    for name, level in (("a", 1000), ("b", 3000), ("sol 1/c", 4095)):
        levels = np.zeros(SIZE, np.uint16)
        levels[0, 0] = level
        save(folder / f"images/{name}.png", levels)
    data = read_data(folder)
    assert [image[0, 0] for image in data.labeled.images] == pytest.approx(
        [1000 / 4095, 3000 / 4095, 1]
    )
    assert data.warnings == ()
    levels[0, 0] = 50000
    save(folder / "images/a.png", levels)
    data = read_data(folder)
    # As in prediction, which reads one file at a time.
    assert data.labeled.images[1][0, 0] == pytest.approx(3000 / 4095)
    assert "different whites (2 to 4095, 1 to 65535): check a" in data.warnings[-1]


def test_eight_bits_in_files_of_sixteen_stay_eight_bits(folder):
    for index, name in enumerate(("a", "b", "sol 1/c")):
        save(folder / f"images/{name}.png", some_image(index).astype(np.uint16))
    images = read_data(folder).labeled.images
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images[0], some_image(0))


def test_a_set_of_mixed_depths_becomes_float(folder):
    save(folder / "images/a.png", some_image(9).astype(np.uint16) * 257)
    images = read_data(folder).labeled.images
    assert images.dtype == np.float32
    np.testing.assert_allclose(images[0], some_image(9) / 255, rtol=1e-6)
    np.testing.assert_allclose(images[1], some_image(0) / 255, rtol=1e-6)


def test_color_is_warned_of(folder):
    color = np.stack([some_image(1), some_image(2), some_image(3)], axis=2)
    save(folder / "images/b.png", color)
    assert read_data(folder).warnings == ("1 image in color, read as luminance: b",)


def test_slight_differences_between_jpeg_channels_are_no_color(folder):
    gray = some_image(1)
    save(folder / "images/b.png", np.stack([gray, gray, np.minimum(gray, 252) + 3], axis=2))
    assert read_data(folder).warnings == ()


def test_jpeg_masks_are_read_with_a_warning(folder):
    (folder / "masks/a.png").unlink()
    save(folder / "masks/a.jpg", np.full(SIZE, 2, np.uint8))
    data = read_data(folder)
    assert (data.labeled.masks[0] == 2).all()
    assert data.warnings[0].startswith("1 mask stored as JPEG")


def test_files_without_counterpart_are_counted_and_listed(folder):
    for index in range(7):
        save(folder / f"images/x{index}.png", some_image())
    save(folder / "masks/y.png", some_mask())
    with pytest.raises(AreosegError) as caught:
        read_data(folder)
    assert "7 images without mask (x0, x1, x2, x3, x4 and 2 more)" in str(caught.value)
    assert "1 mask without image (y)" in str(caught.value)


def test_two_files_of_one_name_are_refused(folder):
    save(folder / "images/a.jpg", some_image())
    with pytest.raises(AreosegError, match=r"a\.jpg and .*a\.png have the same name"):
        read_data(folder)


@pytest.mark.parametrize("missing", ["images", "masks"])
def test_a_missing_folder_is_named(folder, missing):
    (folder / missing).rename(folder / "elsewhere")
    with pytest.raises(AreosegError, match=rf"{missing}: no such folder"):
        read_data(folder, data_format="folder")


def test_an_empty_folder_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(AreosegError, match=r"images: no image in this folder: files.*end in \.png"):
        read_data(tmp_path)


def test_image_and_mask_of_different_size_are_refused(folder):
    save(folder / "masks/a.png", some_mask(0, (8, 8)))
    with pytest.raises(AreosegError, match=r"a\.png: the image is 12x20 but its mask is 8x8"):
        read_data(folder)


def test_values_outside_the_classes_are_listed_with_the_file(folder):
    mask = some_mask()
    mask[0, :7] = (5, 6, 7, 8, 9, 10, 255)
    save(folder / "masks/a.png", mask)
    with pytest.raises(
        AreosegError, match=r"masks/a\.png: mask values 5, 6, 7, 8, 9 and 2 more outside"
    ):
        read_data(folder)


def test_void_in_a_plain_folder_points_to_ai4mars(folder):
    save(folder / "masks/a.png", np.where(some_mask() == 4, 255, some_mask()).astype(np.uint8))
    with pytest.raises(AreosegError, match=r"a\.png: mask value 255 outside.*'ai4mars-flat'"):
        read_data(folder)


def test_the_taxonomy_says_which_values_are_classes(folder):
    rocks = Taxonomy(names=("ground", "rock"), colors=((0, 0, 0), (9, 9, 9)))
    with pytest.raises(AreosegError, match=r"values 2, 3, 4 outside the classes 0 to 1"):
        read_data(folder, taxonomy=rocks)


def test_one_unreadable_image_is_named(folder):
    (folder / "images/b.png").write_bytes((folder / "images/b.png").read_bytes()[:60])
    with pytest.raises(AreosegError, match=r"images/b\.png: cannot read this image"):
        read_data(folder)


def test_labels_are_for_ai4mars_only(folder):
    with pytest.raises(AreosegError, match="format 'folder' has no 'expert-1' labels"):
        read_data(folder, label_set="expert-1")


def test_an_unknown_format_gets_a_hint(folder):
    with pytest.raises(AreosegError, match="no format 'foldr': did you mean 'folder'"):
        read_data(folder, data_format="foldr")
    with pytest.raises(AreosegError, match="choose from auto, npz"):
        read_data(folder, data_format="%")


def test_a_folder_of_nothing_known_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(AreosegError, match="unknown dataset format"):
        read_data(tmp_path)
    with pytest.raises(AreosegError, match="no such file or folder"):
        read_data(tmp_path / "absent")


def test_images_alone_are_an_unlabeled_set(tmp_path):
    save(tmp_path / "a.png", some_image(0))
    save(tmp_path / "deep/a.png", some_image(1))
    save(tmp_path / "b.png", some_image(2))
    save(tmp_path / "b.tif", some_image(3))
    data = read_data(tmp_path)
    assert recognize_format(tmp_path) == "images"
    assert data.unlabeled.names == ("a", "b.png", "b.tif", "deep/a")
    np.testing.assert_array_equal(data.unlabeled.images[3], some_image(1))
    assert data.unlabeled.masks is None
    assert len(data.labeled) == 0


def test_names_stay_unique_whatever_the_suffixes(tmp_path):
    for name in ("a.png", "a.tif", "a.png.tif"):
        save(tmp_path / name, some_image())
    assert len(set(read_data(tmp_path).unlabeled.names)) == 3


def test_one_image_file_is_an_unlabeled_set(tmp_path):
    save(tmp_path / "a.png", some_image())
    assert read_data(tmp_path / "a.png").unlabeled.names == ("a",)


def test_a_folder_of_data_sets_is_not_read_as_images(folder):
    for name in ("images", "masks"):
        (folder / "sets" / "inner").mkdir(parents=True, exist_ok=True)
        (folder / name).rename(folder / "sets" / "inner" / name)
    with pytest.raises(AreosegError, match="unknown dataset format"):
        read_data(folder / "sets")


def test_an_empty_folder_of_images_is_named(tmp_path):
    with pytest.raises(AreosegError, match="no image in this folder"):
        read_data(tmp_path, data_format="images")
