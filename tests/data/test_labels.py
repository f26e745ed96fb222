"""Pixels as PDS3, PDS4 and VICAR labels lay them out; the labels are written here."""

from contextlib import suppress

import numpy as np
import pytest

from areoseg.data.load import read_data
from areoseg.data.missions.odl import parse_odl, parse_vicar
from areoseg.data.readers import read_rover_image
from areoseg.data.readers.planetary import isolated
from areoseg.data.readers.planetary.layout import constant
from areoseg.data.readers.raster import luminance
from areoseg.errors import AreosegError

LINES, SAMPLES = 12, 20


@pytest.fixture
def levels():
    found = np.random.default_rng(0).integers(60, 200, (LINES, SAMPLES))
    found[2, 3:9] = 0
    return found


@pytest.fixture
def bands(levels):
    return np.stack([levels, levels // 2, 255 - levels])


def pds3(path, content, *, image="", before="", after="", kind="MSB_UNSIGNED_INTEGER", bits=8,
         pointer="5", lines=LINES, encoding="ascii"):  # fmt: skip
    """Write a product with an attached label of four records of 512 bytes."""
    label = (
        f"PDS_VERSION_ID = PDS3\r\nRECORD_TYPE = FIXED_LENGTH\r\nRECORD_BYTES = 512\r\n"
        f"^IMAGE = {pointer}\r\n{before}\r\n"
        f"OBJECT = IMAGE\r\n LINES = {lines}\r\n LINE_SAMPLES = {SAMPLES}\r\n"
        f" SAMPLE_TYPE = {kind}\r\n SAMPLE_BITS = {bits}\r\n {image}\r\nEND_OBJECT = IMAGE\r\n"
        f"{after}\r\nEND\r\n"
    )
    path.write_bytes(label.encode(encoding).ljust(2048) + content)
    return path


def read_both_ways(path):
    """What prediction reads, after checking that training reads the same."""
    found = read_rover_image(path)
    (trained_on,) = read_data(path, data_format="images").unlabeled.images
    assert trained_on.dtype == found.pixels.dtype
    np.testing.assert_array_equal(trained_on, found.pixels)
    return found


def bytes_of(levels, dtype):
    return levels.astype(dtype).tobytes()


@pytest.mark.parametrize(
    ("kind", "bits", "dtype"),
    [
        ("UNSIGNED_INTEGER", 16, ">u2"),
        ("MSB_UNSIGNED_INTEGER", 16, ">u2"),
        ("LSB_UNSIGNED_INTEGER", 16, "<u2"),
        ("PC_INTEGER", 32, "<i4"),
        ("INTEGER", 16, ">i2"),
        ("IEEE_REAL", 32, ">f4"),
        ("PC_REAL", 64, "<f8"),
        ("UNSIGNED_BYTE", 8, "u1"),
    ],
)
def test_every_type_of_pds3(tmp_path, levels, kind, bits, dtype):
    path = pds3(tmp_path / "a.IMG", bytes_of(levels, dtype), kind=kind, bits=bits)
    found = read_both_ways(path)
    pixels = found.pixels * (1 if found.pixels.dtype == np.uint8 else 255)
    np.testing.assert_allclose(pixels, levels, rtol=1e-6)
    assert found.valid is None


def test_floats_of_a_vax(tmp_path):
    # 1.0, 0.5, 0 and 0.15625 as the VAX writes them: F format, middle-endian.
    words = [0x4080, 0, 0x4000, 0, 0, 0, 0x3F20, 0]
    content = np.array(words * 3, "<u2").tobytes() + bytes(4 * (LINES * SAMPLES - 12))
    path = pds3(tmp_path / "a.IMG", content, kind="VAX_REAL", bits=32)
    assert read_both_ways(path).pixels[0, :4].tolist() == [1.0, 0.5, 0.0, 0.15625]


@pytest.mark.parametrize(
    ("image", "kind", "bits", "dtype", "stored"),
    [
        ("MISSING_CONSTANT = 16#FF#", "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ("MISSING_CONSTANT = 16#FFFF#", "MSB_UNSIGNED_INTEGER", 16, ">u2", 65535),
        ("MISSING_CONSTANT = 2#11111111#", "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ("MISSING_CONSTANT = 8#377#", "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ("INVALID_CONSTANT = (0, 255)", "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ("MISSING_CONSTANT = 255 <DN>", "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ('MISSING_CONSTANT = "255"', "MSB_UNSIGNED_INTEGER", 8, "u1", 255),
        ("MISSING_CONSTANT = 16#8000#", "MSB_INTEGER", 16, ">i2", -32768),
        ("INVALID_CONSTANT = -32768", "LSB_INTEGER", 16, "<i2", -32768),
        ("MISSING_CONSTANT = 16#FFFF8000#", "MSB_INTEGER", 16, ">i2", -32768),
        ("CORE_NULL = -32768", "MSB_INTEGER", 16, ">i2", -32768),
        ("MISSING_CONSTANT = -3.40282E+38", "PC_REAL", 32, "<f4", None),
        ("MISSING_CONSTANT = 16#FF7FFFFB#", "PC_REAL", 32, "<f4", None),
        ("MISSING_CONSTANT = -3.4028226550889045E+38", "IEEE_REAL", 32, ">f4", None),
    ],
)
def test_constants_that_mark_missing_pixels(tmp_path, levels, image, kind, bits, dtype, stored):
    stored = np.uint32(0xFF7FFFFB).view(np.float32) if stored is None else stored
    gaps = np.zeros(levels.shape, bool)
    gaps[5, 2:7] = True
    pixels = np.where(gaps, stored, np.maximum(levels, 1))
    path = pds3(tmp_path / "a.IMG", bytes_of(pixels, dtype), image=image, kind=kind, bits=bits)
    found = read_both_ways(path)
    assert np.array_equal(found.valid, ~gaps)
    pixels = found.pixels * (1 if found.pixels.dtype == np.uint8 else 255)
    np.testing.assert_allclose(pixels, np.where(gaps, 0, np.maximum(levels, 1)), rtol=1e-5)


def test_constants_of_other_objects_are_not_taken(tmp_path, levels):
    other = "OBJECT = BROWSE_IMAGE\r\n MISSING_CONSTANT = 77\r\nEND_OBJECT = BROWSE_IMAGE"
    levels[4, 4] = 77
    path = pds3(tmp_path / "a.IMG", bytes_of(levels, "u1"), before=other, after=other)
    assert read_both_ways(path).valid is None
    path = pds3(
        tmp_path / "a.IMG", bytes_of(levels, "u1"), before=other, image="MISSING_CONSTANT = 0"
    )
    assert np.array_equal(read_both_ways(path).valid, levels != 0)


@pytest.mark.parametrize("mask", ["16#0FFF#", "2#0000111111111111#", "8#7777#", "4095"])
def test_a_bit_mask_tells_the_depth_of_a_dark_image(tmp_path, levels, mask):
    path = pds3(
        tmp_path / "a.IMG",
        bytes_of(levels, ">u2"),
        bits=16,
        image=f"SAMPLE_BIT_MASK = {mask}",
    )
    np.testing.assert_allclose(read_both_ways(path).pixels, levels / 4095, rtol=1e-6)


def test_a_bit_mask_with_unused_low_bits(tmp_path, levels):
    path = pds3(
        tmp_path / "a.IMG",
        bytes_of(levels << 4, ">u2"),
        bits=16,
        image="SAMPLE_BIT_MASK = 16#FFF0#",
    )
    np.testing.assert_allclose(read_both_ways(path).pixels, levels / 4095, rtol=1e-6)


@pytest.mark.parametrize(("prefix", "suffix"), [(0, 16), (8, 0), (6, 10)])
def test_bytes_before_and_after_each_line(tmp_path, levels, prefix, suffix):
    rows = np.pad(levels, ((0, 0), (prefix, suffix)), constant_values=255)
    path = pds3(
        tmp_path / "a.IMG",
        bytes_of(rows, "u1"),
        image=f"LINE_PREFIX_BYTES = {prefix}\r\nLINE_SUFFIX_BYTES = {suffix}",
    )
    np.testing.assert_array_equal(read_both_ways(path).pixels, levels)


@pytest.mark.parametrize(
    ("storage", "axes"),
    [
        ("BAND_SEQUENTIAL", (0, 1, 2)),
        ("LINE_INTERLEAVED", (1, 0, 2)),
        ("SAMPLE_INTERLEAVED", (1, 2, 0)),
        ("PIXEL_INTERLEAVED ", (1, 2, 0)),
        ('"Pixel_Interleaved"', (1, 2, 0)),
    ],
)
@pytest.mark.parametrize("suffix", [0, 4])
def test_every_interleaving(tmp_path, bands, storage, axes, suffix):
    stored = bands.transpose(axes)
    rows = stored.reshape(-1, stored.shape[2]) if axes != (1, 2, 0) else stored.reshape(LINES, -1)
    path = pds3(
        tmp_path / "a.IMG",
        bytes_of(np.pad(rows, ((0, 0), (0, suffix))), "u1"),
        image=f"BANDS = 3\r\nBAND_STORAGE_TYPE = {storage}\r\nLINE_SUFFIX_BYTES = {suffix}",
    )
    expected = luminance(np.moveaxis(bands, 0, -1).astype(np.uint8))
    np.testing.assert_array_equal(read_both_ways(path).pixels, expected)


def test_other_images_of_a_label_are_told(tmp_path, levels):
    other = "OBJECT = RIGHT_IMAGE\r\n LINES = 1\r\nEND_OBJECT = RIGHT_IMAGE"
    browse = other.replace("RIGHT_IMAGE", "BROWSE_IMAGE")
    for after, warnings in (
        (f"^RIGHT_IMAGE = 9\r\n{other}", ("only IMAGE is read, not RIGHT_IMAGE",)),
        (f"^BROWSE_IMAGE = 9\r\n{browse}", ()),
    ):
        path = pds3(tmp_path / "a.IMG", bytes_of(levels, "u1"), after=after)
        found = read_both_ways(path)
        np.testing.assert_array_equal(found.pixels, levels)
        assert found.warnings == warnings


def test_a_label_with_bytes_that_are_not_ascii(tmp_path, levels):
    note = 'NOTE = "20 °C, it\'s cold; END of day"'
    for encoding in ("latin-1", "utf-8"):
        path = pds3(tmp_path / "a.IMG", bytes_of(levels, "u1"), before=note, encoding=encoding)
        np.testing.assert_array_equal(read_both_ways(path).pixels, levels)


@pytest.mark.parametrize("pointer", ["5", "2049 <BYTES>", "2049<bytes>", '("a.IMG", 5)',
                                     '("A.img", 2049 <BYTES>)'])  # fmt: skip
def test_pointers_in_records_or_bytes(tmp_path, levels, pointer):
    path = pds3(tmp_path / "a.IMG", bytes_of(levels, "u1"), pointer=pointer)
    np.testing.assert_array_equal(read_both_ways(path).pixels, levels)
    path.write_bytes(path.read_bytes()[: -3 * SAMPLES - 1])
    with pytest.raises(AreosegError, match=f"at least 4 of {LINES} lines are incomplete"):
        read_rover_image(path)


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../b.IMG", "sub/b.IMG", "/vsicurl/http://x/b.IMG", "C:b.IMG",
             "http://x/b.IMG", "[DIR]B.IMG"]
)  # fmt: skip
def test_a_label_names_files_only_beside_itself(tmp_path, levels, name):
    (tmp_path / "sub").mkdir()
    for place in ("b.IMG", "sub/b.IMG"):
        (tmp_path / place).write_bytes(bytes_of(levels, "u1"))
    path = pds3(tmp_path / "sub" / "a.LBL", b"", pointer=f'"{name}"')
    with pytest.raises(AreosegError, match=r"a\.LBL: .*only name a file beside itself"):
        read_rover_image(path)
    xml(tmp_path / "sub" / "a.xml", name)
    with pytest.raises(AreosegError, match=r"a\.xml: .*only name a file beside itself"):
        read_rover_image(tmp_path / "sub" / "a.xml")


def test_a_label_of_another_file_is_not_taken(tmp_path, levels):
    for name in ("a.IMG", "b.IMG"):
        (tmp_path / name).write_bytes(bytes_of(levels, "u1"))
    pds3(tmp_path / "a.LBL", b"", pointer='"b.IMG"')
    with pytest.raises(AreosegError, match=r"a\.IMG: its label a\.LBL describes b\.IMG"):
        read_rover_image(tmp_path / "a.IMG")
    pds3(tmp_path / "a.LBL", b"", pointer='"c.IMG"')
    with pytest.raises(AreosegError, match=r"names c\.IMG, which is not beside it"):
        read_rover_image(tmp_path / "a.LBL")


def test_directions_of_display_are_followed(tmp_path, levels):
    path = pds3(
        tmp_path / "a.IMG",
        bytes_of(levels[::-1, ::-1], "u1"),
        image="LINE_DISPLAY_DIRECTION = UP\r\nSAMPLE_DISPLAY_DIRECTION = LEFT",
    )
    np.testing.assert_array_equal(read_both_ways(path).pixels, levels)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("PDS_VERSION_ID = PDS3\r\nEND\r\n", "no image in this label"),
        ("PDS_VERSION_ID = PDS3\r\n^IMAGE = 2\r\nOBJECT = IMAGE\r\nEND\r\n", "RECORD_BYTES is"),
        ("PDS_VERSION_ID = PDS3\r\n^IMAGE = 1\r\nOBJECT = IMAGE\r\nEND\r\n", "do not describe"),
        ("PDS_VERSION_ID = PDS3\r\n^IMAGE = (1, 2)\r\nOBJECT = IMAGE\r\nEND\r\n", "pointer"),
    ],
)
def test_damaged_labels_are_refused_in_one_line(tmp_path, label, message):
    (tmp_path / "a.IMG").write_text(label)
    with pytest.raises(AreosegError, match=message) as caught:
        read_rover_image(tmp_path / "a.IMG")
    assert "\n" not in str(caught.value)


