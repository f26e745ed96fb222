"""Single image and mask files."""

import struct
import warnings
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from areoseg.data.load import read_data
from areoseg.data.readers import list_images, read_rover_image
from areoseg.data.readers.decode import decode_image, decode_indices
from areoseg.data.readers.raster import luminance
from areoseg.errors import AreosegError


@pytest.fixture
def gray():
    return np.random.default_rng(0).integers(0, 256, (12, 20)).astype(np.uint8)


def read_image(path):
    """The image of a set that holds no other."""
    return read_data(path, data_format="images").unlabeled.images[0]


@pytest.fixture
def deep():
    levels = np.random.default_rng(1).integers(0, 65536, (12, 20)).astype(np.uint16)
    levels[0, 0] = 65535
    return levels


def write_png16(path, channels, color_type):
    """A PNG with 16 bits a channel; Pillow cannot write one with more than one channel."""
    height, width = channels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    header = struct.pack(">IIBBBBB", width, height, 16, color_type, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(body)) + kind + body
        content += struct.pack(">I", zlib.crc32(kind + body))
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.TIFF", "a.PNG"])
def test_eight_bit_gray_comes_back_as_it_was(tmp_path, gray, name):
    PIL.Image.fromarray(gray).save(tmp_path / name)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, gray)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff_comes_back_as_it_was(tmp_path, gray, compression):
    PIL.Image.fromarray(gray).save(tmp_path / "a.tif", compression=compression)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), gray)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_gray_coded_in_several_channels_becomes_one(tmp_path, gray, mode, suffix):
    PIL.Image.fromarray(gray).convert(mode).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_image(tmp_path / f"a.{suffix}"), gray)
    np.testing.assert_array_equal(decode_indices(tmp_path / f"a.{suffix}"), gray)


def test_jpeg_is_what_pillow_decodes(tmp_path):
    ramp = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (16, 1))
    for mode in ("L", "RGB"):
        PIL.Image.fromarray(ramp).convert(mode).save(tmp_path / "a.jpg", quality=90)
        image = read_image(tmp_path / "a.jpg")
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image, PIL.Image.open(tmp_path / "a.jpg").convert("L"))


def test_a_palette_image_becomes_its_colors_and_a_palette_mask_its_indices(tmp_path):
    indices = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
    picture = PIL.Image.fromarray(indices, mode="P")
    picture.putpalette([10, 10, 10, 100, 100, 100, 200, 200, 200])
    for name in ("a.png", "a.tif"):
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name), [[10, 100, 200], [200, 100, 10]])
        np.testing.assert_array_equal(decode_indices(tmp_path / name), indices)


def test_a_one_bit_mask_holds_zero_and_one(tmp_path, gray):
    PIL.Image.fromarray(gray > 128).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode_indices(tmp_path / "a.png"), gray > 128)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), 255 * (gray > 128))


def test_color_becomes_luminance(tmp_path):
    color = np.zeros((4, 4, 3), np.uint8)
    color[..., 0], color[..., 1], color[..., 2] = 200, 100, 50
    PIL.Image.fromarray(color).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png")[0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_sixteen_bit_png_keeps_all_bits(tmp_path, deep, color_type, channels):
    write_png16(tmp_path / "a.png", np.repeat(deep[..., None], channels, axis=2), color_type)
    image = read_image(tmp_path / "a.png")
    assert image.dtype == np.float32
    np.testing.assert_array_equal(np.rint(image * 65535).astype(np.uint16), deep)


def test_sixteen_bit_gray_png_with_alpha_keeps_all_bits(tmp_path, deep):
    alpha = np.full_like(deep, 65535)
    alpha[0] = 0
    write_png16(tmp_path / "a.png", np.stack([deep, alpha], axis=2), 4)
    image = read_image(tmp_path / "a.png")
    expected = np.where(alpha > 0, deep, 0)
    np.testing.assert_array_equal(np.rint(image * 65535).astype(np.uint16), expected)
    np.testing.assert_array_equal(read_rover_image(tmp_path / "a.png").valid, alpha > 0)


