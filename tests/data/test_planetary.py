"""Planetary files with hand-written labels; the pixels are those of a synthetic sample."""

import sys

import numpy as np
import pytest

from areoseg.data.missions.metadata import Metadata
from areoseg.data.missions.odl import parse_odl
from areoseg.data.missions.pds_labels import metadata_from_keywords
from areoseg.data.readers.planetary import isolated
from areoseg.data.readers.rover_image import read_rover_image
from areoseg.errors import AreosegError

rasterio = pytest.importorskip("rasterio", reason="the extra planetary is not installed")

PDS3 = """PDS_VERSION_ID = PDS3
RECORD_TYPE = FIXED_LENGTH
RECORD_BYTES = {record}
FILE_RECORDS = {records}
LABEL_RECORDS = {label_records}
^{name} = {pointer}
MISSION_NAME = "MARS SCIENCE LABORATORY"
INSTRUMENT_ID = NAV_LEFT_B
PLANET_DAY_NUMBER = 412
SPACECRAFT_CLOCK_START_COUNT = "430335904.000"
START_TIME = 2013-08-21T13:46:01.123
ROVER_MOTION_COUNTER = (13,20,7,0)
ROVER_MOTION_COUNTER_NAME = ("SITE","DRIVE","POSE","ARM")
OBJECT = {name}
  LINES = {lines}
  LINE_SAMPLES = {samples}
  SAMPLE_TYPE = MSB_INTEGER
  SAMPLE_BITS = 16
  SAMPLE_BIT_MASK = 2#0000111111111111#
  BANDS = 1
  MISSING_CONSTANT = 0
  BAND_STORAGE_TYPE = BAND_SEQUENTIAL
END_OBJECT = {name}
END
"""

PDS4 = """<?xml version="1.0" encoding="UTF-8"?>
<Product_Observational xmlns="http://pds.nasa.gov/pds4/pds/v1"
    xmlns:msn="http://pds.nasa.gov/pds4/msn/v1" xmlns:geom="http://pds.nasa.gov/pds4/geom/v1">
  <Identification_Area>
    <logical_identifier>urn:nasa:pds:a:b:c</logical_identifier><version_id>1.0</version_id>
    <title>t</title><information_model_version>1.15.0.0</information_model_version>
    <product_class>Product_Observational</product_class>
  </Identification_Area>
  <Observation_Area>
    <Time_Coordinates><start_date_time>2021-02-20T10:00:00Z</start_date_time></Time_Coordinates>
    <Investigation_Area><name>Mars2020</name><type>Mission</type></Investigation_Area>
    <Observing_System>
      <Observing_System_Component><name>Perseverance</name><type>Host</type>
      </Observing_System_Component>
      <Observing_System_Component><name>NAVCAM_LEFT</name><type>Instrument</type>
      </Observing_System_Component>
    </Observing_System>
    <Mission_Area><msn:start_sol_number>2</msn:start_sol_number>
      <msn:spacecraft_clock_start>667035657.113</msn:spacecraft_clock_start></Mission_Area>
    <Discipline_Area><geom:Motion_Counter>
      <geom:Motion_Counter_Index><geom:index_id>SITE</geom:index_id>
        <geom:index_value_number>1</geom:index_value_number></geom:Motion_Counter_Index>
      <geom:Motion_Counter_Index><geom:index_id>DRIVE</geom:index_id>
        <geom:index_value_number>52</geom:index_value_number></geom:Motion_Counter_Index>
    </geom:Motion_Counter></Discipline_Area>
  </Observation_Area>
  <File_Area_Observational>
    <File><file_name>{file}</file_name></File>
    <Array_2D_Image>
      <local_identifier>image</local_identifier>
      <offset unit="byte">0</offset><axes>2</axes>
      <axis_index_order>Last Index Fastest</axis_index_order>
      <Element_Array><data_type>UnsignedLSB2</data_type></Element_Array>
      <Axis_Array><axis_name>Line</axis_name><elements>{lines}</elements>
        <sequence_number>1</sequence_number></Axis_Array>
      <Axis_Array><axis_name>Sample</axis_name><elements>{samples}</elements>
        <sequence_number>2</sequence_number></Axis_Array>
      <Special_Constants><missing_constant>0</missing_constant>
        <valid_maximum>4095</valid_maximum></Special_Constants>
    </Array_2D_Image>
  </File_Area_Observational>
</Product_Observational>
"""