def test_a_label_of_random_bytes_raises_nothing_but_our_error(tmp_path, levels):
    generator = np.random.default_rng(1)
    whole = pds3(tmp_path / "a.IMG", bytes_of(levels, "u1"), image="MISSING_CONSTANT = 0")
    content = whole.read_bytes()
    for _ in range(200):
        damaged = bytearray(content)
        for place in generator.integers(14, 400, 4):
            damaged[place] = generator.integers(0, 256)
        whole.write_bytes(bytes(damaged))
        with suppress(AreosegError):
            read_rover_image(whole)


# PDS4


def xml(path, file, *, axes=(("Line", LINES), ("Sample", SAMPLES)), kind="UnsignedByte", offset=0,
        special="", display=""):  # fmt: skip
    elements = "".join(
        f"<Axis_Array><axis_name>{name}</axis_name><elements>{size}</elements>"
        f"<sequence_number>{number}</sequence_number></Axis_Array>"
        for number, (name, size) in enumerate(axes, 1)
    )
    path.write_text(
        '<?xml version="1.0"?><Product_Observational xmlns="http://pds.nasa.gov/pds4/pds/v1">'
        f"<Observation_Area>{display}</Observation_Area><File_Area_Observational>"
        f"<File><file_name>{file}</file_name></File><Array_{len(axes)}D_Image>"
        f'<offset unit="byte">{offset}</offset><axes>{len(axes)}</axes>'
        f"<Element_Array><data_type>{kind}</data_type></Element_Array>{elements}"
        f"<Special_Constants>{special}</Special_Constants></Array_{len(axes)}D_Image>"
        "</File_Area_Observational></Product_Observational>"
    )


