"""Corrected masks become a dataset that training reads."""

import numpy as np
import pytest
from PIL import Image

import areoseg
from areoseg.errors import AreosegError
from areoseg.labeling.dataset_folder import DatasetFolder, labeled_names
from areoseg.taxonomy import MARS, VOID, Taxonomy

RNG = np.random.default_rng(0)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(RNG.integers(0, 256, (16, 24), np.uint8)).save(path)
    return path


def test_a_saved_mask_is_read_as_it_was(tmp_path, image):
    mask = RNG.integers(0, 5, (16, 24), np.uint8)
    mask[0, 0] = VOID

    DatasetFolder(tmp_path / "data", MARS).save(image, mask)

    data = areoseg.read(tmp_path / "data")
    assert data.taxonomy == MARS
    assert (data.labeled.masks[0] == mask).all()
    assert (data.labeled.images[0] == np.asarray(Image.open(image))).all()
    assert labeled_names(tmp_path / "data") == {"photo"}


def test_a_later_mask_replaces_the_earlier_one(tmp_path, image):
    folder = DatasetFolder(tmp_path / "data", MARS)
    folder.save(image, np.zeros((16, 24), np.uint8))
    folder.save(image, np.full((16, 24), 3, np.uint8))

    assert (areoseg.read(tmp_path / "data").labeled.masks[0] == 3).all()


def test_another_image_of_the_same_name_is_refused(tmp_path, image):
    folder = DatasetFolder(tmp_path / "data", MARS)
    folder.save(image, np.zeros((16, 24), np.uint8))
    Image.new("L", (24, 16)).save(image)

    with pytest.raises(AreosegError, match="another image of this name"):
        folder.save(image, np.zeros((16, 24), np.uint8))


def test_a_value_that_is_no_class_is_refused(tmp_path, image):
    with pytest.raises(AreosegError, match="value 9"):
        DatasetFolder(tmp_path / "data", MARS).save(image, np.full((16, 24), 9, np.uint8))
    assert not (tmp_path / "data").exists()


def test_a_dataset_of_other_classes_is_not_extended(tmp_path, image):
    other = Taxonomy(("sky", "ground"), ((0, 0, 0), (255, 255, 255)))
    DatasetFolder(tmp_path / "data", other).save(image, np.ones((16, 24), np.uint8))

    with pytest.raises(AreosegError, match="sky, ground instead of background"):
        DatasetFolder(tmp_path / "data", MARS)


def test_a_file_that_datasets_do_not_have_is_refused(tmp_path, image):
    with pytest.raises(AreosegError, match="convert it"):
        DatasetFolder(tmp_path / "data", MARS).save(
            image.rename(image.with_suffix(".img")), np.zeros((16, 24), np.uint8)
        )
