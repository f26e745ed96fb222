"""What tifffile or rasterio wrote is what training and prediction read, bit for bit."""

import warnings

import numpy as np
import PIL.Image
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from areoseg.data.load import read_data
from areoseg.data.readers import read_rover_image
from areoseg.data.readers.raster import luminance

HIGHEST = {
    "uint8": (200, 255),
    "int8": (100, 127),
    "uint16": (180, 1000, 4095, 65535),
    "int16": (200, 4095, 32767),
    "uint32": (255, 4000, 65535),
    "int32": (255, 4000, 65535),
    "float16": (1.0, 200.0),
    "float32": (1.0, 255.0, 4000.0, 65535.0),
    "float64": (0.5, 255.0, 60000.0),
}
COMPRESSIONS = (None, "lzw", "zlib", "zstd", "lzma", "packbits")


def white_of(levels, bits):
    """The level that becomes 1, by the rules in docs/data.md."""
    highest = max(float(levels.max()), 0)
    if levels.dtype.kind == "f" and highest <= 2:
        return 1
    if bits is not None:
        return 2**bits - 1
    return next(white for white in (255, 4095, 65535) if highest <= white)


def assert_read(path, levels, valid, bits=None):
    """Both ways of reading a file give these levels, scaled, with 0 where they are not valid."""
    levels = np.where(valid, np.nan_to_num(levels), 0).astype(levels.dtype)
    white = white_of(levels, bits)
    expected = levels.astype(np.float32) / np.float32(white)
    if white == 255 and levels.dtype.kind != "f":
        expected = levels.astype(np.uint8)
    found = read_rover_image(path)
    (trained_on,) = read_data(path).unlabeled.images
    for pixels in (found.pixels, trained_on):
        assert pixels.dtype == expected.dtype
        np.testing.assert_array_equal(pixels, expected)
    if valid.all():
        assert found.valid is None
    else:
        np.testing.assert_array_equal(found.valid, valid)


@st.composite
def pictures(draw):
    dtype = np.dtype(draw(st.sampled_from(sorted(HIGHEST))))
    highest = draw(st.sampled_from(HIGHEST[dtype.name]))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(2, 40)), draw(st.integers(2, 40)))
    if draw(st.booleans()):
        shape = (*shape, 3)
    levels = (generator.random(shape) * highest).astype(dtype)
    levels.flat[:3] = highest  # the depth is told by the highest level
    nodata = None
    if draw(st.booleans()):
        nodata = draw(st.sampled_from([0, -9999, 77, "nan" if dtype.kind == "f" else 77]))
        if dtype.kind == "u" and nodata == -9999:
            nodata = int(np.iinfo(dtype).max)
        if dtype.name == "int8" and nodata == -9999:
            nodata = -128
        if dtype == np.float16 and nodata == -9999:
            nodata = -9984  # the nearest float16
        levels[1] = float(nodata)
    return levels, nodata


def without_nodata(levels, nodata):
    """The gray levels and the pixels of which any band is measured."""
    bands = levels if levels.ndim == 3 else levels[..., None]
    valid = np.ones(bands.shape[:2], bool)
    if nodata is not None:
        value = bands.dtype.type(float(nodata))
        valid = ~(np.isnan(bands) if np.isnan(value) else bands == value).all(axis=-1)
    gray = luminance(bands) if bands.shape[2] == 3 else bands[..., 0]
    return gray, valid


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("written")


@settings(max_examples=60, deadline=None)
@given(
    picture=pictures(),
    byteorder=st.sampled_from("<>"),
    compression=st.sampled_from(COMPRESSIONS),
    tile=st.sampled_from([None, (16, 16)]),
    planar=st.booleans(),
    bigtiff=st.booleans(),
    predictor=st.booleans(),
)
def test_what_tifffile_wrote(
    folder, picture, byteorder, compression, tile, planar, bigtiff, predictor
):
    levels, nodata = picture
    color = levels.ndim == 3
    separate = color and planar
    tifffile.imwrite(
        folder / "a.tif",
        np.moveaxis(levels, -1, 0) if separate else levels,
        byteorder=byteorder,
        bigtiff=bigtiff,
        compression=compression,
        predictor=predictor and compression in ("lzw", "zlib", "zstd"),
        tile=tile,
        photometric="rgb" if color else "minisblack",
        planarconfig=("separate" if separate else "contig") if color else None,
        extratags=[] if nodata is None else [(42113, 2, 0, str(nodata), True)],
    )
    assert_read(folder / "a.tif", *without_nodata(levels, nodata))


