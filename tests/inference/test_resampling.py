import numpy as np
import pytest
import torch
from torch.nn import functional

from areoseg.data.readers.frames import reduced_image
from areoseg.inference.resampling import read_window, resized_rows
from areoseg.inference.tiling import Window


@pytest.fixture
def image():
    return np.random.default_rng(0).random((60, 100), np.float32)


def whole(size):
    return Window(0, size[0], 0, size[1])


@pytest.mark.parametrize("size", [(60, 100), (15, 25), (40, 67), (1, 1), (120, 200), (77, 131)])
def test_windows_are_parts_of_the_whole_resized_image(image, size):
    expected = read_window(image, None, whole(size), size)
    assert expected.shape == size
    for top in range(0, size[0], 16):
        for left in range(0, size[1], 16):
            window = Window(top, min(top + 16, size[0]), left, min(left + 16, size[1]))
            found = read_window(image, None, window, size)
            part = expected[window.top : window.bottom, window.left : window.right]
            np.testing.assert_allclose(found, part, atol=1e-4)


def test_reducing_is_that_of_the_readers(image):
    found = read_window(image, None, whole((15, 25)), (15, 25))
    np.testing.assert_allclose(found, reduced_image(image, 0.25), atol=1e-6)


def test_enlarging_is_bilinear(image):
    found = read_window(image, None, whole((120, 200)), (120, 200))
    expected = functional.interpolate(
        torch.from_numpy(image)[None, None], (120, 200), mode="bilinear"
    )
    np.testing.assert_allclose(found, expected[0, 0].numpy(), atol=1e-5)


def test_a_window_is_never_a_view_of_the_image():
    image = np.flipud(np.random.default_rng(0).random((4, 6), dtype=np.float32))
    found = read_window(image, None, whole((4, 6)), (4, 6))
    assert np.array_equal(found, image)
    assert found.flags.c_contiguous
    assert not np.shares_memory(found, image)


def test_bytes_become_units():
    found = read_window(np.full((4, 4), 51, np.uint8), None, whole((4, 4)), (4, 4))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.2)


def test_invalid_pixels_are_zero_whatever_they_hold(image):
    image[:, :50] = np.nan
    valid = np.isfinite(image)
    found = read_window(image, valid, whole((30, 50)), (30, 50))
    assert (found[:, :25] == 0).all()
    assert (found[:, 25:] > 0).all()
    assert read_window(image, valid, Window(0, 30, 0, 20), (30, 50)) is None


@pytest.mark.parametrize("size", [(1, 1), (15, 25), (60, 7), (130, 111)])
@pytest.mark.parametrize("wanted", [(1, 1), (60, 100), (31, 17), (15, 26)])
@pytest.mark.parametrize("rows", [1, 4, 1000])
def test_rows_resized_block_by_block_are_those_of_the_whole_map(size, wanted, rows):
    full = np.random.default_rng(0).random((3, *size), np.float32)
    blocks = [full[:, top : top + rows] for top in range(0, size[0], rows)]
    found = np.concatenate(list(resized_rows(blocks, size, wanted)), axis=1)
    expected = functional.interpolate(torch.from_numpy(full)[None], wanted, mode="bilinear")
    np.testing.assert_allclose(found, expected[0].numpy(), atol=1e-5)