VICAR = (
    "FORMAT='HALF'  TYPE='IMAGE'  BUFSIZ={record}  DIM=3  EOL=0  RECSIZE={record}  ORG='BSQ'"
    "  NL={lines}  NS={samples}  NB=1  N1={samples}  N2={lines}  N3=1  N4=0  NBB=0  NLB=0"
    "  HOST='X86-LINUX'  INTFMT='LOW'  REALFMT='RIEEE'  BHOST='X86-LINUX'  BINTFMT='LOW'"
    "  BREALFMT='RIEEE'  BLTYPE=''  COMPRESS='NONE'  EOCI1=0  EOCI2=0"
    "  PROPERTY='IDENTIFICATION'  INSTRUMENT_ID='NAV_LEFT_B'  PLANET_DAY_NUMBER=412"
    "  START_TIME='2013-08-21T13:46:01.123'  ROVER_MOTION_COUNTER=(13,20,0)"
    "  ROVER_MOTION_COUNTER_NAME=('SITE','DRIVE','POSE')"
    "  PROPERTY='IMAGE_DATA'  INVALID_CONSTANT=0.0  TASK='T'  USER='U'  "
)

CURIOSITY = Metadata(
    mission="MARS SCIENCE LABORATORY",
    camera="NAV_LEFT_B",
    sol=412,
    site=13,
    drive=20,
    clock="430335904.000",
    time="2013-08-21T13:46:01.123",
)


@pytest.fixture
def levels(samples):
    """A sample in 12 bits, at most 2,000 of them, whose first row is nodata."""
    found = samples.images[0].astype(np.int64) * 2000 // 255 + 1
    found[0] = 0
    return found


def write_pds3(path, levels, *, name="IMAGE", detached=None):
    lines, samples = levels.shape
    record, label_records = 2 * samples, 40
    label = PDS3.format(
        record=record,
        records=lines + (0 if detached else label_records),
        label_records=0 if detached else label_records,
        name=name,
        pointer=f'("{path.name}",1)' if detached else label_records + 1,
        lines=lines,
        samples=samples,
    )
    label = label.replace("\n", "\r\n").encode()
    pixels = levels.astype(">i2").tobytes()
    if detached:
        detached.write_bytes(label)
        path.write_bytes(pixels)
    else:
        assert len(label) < record * label_records
        path.write_bytes(label.ljust(record * label_records) + pixels)


def write_pds4(path, levels):
    lines, samples = levels.shape
    path.with_suffix(".xml").write_text(
        PDS4.format(file=path.name, lines=lines, samples=samples), encoding="utf-8"
    )
    path.write_bytes(levels.astype("<u2").tobytes())


def write_vicar(path, levels):
    lines, samples = levels.shape
    record = 2 * samples
    label = VICAR.format(record=record, lines=lines, samples=samples)
    size = -(-(len(label) + 20) // record) * record
    start = f"LBLSIZE={size:<8d}  {label}".encode()
    path.write_bytes(start.ljust(size, b"\0") + levels.astype("<i2").tobytes())


def write_geotiff(path, levels, **options):
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=levels.shape[0],
        width=levels.shape[1],
        count=1,
        dtype="uint16",
        **options,
    ) as file:
        file.write(levels.astype(np.uint16), 1)


def assert_is_the_sample(found, levels, white=4095):
    np.testing.assert_allclose(found.pixels, levels / white, atol=1e-6)
    assert np.array_equal(found.valid, levels > 0)