@settings(max_examples=40, deadline=None)
@given(
    picture=pictures(),
    compression=st.sampled_from(["none", "lzw", "deflate", "zstd", "packbits"]),
    tiled=st.booleans(),
    little=st.booleans(),
    bits=st.sampled_from([None, 10, 12, 14]),
    masked=st.sampled_from([None, "inside", "beside"]),
)
def test_what_rasterio_wrote(folder, picture, compression, tiled, little, bits, masked):
    rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    levels, nodata = picture
    if levels.dtype == np.float16:  # GDAL writes no float16 before 3.11
        levels = levels.astype(np.float32)
    if levels.dtype != np.uint16 or levels.max() < 512:
        bits = None
    if bits is not None:
        levels, nodata = np.minimum(levels, 2**bits - 1), None
    bands = np.moveaxis(levels if levels.ndim == 3 else levels[..., None], -1, 0)
    gray, valid = without_nodata(levels, nodata)
    for old in folder.glob("b.tif*"):
        old.unlink()
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=masked == "inside"):
        warnings.simplefilter("ignore")
        with rasterio.open(
            folder / "b.tif",
            "w",
            driver="GTiff",
            height=gray.shape[0],
            width=gray.shape[1],
            count=len(bands),
            dtype=levels.dtype,
            photometric="RGB" if len(bands) == 3 else "MINISBLACK",
            compress=compression,
            endianness="LITTLE" if little else "BIG",
            nodata=None if nodata is None else float(nodata),
            **({"nbits": bits} if bits else {}),
            **({"tiled": True, "blockxsize": 16, "blockysize": 16} if tiled else {}),
        ) as file:
            file.write(bands)
            if masked and nodata is None:
                covered = np.ones(gray.shape, bool)
                covered[0, 1] = False
                file.write_mask(covered)
                valid = valid & covered
    assert_read(folder / "b.tif", gray, valid, bits)


@settings(max_examples=40, deadline=None)
@given(
    bits=st.sampled_from([1, 2, 4, 8, 16]),
    byteorder=st.sampled_from("<>"),
    data=st.data(),
)
def test_low_depths_and_white_as_zero(folder, bits, byteorder, data):
    generator = np.random.default_rng(data.draw(st.integers(0, 1000)))
    levels = generator.integers(0, 2**bits, (9, 16)).astype(np.uint16 if bits == 16 else np.uint8)
    levels[0, :2] = 0, 2**bits - 1
    inverted = data.draw(st.booleans())
    tifffile.imwrite(
        folder / "c.tif",
        levels.astype(bool) if bits == 1 else levels,
        bitspersample=None if bits == 1 else bits,
        byteorder=byteorder,
        photometric="miniswhite" if inverted else "minisblack",
    )
    shown = 2**bits - 1 - levels if inverted else levels
    if bits < 8:
        shown = (shown * (255 // (2**bits - 1))).astype(np.uint8)
    assert_read(folder / "c.tif", shown, np.ones(levels.shape, bool), bits if bits == 16 else None)


@settings(max_examples=40, deadline=None)
@given(
    bits=st.sampled_from([1, 2, 4, 8]),
    seed=st.integers(0, 1000),
    color=st.booleans(),
)
def test_png_of_every_depth_with_a_transparent_level(folder, write_gray_png, bits, seed, color):
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 2**bits, (9, 17)).astype(np.uint8)
    levels[0, :2] = 0, 2**bits - 1
    write_gray_png(folder / "d.png", levels, bits, int(levels[1, 1]))
    shown = levels * np.uint8(255 // (2**bits - 1))
    assert_read(folder / "d.png", shown, levels != levels[1, 1])
    picture = PIL.Image.fromarray(np.stack([shown, shown // 2, shown], axis=-1))
    if color:
        picture.save(folder / "e.png", transparency=(int(shown[0, 1]), int(shown[0, 1]) // 2, 255))
        assert_read(folder / "e.png", luminance(np.asarray(picture)), shown != 255)
