"""Metadata of an image from its PDS3, PDS4 or VICAR label.

The keywords are those of the PDS3 Data Dictionary, which VICAR labels of rover images share, and
those of the PDS4 Information Model with its dictionary `geom` and the mission dictionaries.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from areoseg.data.missions.metadata import Metadata, sol_of_clock

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

_UNKNOWN = ("", "N/A", "NULL", "UNK", "UNKNOWN")


def metadata_from_keywords(values: Mapping[str, Any]) -> Metadata:
    """Return the metadata in the keywords of a PDS3 or VICAR label.

    Args:
        values: Texts, or lists of texts, by keyword; see `odl`.
    """
    info = {
        name: next((text for key in keys if (text := _text(values.get(key)))), None)
        for name, keys in _KEYWORDS.items()
    }
    counter = dict(
        zip(
            map(str, _listed(values.get("ROVER_MOTION_COUNTER_NAME"))),
            _listed(values.get("ROVER_MOTION_COUNTER")),
            strict=False,
        )
    )
    return _metadata(info, {key: _number(value) for key, value in counter.items()})


def metadata_from_pds4(root: ElementTree.Element) -> Metadata:
    """Return the metadata in a PDS4 label."""
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
    return _metadata(info, counter)


def _metadata(info: Mapping[str, str | None], counter: Mapping[str, float | None]) -> Metadata:
    site, drive = counter.get("SITE"), counter.get("DRIVE")
    sol = _sol(info["sol"])
    return Metadata(
        mission=info["mission"],
        camera=info["camera"],
        sol=sol if sol is not None else sol_of_clock(info["mission"], info["clock"]),
        site=None if site is None else int(site),
        drive=None if drive is None else int(drive),
        clock=info["clock"],
        time=info["time"],
    )


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