@pytest.mark.parametrize(
    ("special", "kind", "dtype", "stored"),
    [
        ("<missing_constant>0xFF</missing_constant>", "UnsignedByte", "u1", 255),
        ("<error_constant>16#FF#</error_constant>", "UnsignedByte", "u1", 255),
        ("<invalid_constant>-32768</invalid_constant>", "SignedMSB2", ">i2", -32768),
        ("<missing_constant>0xFF7FFFFB</missing_constant>", "IEEE754MSBSingle", ">f4", None),
    ],
)
def test_constants_of_pds4(tmp_path, levels, special, kind, dtype, stored):
    stored = np.uint32(0xFF7FFFFB).view(np.float32) if stored is None else stored
    levels[3, 5:8] = -1
    pixels = np.where(levels < 0, stored, levels)
    (tmp_path / "a.img").write_bytes(bytes_of(pixels, dtype))
    xml(tmp_path / "a.xml", "a.img", kind=kind, special=special)
    assert np.array_equal(read_rover_image(tmp_path / "a.xml").valid, levels >= 0)
    assert np.array_equal(read_both_ways(tmp_path / "a.img").valid, levels >= 0)


@pytest.mark.parametrize("order", ["Band Line Sample", "Line Band Sample", "Line Sample Band"])
@pytest.mark.parametrize("suffix", [".img", ".dat"])
def test_every_order_of_axes_of_pds4_whole_and_cut_short(tmp_path, bands, order, suffix):
    names = order.split()
    sizes = {"Band": 3, "Line": LINES, "Sample": SAMPLES}
    stored = bands.transpose([("Band", "Line", "Sample").index(name) for name in names])
    file = tmp_path / f"a{suffix}"
    file.write_bytes(bytes(100) + bytes_of(stored, "u1"))
    xml(tmp_path / "a.xml", file.name, axes=[(name, sizes[name]) for name in names], offset=100)
    expected = luminance(np.moveaxis(bands, 0, -1).astype(np.uint8))
    np.testing.assert_array_equal(read_rover_image(tmp_path / "a.xml").pixels, expected)
    np.testing.assert_array_equal(read_rover_image(file).pixels, expected)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(AreosegError, match="lines are incomplete: copy it again"):
        read_rover_image(tmp_path / "a.xml")


