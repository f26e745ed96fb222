import numpy as np
import PIL.Image
import pytest
import tifffile

from areoseg.data.readers.files import MAX_PIXELS
from areoseg.data.readers.rover_image import read_rover_image
from areoseg.errors import AreosegError


@pytest.fixture
def gray():
    return np.random.default_rng(0).integers(0, 256, (6, 9)).astype(np.uint8)


def refusal(path):
    """The one line that reading a file ends with."""
    with pytest.raises(AreosegError) as caught:
        read_rover_image(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


@pytest.mark.parametrize("name", ["a.png", "name with spaces.png", "火星 Марс.tif", "ü.jpg"])
def test_eight_bits_stay_as_they_are(tmp_path, gray, name):
    PIL.Image.fromarray(gray).save(tmp_path / name, quality=100)
    found = read_rover_image(tmp_path / name)
    assert found.pixels.dtype == np.uint8
    np.testing.assert_allclose(found.pixels, gray, atol=4 if name.endswith("jpg") else 0)
    assert (found.valid, found.georeference, found.size) == (None, None, (6, 9))


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (np.array([[0, 200]], np.uint16), [[0, 200 / 255]]),
        (np.array([[0, 1000]], np.uint16), [[0, 1000 / 4095]]),
        (np.array([[0, 4095]], np.uint16), [[0, 1]]),
        (np.array([[0, 4096]], np.uint16), [[0, 4096 / 65535]]),
        (np.array([[-5, 4095]], np.int16), [[0, 1]]),
        (np.array([[0, 70]], np.uint32), [[0, 70 / 255]]),
        (np.array([[0, 0.25]], np.float32), [[0, 0.25]]),
        (np.array([[-0.01, 1.02]], np.float32), [[0, 1]]),
        (np.array([[0, 51]], np.float64), [[0, 0.2]]),
        (np.array([[0, 2000]], np.float32), [[0, 2000 / 4095]]),
    ],
)
def test_the_depth_is_told_by_the_highest_level(tmp_path, levels, expected):
    tifffile.imwrite(tmp_path / "a.tif", levels)
    pixels = read_rover_image(tmp_path / "a.tif").pixels
    if pixels.dtype == np.uint8:
        pixels = pixels / 255
    np.testing.assert_allclose(pixels, expected, rtol=1e-6)


def test_levels_beyond_sixteen_bits_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, 70000]], np.uint32))
    assert "to 70000" in refusal(tmp_path / "a.tif")


def test_holes_are_not_valid_and_become_black(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[np.nan, 0.5, np.inf]], np.float32))
    found = read_rover_image(tmp_path / "a.tif")
    assert found.valid.tolist() == [[False, True, False]]
    assert found.pixels.tolist() == [[0, 0.5, 0]]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_pixels_are_not_valid(tmp_path, gray, mode):
    picture = PIL.Image.fromarray(gray).convert(mode)
    alpha = np.full(gray.shape, 1, np.uint8)  # hardly opaque is not transparent
    alpha[0] = 0
    picture.putalpha(PIL.Image.fromarray(alpha))
    picture.save(tmp_path / "a.png")
    found = read_rover_image(tmp_path / "a.png")
    assert np.array_equal(found.valid, alpha > 0)
    assert np.array_equal(found.pixels[1:], gray[1:])
    assert not found.pixels[0].any()


def test_a_transparent_color_of_a_palette_is_not_valid(tmp_path):
    picture = PIL.Image.fromarray(np.array([[0, 1, 2]], np.uint8), mode="P")
    picture.putpalette([10, 10, 10, 100, 100, 100, 200, 200, 200])
    picture.save(tmp_path / "a.png", transparency=1)
    found = read_rover_image(tmp_path / "a.png")
    assert found.pixels.tolist() == [[10, 0, 200]]
    assert found.valid.tolist() == [[True, False, True]]


@pytest.mark.parametrize(("mode", "suffix"), [("RGB", "png"), ("CMYK", "jpg"), ("CMYK", "tif")])
def test_color_becomes_luminance(tmp_path, mode, suffix):
    color = PIL.Image.new("RGB", (300, 300), (200, 100, 50)).convert(mode)
    color.save(tmp_path / f"a.{suffix}", quality=100)
    pixels = read_rover_image(tmp_path / f"a.{suffix}").pixels
    expected = np.asarray(color.convert("RGB").convert("L"), np.float32)
    np.testing.assert_allclose(pixels, expected, atol=2)


def test_black_and_white_becomes_0_and_255(tmp_path, gray):
    PIL.Image.fromarray(gray > 128).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_rover_image(tmp_path / "a.png").pixels, 255 * (gray > 128))


def test_one_pixel_is_an_image(tmp_path):
    PIL.Image.fromarray(np.array([[7]], np.uint8)).save(tmp_path / "a.png")
    assert read_rover_image(tmp_path / "a.png").pixels.tolist() == [[7]]


def test_the_name_tells_what_no_label_does(tmp_path, gray):
    path = tmp_path / "NLB_430335904EDR_F0130000NCAM07812M1.JPG"
    PIL.Image.fromarray(gray).save(path)
    assert read_rover_image(path).metadata.site == 13


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "img", "vic", "xml"])
def test_what_is_no_image_is_refused_in_one_line(tmp_path, suffix):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    path = tmp_path / f"a.{suffix}"
    assert "no such file" in refusal(path)
    path.write_bytes(b"")
    assert "the file is empty" in refusal(path)
    path.write_text("this is no image\n")
    refusal(path)


def test_a_truncated_jpeg_is_refused(tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (90, 90)).astype(np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    assert "truncated" in refusal(tmp_path / "a.jpg")


def test_a_decompression_bomb_is_refused_before_it_is_unpacked(tmp_path):
    side = int(MAX_PIXELS**0.5) + 1
    PIL.Image.new("1", (side, side)).save(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size < 100_000
    assert "decompression bomb" in refusal(tmp_path / "a.png")
    tifffile.imwrite(
        tmp_path / "a.tif", shape=(side, side), dtype=np.uint8, compression=None, rowsperstrip=side
    )
    with (tmp_path / "a.tif").open("r+b") as file:
        file.truncate(1000)
    assert "decompression bomb" in refusal(tmp_path / "a.tif")


@pytest.mark.filterwarnings("error")
def test_a_large_image_is_read_without_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 10)
    PIL.Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    assert read_rover_image(tmp_path / "a.png").size == (4, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_image_without_any_data_is_refused(tmp_path, value):
    tifffile.imwrite(tmp_path / "a.tif", np.full((3, 3), value, np.float32))
    assert "nothing to segment" in refusal(tmp_path / "a.tif")


def test_an_image_that_is_transparent_everywhere_is_refused(tmp_path):
    PIL.Image.new("LA", (3, 3)).save(tmp_path / "a.png")
    assert "nothing to segment" in refusal(tmp_path / "a.png")
