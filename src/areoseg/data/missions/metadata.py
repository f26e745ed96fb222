"""Metadata of rover images, parsed from their file names.

File names follow the product names in the Software Interface Specifications of the camera data of
Mars Science Laboratory, Mars 2020 and the Mars Exploration Rovers.
"""

import re
from dataclasses import dataclass, fields, replace
from pathlib import PurePath, PurePosixPath


@dataclass(frozen=True)
class Metadata:
    """Time, place and camera of an image; unknown fields are None.

    Attributes:
        mission: For example `MARS SCIENCE LABORATORY`.
        camera: For example `NAV_LEFT_B`.
        sol: Martian days since landing.
        site: The rover's site index; text if the file name encodes it with letters.
        drive: The rover's drive index within the site, of the same type.
        clock: Spacecraft clock at the start of the exposure, in seconds.
        time: Start of the exposure, UTC, ISO 8601.
    """

    mission: str | None = None
    camera: str | None = None
    sol: int | None = None
    site: int | str | None = None
    drive: int | str | None = None
    clock: str | None = None
    time: str | None = None

    def otherwise(self, other: "Metadata") -> "Metadata":
        """Return this metadata with missing fields filled in from `other`."""
        known = {name: value for name in FIELDS if (value := getattr(self, name)) is not None}
        return replace(other, **known)


FIELDS = tuple(field.name for field in fields(Metadata))
"""Names of the fields, in the order of a table's columns."""


@dataclass(frozen=True)
class Georeference:
    """Position of an image's pixels on a map.

    Attributes:
        crs: Coordinate reference system as WKT; None if the file has only a transform.
        authority: Short name of the system, for example `EPSG:32633` or `IAU_2015:49900`, or None.
        transform: (a, b, c, d, e, f): the pixel corner in column x and row y, counted from the
            upper left, is at (a x + b y + c, d x + e y + f).
    """

    crs: str | None
    authority: str | None
    transform: tuple[float, float, float, float, float, float]


# NLB_430335904EDR_F0130000NCAM07812M1: camera, clock, product, sample, site, drive, sequence.
_MSL = re.compile(
    r"(?P<camera>[NFR][LR][AB])_(?P<clock>\d{9})[0-9A-Z]{3}_[A-Z]"
    r"(?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}[A-Z]"
)

# Names of AI4Mars frames: those of MSL's Navcam with a version number. Sites beyond 999 and drives
# beyond 9999 are written with a letter.
_AI4MARS = re.compile(
    r"N[LR][AB]_\d{9}[A-Z]{3}_[A-Z](?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}M\d"
)

# NLF_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01: camera, filter, sol, clock,
# milliseconds, product, site, drive, sequence.
_MARS_2020 = re.compile(
    r"(?P<camera>[NFRZ][LR])[0-9A-Z_][0-9A-Z_](?P<sol>\d{4})[0-9A-Z_](?P<clock>\d{10})_\d{3}"
    r"[0-9A-Z]{3}[0-9A-Z_][NT_](?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}"
)

# 2N128287181EFF0327P1973L0M1: rover, camera, clock, product, site, drive, sequence, eye.
_MER = re.compile(
    r"(?P<rover>[12])(?P<camera>[NFRP])(?P<clock>\d{9})[0-9A-Z]{3}"
    r"(?P<site>[0-9A-Z]{2})(?P<drive>[0-9A-Z]{2})[A-Z]\d{4}(?P<eye>[LRBMN])"
)

# 0012ML0000450000100792E01_DXXX: sol, camera (left, right, MAHLI, MARDI), sequence; no site.
_MSL_SCIENCE = re.compile(r"(?P<sol>\d{4})M[LRHD]\d{6}")

# HX1-Ro_GRAS_NaTeCamA-F-001_SCI_N_20210611093045_20210611093045_00025_A: instrument, start, end.
_ZHURONG = re.compile(r"HX1-RO_GRAS_[0-9A-Z-]+_[A-Z]+_[A-Z]_(?P<day>\d{8})\d{6}_")

_MSL_MISSION = "MARS SCIENCE LABORATORY"
_MSL_SOL_0 = 397_446_660  # clock at the start of sol 0
_SOL = 88_775.244  # seconds

_EYES = {"L": "LEFT", "R": "RIGHT"}
_MSL_CAMERAS = {"N": "NAV", "F": "FHAZ", "R": "RHAZ"}
_CAMERAS = {"N": "NAVCAM", "F": "FRONT_HAZCAM", "R": "REAR_HAZCAM", "P": "PANCAM",
            "Z": "MASTCAM_Z"}  # fmt: skip