def test_pds4_that_is_shown_from_bottom_to_top(tmp_path, levels):
    (tmp_path / "a.img").write_bytes(bytes_of(levels[::-1], "u1"))
    direction = (
        "<Display_Direction><vertical_display_direction>Bottom to Top"
        "</vertical_display_direction></Display_Direction>"
    )
    xml(tmp_path / "a.xml", "a.img", display=direction)
    np.testing.assert_array_equal(read_rover_image(tmp_path / "a.xml").pixels, levels)


def test_other_images_of_a_pds4_label_are_told(tmp_path, levels):
    (tmp_path / "a.img").write_bytes(bytes_of(levels, "u1"))
    xml(tmp_path / "a.xml", "a.img")
    label = (tmp_path / "a.xml").read_text()
    end = "</File_Area_Observational>"
    other = "<Array_2D_Image><local_identifier>quality</local_identifier></Array_2D_Image>"
    (tmp_path / "a.xml").write_text(label.replace(end, other + end))
    found = read_rover_image(tmp_path / "a.xml")
    np.testing.assert_array_equal(found.pixels, levels)
    assert found.warnings == ("only the first image is read, not quality",)


def test_pds4_with_a_latin_1_byte_and_a_label_that_is_no_xml(tmp_path, levels):
    (tmp_path / "a.img").write_bytes(bytes_of(levels, "u1"))
    xml(tmp_path / "a.xml", "a.img", display="<note>20 C</note>")
    content = (tmp_path / "a.xml").read_bytes()
    (tmp_path / "a.xml").write_bytes(content.replace(b"20 C", b"20 \xb0C"))
    np.testing.assert_array_equal(read_rover_image(tmp_path / "a.img").pixels, levels)
    (tmp_path / "a.xml").write_bytes(content[:300])
    with pytest.raises(AreosegError, match="its label is no XML"):
        read_rover_image(tmp_path / "a.img")