@pytest.mark.parametrize("suffix", [".IMG", ".img"])
def test_pds3_with_its_label_attached(tmp_path, levels, suffix):
    write_pds3(tmp_path / f"a{suffix}", levels)
    found = read_rover_image(tmp_path / f"a{suffix}")
    assert_is_the_sample(found, levels)
    assert found.metadata == CURIOSITY
    assert found.georeference is None


def test_pds3_with_its_label_beside_it_by_either_name(tmp_path, levels):
    write_pds3(tmp_path / "a.IMG", levels, detached=tmp_path / "a.LBL")
    for name in ("a.IMG", "a.LBL"):
        found = read_rover_image(tmp_path / name)
        assert_is_the_sample(found, levels)
        assert found.metadata == CURIOSITY


def test_pds4_by_its_label_or_its_pixels(tmp_path, levels):
    write_pds4(tmp_path / "a.img", levels)
    for name in ("a.img", "a.xml"):
        found = read_rover_image(tmp_path / name)
        assert_is_the_sample(found, levels)
        assert found.metadata == Metadata(
            mission="Mars2020",
            camera="NAVCAM_LEFT",
            sol=2,
            site=1,
            drive=52,
            clock="667035657.113",
            time="2021-02-20T10:00:00Z",
        )


@pytest.mark.parametrize("suffix", [".vic", ".VICAR", ".IMG"])
def test_vicar(tmp_path, levels, suffix):
    path = tmp_path / f"NLB_430335904EDR_F0130020NCAM07812M1{suffix}"
    write_vicar(path, levels)
    found = read_rover_image(path)
    assert_is_the_sample(found, levels)
    # Mission and clock are not in the label but in the name.
    assert found.metadata.camera == "NAV_LEFT_B"
    assert (found.metadata.sol, found.metadata.site, found.metadata.clock) == (412, 13, "430335904")


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_and_pdr_read_the_same_pixels(tmp_path, levels):
    pytest.importorskip("pdr", reason="the extra planetary is not installed")
    write_pds3(tmp_path / "a.img", levels)
    write_pds4(tmp_path / "b.img", levels)
    write_vicar(tmp_path / "c.vic", levels)
    for name, reads in (
        ("a.img", (isolated._pixels_of, None)),
        ("b.xml", (isolated._pixels_of, None)),
        ("c.vic", (isolated._pixels_of,)),
    ):
        for read in reads:
            if read is None:
                pixels = isolated._with_pdr(tmp_path / name, ValueError())
            else:
                pixels = isolated._with_gdal(tmp_path / name, read)
            assert np.array_equal(pixels[..., 0], levels)


def test_a_geotiff_keeps_its_place_its_nodata_and_its_depth(tmp_path, levels):
    transform = rasterio.Affine(0.5, 0, 1000, 0, -0.5, 2000)
    write_geotiff(
        tmp_path / "a.tif", levels, crs="EPSG:32633", transform=transform, nodata=0, nbits=12
    )
    found = read_rover_image(tmp_path / "a.tif")
    assert_is_the_sample(found, levels)
    assert found.georeference.authority == "EPSG:32633"
    assert found.georeference.transform == (0.5, 0, 1000, 0, -0.5, 2000)
    assert "UTM zone 33N" in found.georeference.crs


def test_a_geotiff_of_mars_keeps_a_reference_system_without_a_short_name(tmp_path, levels):
    mars = "+proj=eqc +R=3396190 +units=m +no_defs"
    write_geotiff(tmp_path / "a.tif", levels, crs=mars, transform=rasterio.Affine.scale(2, -2))
    found = read_rover_image(tmp_path / "a.tif")
    assert "3396190" in found.georeference.crs
    assert found.valid is None


@pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
def test_twelve_bit_tiff_without_a_place_is_read_as_twelve_bits(tmp_path, levels):
    write_geotiff(tmp_path / "a.tif", levels, nbits=12)
    found = read_rover_image(tmp_path / "a.tif")
    np.testing.assert_allclose(found.pixels, levels / 4095, atol=1e-6)