@pytest.mark.parametrize(("color_type", "channels"), [(2, 3), (6, 4)])
def test_sixteen_bit_color_png_becomes_the_luminance_of_all_bits(tmp_path, color_type, channels):
    levels = np.random.default_rng(4).integers(1, 65536, (13, 21, channels)).astype(np.uint16)
    levels[0, 0, :3] = 65535
    write_png16(tmp_path / "a.png", levels, color_type)
    red, green, blue = np.moveaxis(levels[..., :3].astype(np.float64), -1, 0)
    expected = np.rint(0.299 * red + 0.587 * green + 0.114 * blue)  # ITU-R BT.601
    image = read_image(tmp_path / "a.png")
    np.testing.assert_allclose(image * 65535, expected, atol=1)
    if channels == 4:
        assert read_rover_image(tmp_path / "a.png").valid is None


def test_sixteen_bit_color_png_is_decoded_as_gdal_decodes_it(tmp_path):
    rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    smooth = np.add.outer(np.arange(0, 60000, 900), np.arange(0, 5000, 71))
    levels = np.stack([smooth, smooth // 2, 65535 - smooth], axis=2).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(levels, level=9))  # filtered rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(tmp_path / "a.png") as file:
            expected = luminance(np.moveaxis(file.read(), 0, -1))
    np.testing.assert_array_equal(decode_image(tmp_path / "a.png").levels, expected)


def test_a_sixteen_bit_color_png_that_is_a_decompression_bomb_is_refused(tmp_path):
    write_png16(tmp_path / "a.png", np.zeros((1, 1, 3), np.uint16), 2)
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = struct.pack(">II", 20000, 20000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (tmp_path / "a.png").write_bytes(bytes(content))
    with pytest.raises(AreosegError, match="decompression bomb"):
        read_image(tmp_path / "a.png")


def test_a_truncated_sixteen_bit_color_png_is_refused(tmp_path):
    levels = np.random.default_rng(5).integers(0, 65536, (40, 60, 3)).astype(np.uint16)
    write_png16(tmp_path / "a.png", levels, 2)
    content = (tmp_path / "a.png").read_bytes()
    for length in range(1, len(content) - 200, 211):
        (tmp_path / "a.png").write_bytes(content[:length])
        with pytest.raises(AreosegError) as caught:
            read_image(tmp_path / "a.png")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("channels", [1, 3])
def test_sixteen_bit_tiff_keeps_all_bits(tmp_path, deep, byteorder, channels):
    pixels = deep if channels == 1 else np.repeat(deep[..., None], channels, axis=2)
    tifffile.imwrite(
        tmp_path / "a.tif",
        pixels,
        byteorder=byteorder,
        photometric="minisblack" if channels == 1 else "rgb",
    )
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.rint(image * 65535).astype(np.uint16), deep)


def test_a_planar_tiff_is_read_like_an_interleaved_one(tmp_path, gray):
    tifffile.imwrite(
        tmp_path / "a.tif", np.stack([gray] * 3), photometric="rgb", planarconfig="separate"
    )
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), gray)


def test_integers_are_read_as_8_12_or_16_bits(tmp_path):
    for highest, white in ((4095, 4095), (2000, 4095), (4096, 65535), (256, 4095)):
        tifffile.imwrite(tmp_path / "a.tif", np.array([[0, highest]], np.uint16))
        assert read_image(tmp_path / "a.tif")[0, 1] == pytest.approx(highest / white)


