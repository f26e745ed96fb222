"""Metadata of an image from its PDS3, PDS4 or VICAR label.

The keywords are those of the PDS3 Data Dictionary, which VICAR labels of rover images share, and
those of the PDS4 Information Model with its dictionary `geom` and the mission dictionaries.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

from areoseg.data.missions.metadata import Metadata


@dataclass(frozen=True)
class PdsLabel:
    """Contents of a label.

    Attributes:
        metadata: Time, place and camera of the image.
        bits: Declared depth of the gray levels, or None.
        nodata: Gray levels that mark missing pixels.
        offset: Offset of the pixels in their file, in bytes; 0 if the label does not give it.
    """

    metadata: Metadata = field(default_factory=Metadata)
    bits: int | None = None
    nodata: tuple[float, ...] = ()
    offset: int = 0


_KEYWORDS = {
    "mission": ("MISSION_NAME",),
    "camera": ("INSTRUMENT_ID", "INSTRUMENT_NAME"),
    "sol": ("PLANET_DAY_NUMBER", "LOCAL_MEAN_SOLAR_TIME"),
    "clock": ("SPACECRAFT_CLOCK_START_COUNT",),
    "time": ("START_TIME", "IMAGE_TIME"),
}

_ELEMENTS = {
    "mission": (".//{*}Investigation_Area/{*}name",),
    "camera": (".//{*}Imaging_Instrument/{*}instrument_id", ".//{*}instrument_id"),
    "sol": (".//{*}start_sol_number", ".//{*}sol_number", ".//{*}planet_day_number"),
    "clock": (".//{*}spacecraft_clock_start", ".//{*}spacecraft_clock_start_count"),
    "time": (".//{*}Time_Coordinates/{*}start_date_time",),
}

_NODATA_KEYWORDS = ("MISSING_CONSTANT", "INVALID_CONSTANT")
_NODATA_ELEMENTS = (".//{*}missing_constant", ".//{*}invalid_constant")
_UNKNOWN = ("", "N/A", "NULL", "UNK", "UNKNOWN")


def label_from_keywords(values: Mapping[str, Any]) -> PdsLabel:
    """Parse a PDS3 or VICAR label from nested mappings; the first value of a keyword is used."""
    flat: dict[str, Any] = {}
    for key, value in _leaves(values):
        flat.setdefault(key, value)
    info = {
        name: next((text for key in keys if (text := _text(flat.get(key)))), None)
        for name, keys in _KEYWORDS.items()
    }
    counter = dict(
        zip(
            map(str, _listed(flat.get("ROVER_MOTION_COUNTER_NAME"))),
            _listed(flat.get("ROVER_MOTION_COUNTER")),
            strict=False,
        )
    )
    constants = [_number(flat.get(key)) for key in _NODATA_KEYWORDS]
    return PdsLabel(
        metadata=_metadata(info, {key: _number(value) for key, value in counter.items()}),
        bits=_bits_of_mask(_text(flat.get("SAMPLE_BIT_MASK"))),
        nodata=tuple(value for value in constants if value is not None),
        offset=_vicar_offset(flat) if "LBLSIZE" in values else _pds3_offset(values),
    )


def label_from_pds4(xml: str) -> PdsLabel:
    """Parse a PDS4 label; the result is empty if the text is not XML."""
    try:
        root = ElementTree.fromstring(xml.encode())
    except ElementTree.ParseError:
        return PdsLabel()
    info = {
        name: next((text for path in paths if (text := _text(root.findtext(path)))), None)
        for name, paths in _ELEMENTS.items()
    }
    if info["camera"] is None:
        for component in root.iterfind(".//{*}Observing_System_Component"):
            if component.findtext("{*}type") == "Instrument":
                info["camera"] = _text(component.findtext("{*}name"))
    counter = {
        index.findtext("{*}index_id", ""): _number(index.findtext("{*}index_value_number"))
        for index in root.iterfind(".//{*}Motion_Counter_Index")
    }
    constants = [_number(root.findtext(path)) for path in _NODATA_ELEMENTS]
    highest = _number(root.findtext(".//{*}Special_Constants/{*}valid_maximum"))
    return PdsLabel(
        metadata=_metadata(info, counter),
        bits=None if highest is None or highest < 1 else int(highest).bit_length(),
        nodata=tuple(value for value in constants if value is not None),
        offset=int(_number(root.findtext(".//{*}Array_2D_Image/{*}offset")) or 0),
    )


def _metadata(info: Mapping[str, str | None], counter: Mapping[str, float | None]) -> Metadata:
    site, drive = counter.get("SITE"), counter.get("DRIVE")
    return Metadata(
        mission=info["mission"],
        camera=info["camera"],
        sol=_sol(info["sol"]),
        site=None if site is None else int(site),
        drive=None if drive is None else int(drive),
        clock=info["clock"],
        time=info["time"],
    )


def _leaves(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield all keywords with their values, depth first, without the enclosing blocks."""
    for key, value in values.items():
        if isinstance(value, Mapping) and "value" not in value:
            yield from _leaves(value)
        else:  # a value with a unit is a mapping of both
            yield key, value["value"] if isinstance(value, Mapping) else value


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _text(value: Any) -> str | None:
    text = "" if value is None else str(value).strip().strip('"')
    return None if text.upper() in _UNKNOWN else text


def _number(value: Any) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _sol(text: str | None) -> int | None:
    """Parse the sol from `412`, or from a local mean solar time such as `Sol-00412M15:51:39`."""
    match = re.match(r"(?:sol-?)?(\d+)", text or "", re.IGNORECASE)
    return int(match[1]) if match else None


def _bits_of_mask(text: str | None) -> int | None:
    """Count the set bits in a mask such as `2#0000111111111111#`."""
    match = re.fullmatch(r"2#([01]+)#", text or "")
    return match[1].count("1") or None if match else None


def _vicar_offset(values: Mapping[str, Any]) -> int:
    """Return the number of bytes before the pixels: the label and the binary header records."""
    size, records, record = (_number(values.get(key)) for key in ("LBLSIZE", "NLB", "RECSIZE"))
    return int((size or 0) + (records or 0) * (record or 0))


def _pds3_offset(values: Mapping[str, Any]) -> int:
    """Return the number of bytes before the pixels, given by a pointer that counts from 1."""
    pointer = values.get("^IMAGE")
    if isinstance(pointer, (list, tuple)) and pointer:
        pointer = pointer[-1]
    record, length = _number(pointer), _number(values.get("RECORD_BYTES"))
    return int((record - 1) * length) if record and length else 0
