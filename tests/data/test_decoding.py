"""Kinds of PNG, JPEG and TIFF files that decoders like to get wrong, as images and as masks."""

import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
import tifffile

from areoseg.data.load import read_data
from areoseg.data.readers import read_rover_image
from areoseg.data.readers.decode import decode_indices
from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID

CASES = Path(__file__).parents[3] / "shared" / "cases"


@pytest.fixture
def gray():
    return np.random.default_rng(0).integers(1, 256, (12, 20)).astype(np.uint8)


def read_both_ways(path):
    """What prediction reads, after checking that training reads the same."""
    found = read_rover_image(path)
    (trained_on,) = read_data(path, data_format="images").unlabeled.images
    assert trained_on.dtype == found.pixels.dtype
    np.testing.assert_array_equal(trained_on, found.pixels)
    return found


def write_geotiff(path, levels, **options):
    rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    bands = levels if levels.ndim == 3 else levels[None]
    colormap = options.pop("colormap", None)
    first = options.pop("colormap_first", True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            path, "w", driver="GTiff", height=bands.shape[1], width=bands.shape[2],
            count=len(bands), dtype=bands.dtype, crs="EPSG:32633",
            transform=rasterio.Affine.scale(2, -2), **options,
        ) as file:  # fmt: skip
            if colormap and first:
                file.write_colormap(1, colormap)
            file.write(bands)
            if colormap and not first:
                file.write_colormap(1, colormap)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_an_orientation_is_applied_as_viewers_do(tmp_path, orientation, suffix):
    ramp = np.add.outer(np.arange(0, 160, 20), np.arange(0, 90, 8)).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    if suffix == "tif":
        tifffile.imwrite(path, ramp, extratags=[(274, 3, 1, orientation, True)])
        expected = ramp.T if orientation > 4 else ramp
        flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
        expected = np.flip(expected, flips.get(orientation, ()))
    else:
        picture = PIL.Image.fromarray(ramp)
        exif = picture.getexif()
        exif[274] = orientation
        picture.save(path, exif=exif, **({"quality": 100} if suffix == "jpg" else {}))
        shown = PIL.ImageOps.exif_transpose(PIL.Image.open(path))
        expected = np.asarray(shown)
        np.testing.assert_array_equal(decode_indices(path), expected)
    np.testing.assert_array_equal(read_both_ways(path).pixels, expected)


@pytest.mark.parametrize("compression", ["none", "lzw", "deflate", "zstd", "packbits"])
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16])
def test_masks_of_every_depth_hold_their_indices(tmp_path, bits, compression):
    indices = np.random.default_rng(1).integers(0, min(5, 2**bits), (10, 17))
    stored = indices.astype(np.uint16 if bits > 8 else np.uint8)
    write_geotiff(tmp_path / "a.tif", stored, nbits=bits, compress=compression)
    np.testing.assert_array_equal(decode_indices(tmp_path / "a.tif"), indices)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_png_masks_of_low_depths_hold_their_indices(tmp_path, write_gray_png, bits, mode):
    indices = np.random.default_rng(1).integers(0, 2**bits, (10, 17)).astype(np.uint8)
    if mode == "P":
        picture = PIL.Image.fromarray(indices, mode="P")
        picture.putpalette(range(255, 207, -1))
        picture.save(tmp_path / "a.png", bits=bits)
    else:
        write_gray_png(tmp_path / "a.png", indices, bits)
    np.testing.assert_array_equal(decode_indices(tmp_path / "a.png"), indices)


def test_an_ai4mars_mask_of_two_bits_keeps_its_big_rocks(tmp_path, write_gray_png):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    name = "NLB_430335904EDR_F0130000NCAM07812M1.png"
    values = np.repeat(np.arange(4, dtype=np.uint8), 8).reshape(4, 8)
    PIL.Image.fromarray(values).save(tmp_path / "images" / name)
    write_gray_png(tmp_path / "masks" / name, values, 2)
    data = read_data(tmp_path, data_format="ai4mars-flat")
    np.testing.assert_array_equal(data.labeled.masks[0], values + 1)


@pytest.mark.parametrize("first", [True, False])
def test_a_color_table_of_a_geotiff_becomes_its_colors(tmp_path, first):
    indices = np.array([[0, 1, 2], [2, 1, 3]], np.uint8)
    colors = {0: (10, 10, 10), 1: (100, 100, 100), 2: (200, 200, 200), 3: (250, 0, 0)}
    write_geotiff(tmp_path / "a.tif", indices, colormap=colors, colormap_first=first)
    found = read_both_ways(tmp_path / "a.tif")
    assert found.pixels.tolist() == [[10, 100, 200], [200, 100, 75]]
    assert found.georeference.authority == "EPSG:32633"
    np.testing.assert_array_equal(decode_indices(tmp_path / "a.tif"), indices)