@pytest.mark.parametrize(
    ("highest", "white"), [(0.5, 1), (1.0, 1), (2.5, 255), (255.0, 255), (300.0, 4095)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_float_tiff_is_read_by_its_range(tmp_path, highest, white, dtype):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[0, highest]], dtype))
    image = read_image(tmp_path / "a.tif")
    assert image.dtype == np.float32
    np.testing.assert_allclose(image, [[0, highest / white]], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([-0.5, 1.0], "float32 images range from -0.5 to 1: give gray levels from 0"),
        ([-3.0, -1.0], "float32 images range from -3 to 0"),
        ([0.0, 70000.0], "gray levels up to 70000: scale them"),
    ],
)
def test_floats_that_are_no_gray_levels_are_refused(tmp_path, values, message):
    tifffile.imwrite(tmp_path / "a.tif", np.array([values], np.float32))
    with pytest.raises(AreosegError, match=rf"a\.tif: {message}"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "levels",
    [
        np.array([[0, 200]], np.uint16),
        np.array([[0, 255]], np.int32),
        np.array([[0, 1000]], np.uint16),
        np.array([[7, 4096]], np.uint16),
        np.array([[0, 0.25]], np.float32),
        np.array([[-0.01, 1.3]], np.float32),
        np.array([[0, 51]], np.float64),
        np.array([[0, 2000]], np.float32),
        np.array([[np.nan, 0.5]], np.float32),
    ],
)
def test_a_set_of_one_image_is_read_as_prediction_reads_it(tmp_path, levels):
    tifffile.imwrite(tmp_path / "a.tif", levels)
    (trained_on,) = read_data(tmp_path).unlabeled.images
    predicted = read_rover_image(tmp_path / "a.tif").pixels
    assert trained_on.dtype == predicted.dtype
    np.testing.assert_array_equal(trained_on, predicted)


def test_holes_become_zero(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.array([[np.nan, 0.25, np.inf]], np.float32))
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), [[0, 0.25, 0]])


def test_a_mask_in_color_is_refused(tmp_path):
    color = np.zeros((4, 4, 3), np.uint8)
    color[0, 0, 1] = 1
    PIL.Image.fromarray(color).save(tmp_path / "a.png")
    with pytest.raises(AreosegError, match=r"a\.png: the mask is in color"):
        decode_indices(tmp_path / "a.png")


@pytest.mark.parametrize("value", [300, -1, 0.5, np.nan])
def test_a_mask_that_holds_no_class_is_refused(tmp_path, value):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        tifffile.imwrite(tmp_path / kind / "a.tif", np.array([[0, value]], np.float32))
    with pytest.raises(AreosegError, match=r"masks/a\.tif: mask value .* outside the classes"):
        read_data(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_files_that_are_no_images_are_named(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    with pytest.raises(AreosegError, match=rf"a\.{suffix}: no such file"):
        read_image(path)
    path.write_bytes(b"")
    with pytest.raises(AreosegError, match=rf"a\.{suffix}: the file is empty"):
        read_image(path)
    path.write_text("this is no image\n")
    with pytest.raises(AreosegError, match=rf"a\.{suffix}: .*copy it again"):
        decode_indices(path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "deflate.tif"])
def test_truncated_images_are_refused_wherever_they_end(tmp_path, name):
    noise = np.random.default_rng(2).integers(0, 256, (40, 60)).astype(np.uint8)
    path = tmp_path / name
    options = {"compression": "tiff_deflate"} if name == "deflate.tif" else {}
    PIL.Image.fromarray(noise).save(path, **options)
    content = path.read_bytes()
    for length in range(1, len(content) - 200, 41):
        path.write_bytes(content[:length])
        with pytest.raises(AreosegError) as caught:
            read_image(path)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_images_raise_nothing_but_our_error(tmp_path):
    generator = np.random.default_rng(3)
    picture = PIL.Image.fromarray(generator.integers(0, 256, (10, 10)).astype(np.uint8))
    refused = 0
    for name in ("a.png", "a.jpg", "a.tif"):
        picture.save(tmp_path / name)
        content = (tmp_path / name).read_bytes()
        for _ in range(100):
            damaged = bytearray(content)
            for place in generator.integers(0, min(len(content), 120), 3):
                damaged[place] = generator.integers(0, 256)
            (tmp_path / name).write_bytes(bytes(damaged))
            try:
                read_image(tmp_path / name)
            except AreosegError:
                refused += 1
    assert refused > 100


def test_a_volume_is_no_image(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((5, 8, 8), np.uint8), volumetric=True, tile=(16, 16, 16)
    )
    with pytest.raises(AreosegError, match=r"a\.tif"):
        read_image(tmp_path / "a.tif")


def test_list_images_is_sorted_recursive_and_skips_the_rest(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "a.JPG", "sub/c.tiff", "._b.png", "notes.txt", "d.bmp"):
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == ["a.JPG", "b.png", "sub/c.tiff"]