# VICAR


def vicar(path, content, *, kind="BYTE", org="BSQ", bands=1, before=0, headers=0, record=SAMPLES,
          properties="", more="INTFMT='LOW' REALFMT='RIEEE'", end=""):  # fmt: skip
    label = (
        f"LBLSIZE=1024  FORMAT='{kind}' TYPE='IMAGE' EOL={int(bool(end))} RECSIZE={record}"
        f" ORG='{org}' NL={LINES} NS={SAMPLES} NB={bands} NBB={before} NLB={headers} {more}"
        f" COMPRESS='NONE' {properties} TASK='T' USER='it''s me'"
    )
    path.write_bytes(label.encode().ljust(1024, b"\0") + content + end.encode())
    return path


@pytest.mark.parametrize("constant", ["(0.0,0.0,0.0)", "0", "(0,0,0)", "0.0"])
def test_constants_per_band_of_vicar(tmp_path, bands, constant):
    bands[:, 4, 4:9] = 0
    path = vicar(
        tmp_path / "a.VIC",
        bytes_of(bands, "u1"),
        bands=3,
        properties=f"PROPERTY='IMAGE_DATA' INVALID_CONSTANT={constant}",
    )
    assert np.array_equal(read_both_ways(path).valid, (bands != 0).any(axis=0))