def metadata_from_name(name: str) -> Metadata:
    """Return the metadata in a file name, with or without folders and suffix."""
    name = PurePath(name).name.upper()
    if match := _MSL.match(name):
        place, eye, computer = tuple(match["camera"])
        camera = f"{_MSL_CAMERAS[place]}_{_EYES[eye]}_{computer}"
        return _metadata(
            _MSL_MISSION, camera, match, sol=sol_of_clock(_MSL_MISSION, match["clock"])
        )
    if match := _MARS_2020.match(name):
        place, eye = tuple(match["camera"])
        camera = f"{_CAMERAS[place]}_{_EYES[eye]}"
        return _metadata("MARS 2020", camera, match, sol=int(match["sol"]))
    if match := _MER.match(name):
        camera = _CAMERAS[match["camera"]]
        if match["eye"] in _EYES:
            camera = f"{camera}_{_EYES[match['eye']]}"
        return _metadata(f"MARS EXPLORATION ROVER {match['rover']}", camera, match)
    return Metadata()


def sol_of_clock(mission: str | None, clock: str | None) -> int | None:
    """Return the sol of an image from its spacecraft clock, or None if it cannot be computed.

    Only for the Mars Science Laboratory, whose clock counts seconds since J2000. Its sols begin at
    midnight in local mean solar time at the landing site (Allison & McEwen, Planet. Space Sci. 48,
    2000), and the rover landed on sol 0.

    Examples:
        >>> sol_of_clock("MARS SCIENCE LABORATORY", "430335904")
        370
    """
    if mission != _MSL_MISSION or clock is None:
        return None
    seconds = re.match(r"(?:\d/)?(\d{9})", clock)
    if seconds is None or int(seconds[1]) < _MSL_SOL_0:
        return None
    return int((int(seconds[1]) - _MSL_SOL_0) / _SOL)


def site_and_drive(name: str) -> str | None:
    """Return the rover stop of an AI4Mars frame.

    Frames with the same site and drive show the same place, so a split must keep them together.

    Args:
        name: A file name with or without folders, suffix and `_merged`.

    Returns:
        A group such as `"site-013-drive-0000"`, or None if this is no AI4Mars frame name.

    Examples:
        >>> site_and_drive("NLB_430335904EDR_F0130000NCAM07812M1")
        'site-013-drive-0000'
    """
    match = _AI4MARS.match(PurePosixPath(name).name)
    return f"site-{match['site']}-drive-{match['drive']}" if match else None


_ROVER_STOP = re.compile(
    r"(?:m2020-|mer\d-)?site-\w+-drive-\w+|msl-sol-\d+|zhurong-day-\d+", re.IGNORECASE
)


def rover_stop(name: str) -> str | None:
    """Return the rover stop of a frame of any mission, by its product name.

    The names of engineering cameras of Curiosity, of Perseverance and of the Mars Exploration
    Rovers contain site and drive. Those of the Mastcam have only the sol, those of Zhurong only
    the day, within which the rover may have moved.

    Args:
        name: A file name with or without folders and suffix.

    Examples:
        >>> rover_stop("1n129697839eff0338p1931l0m1_16165_T0_merged.png")
        'mer1-site-03-drive-38'
        >>> rover_stop("NLB_430335904EDR_F0130000NCAM07812M1.JPG")
        'site-013-drive-0000'
    """
    name = PurePosixPath(name).name.upper()
    if match := _MSL.match(name):
        return f"site-{match['site']}-drive-{match['drive']}"
    if match := _MARS_2020.match(name):
        return f"m2020-site-{match['site']}-drive-{match['drive']}"
    if match := _MER.match(name):
        return f"mer{match['rover']}-site-{match['site']}-drive-{match['drive']}"
    if match := _MSL_SCIENCE.match(name):
        return f"msl-sol-{match['sol']}"
    if match := _ZHURONG.match(name):
        return f"zhurong-day-{match['day']}"
    return None


def is_rover_stop(group: str) -> bool:
    """Return whether the name of a group is one that `rover_stop` gives."""
    return _ROVER_STOP.fullmatch(group) is not None


def _metadata(
    mission: str, camera: str, match: re.Match[str], *, sol: int | None = None
) -> Metadata:
    return Metadata(
        mission=mission,
        camera=camera,
        sol=sol,
        site=_index(match["site"]),
        drive=_index(match["drive"]),
        clock=match["clock"],
    )


def _index(text: str) -> int | str:
    """Parse a site or drive as a number, or as text if it contains a letter."""
    return int(text) if text.isdigit() else text