def test_three_bands_become_luminance_and_more_are_refused(tmp_path):
    for count in (3, 5):
        with rasterio.open(
            tmp_path / "a.tif", "w", driver="GTiff", height=2, width=3, count=count,
            dtype="uint8", crs="EPSG:32633", transform=rasterio.Affine.scale(2),
            photometric="RGB" if count == 3 else "MINISBLACK",
        ) as file:  # fmt: skip
            for band, level in zip(range(1, count + 1), (200, 100, 50, 1, 1), strict=False):
                file.write(np.full((2, 3), level, np.uint8), band)
        if count == 3:
            assert (read_rover_image(tmp_path / "a.tif").pixels == 124).all()
    with pytest.raises(AreosegError, match=r"a\.tif: 5 bands"):
        read_rover_image(tmp_path / "a.tif")


def test_a_product_that_is_nodata_everywhere_is_refused(tmp_path, levels):
    write_pds3(tmp_path / "a.img", 0 * levels)
    with pytest.raises(AreosegError, match=r"a\.img: every pixel is nodata"):
        read_rover_image(tmp_path / "a.img")


def test_pixels_without_a_label_are_refused(tmp_path, levels):
    (tmp_path / "a.img").write_bytes(levels.astype("<u2").tobytes())
    with pytest.raises(AreosegError, match=r"a\.img: no PDS or VICAR label attached.*the file"):
        read_rover_image(tmp_path / "a.img")


def test_a_product_cut_short_is_refused_in_one_line(tmp_path, levels):
    writers = ((write_pds3, "a.img"), (write_vicar, "b.vic"), (write_pds4, "c.img"))
    for write, name in writers:
        write(tmp_path / name, levels)
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[:-1])
        with pytest.raises(AreosegError, match=f"{len(whole) - 1:,} bytes, but .*{len(whole):,}"):
            read_rover_image(tmp_path / name)


def test_a_geotiff_cut_short_is_refused_in_one_line(tmp_path, levels):
    write_geotiff(tmp_path / "a.tif", levels, transform=rasterio.Affine.scale(2))
    (tmp_path / "a.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:-3000])
    with pytest.raises(AreosegError, match=r"a\.tif: cannot read this image") as caught:
        read_rover_image(tmp_path / "a.tif")
    assert "\n" not in str(caught.value)


def test_a_label_that_promises_too_many_pixels_is_refused(tmp_path, levels):
    write_vicar(tmp_path / "a.vic", levels)
    content = (tmp_path / "a.vic").read_bytes().replace(b"NL=32  NS=64", b"NL=99999  NS=99")
    (tmp_path / "a.vic").write_bytes(content.replace(b"NS=99 ", b"NS=99999 "))
    with pytest.raises(AreosegError, match=r"a\.vic"):
        read_rover_image(tmp_path / "a.vic")


def test_a_missing_extra_is_named_when_a_product_needs_it(tmp_path, levels, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    write_vicar(tmp_path / "a.vic", levels)
    assert_is_the_sample(read_rover_image(tmp_path / "a.vic"), levels)
    content = (tmp_path / "a.vic").read_bytes().replace(b"COMPRESS='NONE'", b"COMPRESS='BASI'")
    (tmp_path / "a.vic").write_bytes(content)
    with pytest.raises(AreosegError, match=r"a\.vic: .*pip install areoseg\[planetary\]"):
        read_rover_image(tmp_path / "a.vic")


def test_labels_with_nothing_known_tell_nothing():
    assert metadata_from_keywords({"PLANET_DAY_NUMBER": "N/A", "MISSION_NAME": "UNK"}) == Metadata()


def test_solar_times_are_understood():
    label = parse_odl('LOCAL_MEAN_SOLAR_TIME = "Sol-00412M15:51:39" END')
    assert metadata_from_keywords(label.flat()).sol == 412