@pytest.mark.parametrize("bits", [1, 4, 8, 16])
def test_white_may_be_zero(tmp_path, bits):
    levels = np.random.default_rng(1).integers(0, 2**bits, (10, 16))
    stored = levels.astype(np.uint16 if bits == 16 else bool if bits == 1 else np.uint8)
    depth = None if bits == 1 else bits
    tifffile.imwrite(tmp_path / "a.tif", stored, bitspersample=depth, photometric="miniswhite")
    shown = read_both_ways(tmp_path / "a.tif").pixels * (255 if bits == 16 else 1)
    np.testing.assert_allclose(shown, 255 - levels * (255 / (2**bits - 1)), atol=1e-3)


def test_floats_with_white_as_zero_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 4), np.float32), photometric="miniswhite")
    with pytest.raises(AreosegError, match="floats with 0 as white"):
        read_rover_image(tmp_path / "a.tif")


def test_bands_that_are_not_alpha_are_refused_and_alpha_is_not_data(tmp_path, gray):
    color = np.stack([gray, gray, gray, np.where(gray > 128, 255, 0)], -1).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", color, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read_both_ways(tmp_path / "a.tif").valid, gray > 128)
    tifffile.imwrite(tmp_path / "a.tif", color, photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(AreosegError, match="4 bands, of which none is declared as alpha"):
        read_rover_image(tmp_path / "a.tif")


def test_the_content_of_a_file_decides_not_its_suffix(tmp_path, gray):
    levels = gray.astype(np.uint16) * 250
    tifffile.imwrite(tmp_path / "a.png", levels)
    PIL.Image.fromarray(gray).save(tmp_path / "b.tif", format="PNG")
    np.testing.assert_allclose(read_both_ways(tmp_path / "a.png").pixels, levels / 65535, rtol=1e-6)
    np.testing.assert_array_equal(read_both_ways(tmp_path / "b.tif").pixels, gray)


def test_a_thumbnail_before_the_image_is_skipped(tmp_path, gray):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(gray[::4, ::4], subfiletype=1)
        file.write(gray, subfiletype=0)
    np.testing.assert_array_equal(read_both_ways(tmp_path / "a.tif").pixels, gray)


@pytest.mark.parametrize("compression", ["tiff_lzw", "group4", "tiff_deflate", "jpeg"])
def test_every_compression_of_pillow_is_read_as_pillow_reads_it(tmp_path, gray, compression):
    picture = PIL.Image.fromarray(gray)
    if compression == "group4":
        picture = picture.convert("1")
    for mode in ("RGB", "YCbCr") if compression == "jpeg" else (picture.mode,):
        picture.convert(mode).save(tmp_path / "a.tif", compression=compression)
        with PIL.Image.open(tmp_path / "a.tif") as image:
            expected = np.asarray(image.convert("RGB").convert("L"))
        np.testing.assert_allclose(read_both_ways(tmp_path / "a.tif").pixels, expected, atol=1)


def test_truncated_lzw_is_refused(tmp_path, gray):
    tifffile.imwrite(tmp_path / "a.tif", np.tile(gray, (9, 9)), compression="lzw", rowsperstrip=16)
    content = (tmp_path / "a.tif").read_bytes()
    for length in range(300, len(content) - 100, 997):
        (tmp_path / "a.tif").write_bytes(content[:length])
        with pytest.raises(AreosegError):
            read_rover_image(tmp_path / "a.tif")


def test_missing_pixels_are_black_and_their_labels_void(tmp_path, gray):
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    alpha = np.full(gray.shape, 255, np.uint8)
    alpha[3:5, 6:] = 0
    PIL.Image.fromarray(np.stack([gray, alpha], -1), mode="LA").save(tmp_path / "images" / "a.png")
    PIL.Image.fromarray(np.full_like(gray, 2)).save(tmp_path / "masks" / "a.png")
    data = read_data(tmp_path)
    np.testing.assert_array_equal(data.labeled.images[0], np.where(alpha > 0, gray, 0))
    np.testing.assert_array_equal(data.labeled.masks[0], np.where(alpha > 0, 2, VOID))
    assert data.warnings == (
        "1 image with missing pixels (nodata, transparent or NaN), which are read as 0 and"
        " ignored: a",
    )


@pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not beside the checkout")
@pytest.mark.parametrize(
    ("name", "mean", "missing"),
    [
        ("png16_trns.png", 0.3741, 512),
        ("png2_trns.png", 48.089, 2006),
        ("png1_trns.png", 143.770, 1340),
        ("int16_lzw_big_endian.tif", 0.4172, 0),
        ("miniswhite_16bit.tif", 0.4171, 0),
        ("palette_geotiff.tif", 105.3125, 0),
        ("geotiff_nodata_65535.tif", 0.3741, 512),
        ("pds3_missing_16hexFF.IMG", 95.3685, 512),
        ("pds3_missing_16hexFFFF.IMG", 0.3741, 512),
        ("vicar_missing_tuple_0.VIC", 59.973, 512),
        ("pds4_missing_hex.xml", 95.3685, 512),
        ("pds3_bitmask_hex_dark.IMG", 0.0207, 0),
        ("pds3_constants_of_other_object.IMG", 95.3685, 512),
        ("pds3_suffix_bytes.IMG", 106.3203, 0),
        ("pds3_unsigned_integer_16.IMG", 0.4172, 0),
        ("pds3_pixel_interleaved_CRASH.IMG", 66.849, 0),
        ("pds3_latin1_label.IMG", 106.3203, 0),
        ("exif_orientation_3.jpg", 120.0, 0),
    ],
)
def test_the_cases(name, mean, missing):
    path = CASES / name
    found = read_rover_image(path) if name.endswith(".xml") else read_both_ways(path)
    assert found.pixels.mean() == pytest.approx(mean, abs=5e-4 if mean > 1 else 5e-5)
    assert (0 if found.valid is None else np.count_nonzero(~found.valid)) == missing


def test_further_pages_are_told_but_not_reduced_copies_and_masks(tmp_path, gray):
    small = gray[::2, ::2]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(small, subfiletype=1)
        file.write(gray)
        file.write(255 - gray, subfiletype=0)
        file.write(small)
    found = read_both_ways(tmp_path / "a.tif")
    np.testing.assert_array_equal(found.pixels, gray)
    assert found.warnings == ("only page 1 of 3 is read",)
    (line,) = read_data(tmp_path / "a.tif").warnings
    assert line == "1 image of which only page 1 of 3 is read: a"
    with tifffile.TiffWriter(tmp_path / "b.tif") as file:
        file.write(gray)
        file.write(small, subfiletype=1)
        file.write(np.ones(gray.shape, bool), photometric="mask", subfiletype=4)
    assert read_both_ways(tmp_path / "b.tif").warnings == ()


@pytest.mark.parametrize("options", [{"imagej": True}, {"truncate": True}, {"metadata": None}])
def test_the_slices_of_a_stack_are_counted(tmp_path, gray, options):
    stack = np.stack([gray, 255 - gray, gray])
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", **options)
    found = read_both_ways(tmp_path / "a.tif")
    np.testing.assert_array_equal(found.pixels, gray)
    assert found.warnings == ("only page 1 of 3 is read",)
    with pytest.raises(AreosegError, match=r"a\.tif: a mask with several pages"):
        decode_indices(tmp_path / "a.tif")


def test_a_full_size_page_below_a_thumbnail_is_read(tmp_path, gray):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(gray[::2, ::2], subfiletype=1, subifds=1)
        file.write(gray, subfiletype=0)
    found = read_both_ways(tmp_path / "a.tif")
    np.testing.assert_array_equal(found.pixels, gray)
    assert found.warnings == ()


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.png", "GIF"), ("a.jpg", "MPO")])
def test_further_frames_are_told(tmp_path, gray, name, kind):
    frames = [PIL.Image.fromarray(each) for each in (gray, 255 - gray)]
    frames[0].save(tmp_path / name, format=kind, save_all=True, append_images=frames[1:])
    assert read_both_ways(tmp_path / name).warnings == ("only frame 1 of 2 is read",)
    with pytest.raises(AreosegError, match="a mask with several frames"):
        decode_indices(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "value", "dtype"),
    [
        ("-3.40282e+38", np.finfo(np.float32).min, "f4"),
        ("1.70141e+38", 1.7014118e38, "f4"),
        ("-1.79769e+308", np.finfo(np.float64).min, "f8"),
        ("-inf", -np.inf, "f4"),
        ("-9999", None, "u1"),  # not a level of the image
        (" 0 ", 0, "u1"),
    ],
)
def test_nodata_of_geotiff_as_other_programs_write_it(tmp_path, gray, text, value, dtype):
    levels = (gray / 255).astype(dtype) if dtype.startswith("f") else gray.astype(dtype)
    expected = levels.copy()
    valid = np.ones(levels.shape, bool)
    if value is not None:
        levels[3], expected[3], valid[3] = value, 0, False
    tag = (42113, "s", 0, text, True)
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="minisblack", extratags=[tag])
    found = read_both_ways(tmp_path / "a.tif")
    np.testing.assert_allclose(found.pixels, expected.astype(found.pixels.dtype), rtol=1e-6)
    assert found.valid is None if value is None else np.array_equal(found.valid, valid)
