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
    r"(?P<camera>[NFR][LR])[0-9A-Z_][0-9A-Z_](?P<sol>\d{4})[0-9A-Z_](?P<clock>\d{10})_\d{3}"
    r"[0-9A-Z]{3}[0-9A-Z_][NT_](?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}"
)

# 2N128287181EFF0327P1973L0M1: rover, camera, clock, product, site, drive, sequence, eye.
_MER = re.compile(
    r"(?P<rover>[12])(?P<camera>[NFRP])(?P<clock>\d{9})[0-9A-Z]{3}"
    r"(?P<site>[0-9A-Z]{2})(?P<drive>[0-9A-Z]{2})[A-Z]\d{4}(?P<eye>[LRBMN])"
)

_EYES = {"L": "LEFT", "R": "RIGHT"}
_MSL_CAMERAS = {"N": "NAV", "F": "FHAZ", "R": "RHAZ"}
_CAMERAS = {"N": "NAVCAM", "F": "FRONT_HAZCAM", "R": "REAR_HAZCAM", "P": "PANCAM"}


def metadata_from_name(name: str) -> Metadata:
    """Return the metadata in a file name, with or without folders and suffix."""
    name = PurePath(name).name.upper()
    if match := _MSL.match(name):
        place, eye, computer = tuple(match["camera"])
        camera = f"{_MSL_CAMERAS[place]}_{_EYES[eye]}_{computer}"
        return _metadata("MARS SCIENCE LABORATORY", camera, match)
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