@pytest.mark.parametrize(
    ("kind", "dtype", "more"),
    [
        ("HALF", ">i2", "INTFMT='HIGH' REALFMT='IEEE'"),
        ("FULL", "<i4", "INTFMT='LOW' REALFMT='RIEEE'"),
        ("REAL", ">f4", "INTFMT='HIGH' REALFMT='IEEE'"),
        ("DOUB", "<f8", "INTFMT='LOW' REALFMT='RIEEE'"),
    ],
)
def test_types_prefixes_and_headers_of_vicar(tmp_path, levels, kind, dtype, more):
    size = np.dtype(dtype).itemsize
    record = SAMPLES * size + 6
    rows = [b"P" * 6 + bytes_of(row, dtype) for row in levels]
    content = b"H" * 2 * record + b"".join(rows)
    path = vicar(
        tmp_path / "a.vic", content, kind=kind, before=6, headers=2, record=record, more=more
    )
    found = read_both_ways(path)
    pixels = found.pixels * (1 if found.pixels.dtype == np.uint8 else 255)
    np.testing.assert_allclose(pixels, levels, rtol=1e-6)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AreosegError, match=f"at least 1 of {LINES} lines"):
        read_rover_image(path)


@pytest.mark.parametrize(("org", "axes"), [("BIL", (1, 0, 2)), ("BIP", (1, 2, 0))])
def test_interleavings_of_vicar(tmp_path, bands, org, axes):
    content = bytes_of(bands.transpose(axes), "u1")
    path = vicar(
        tmp_path / "a.vic", content, org=org, bands=3, record=3 if org == "BIP" else SAMPLES
    )
    expected = luminance(np.moveaxis(bands, 0, -1).astype(np.uint8))
    np.testing.assert_array_equal(read_both_ways(path).pixels, expected)


def test_a_vicar_label_that_continues_at_the_end(tmp_path, levels):
    end = "LBLSIZE=512 PROPERTY='IMAGE_DATA' MISSING_CONSTANT=0"
    path = vicar(tmp_path / "a.vic", bytes_of(levels, "u1"), end=end.ljust(512, "\0"))
    assert np.array_equal(read_both_ways(path).valid, levels != 0)


# Other processes


def test_a_crash_of_gdal_is_an_error_of_one_file(tmp_path, levels, monkeypatch):
    pytest.importorskip("rasterio", reason="the extra planetary is not installed")
    path = vicar(tmp_path / "a.vic", bytes_of(levels, "u1"))
    path.write_bytes(path.read_bytes().replace(b"COMPRESS='NONE'", b"COMPRESS='XXXX'"))
    with pytest.raises(AreosegError, match=r"a\.vic: cannot read this image \("):
        read_rover_image(path)
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    run = isolated.subprocess.run
    monkeypatch.setattr(
        isolated.subprocess,
        "run",
        lambda command, **options: run([command[0], "-c", crash], **options),
    )
    with pytest.raises(AreosegError, match=r"a\.vic: GDAL crashed on this image \(exit code -11\)"):
        read_rover_image(path)


def test_values_of_labels():
    label = parse_odl(
        'A = "x\r\n  y" /* B = 3 */\r\nC = (1 <m>, "d")\r\nGROUP = G\r\n C = 4\r\nEND_GROUP\r\nEND'
    )
    assert label.values == {"A": "x y", "C": ["1", "d"]}
    assert label.flat()["C"] == ["1", "d"]
    assert parse_vicar("A=(1, 2) B='it''s' C=3").values == {"A": ["1", "2"], "B": "it''s", "C": "3"}
    assert constant("N/A", np.dtype("u1")) is None
    assert constant("16#FF#", np.dtype("f4")) == 255
