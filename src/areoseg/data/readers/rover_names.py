"""What the file names of rover images say.

The patterns follow the product names in the Software Interface Specifications of the camera data
of Mars Science Laboratory, Mars 2020 and the Mars Exploration Rovers.
"""

import re
from pathlib import PurePath

from areoseg.data.readers.metadata import Metadata

# NLB_430335904EDR_F0130000NCAM07812M1: camera, clock, product, sample, site, drive, sequence.
_MSL = re.compile(
    r"(?P<camera>[NFR][LR][AB])_(?P<clock>\d{9})[0-9A-Z]{3}_[A-Z]"
    r"(?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}[A-Z]"
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
_MARS_2020_CAMERAS = {"N": "NAVCAM", "F": "FRONT_HAZCAM", "R": "REAR_HAZCAM"}
_MER_CAMERAS = {"N": "NAVCAM", "F": "FRONT_HAZCAM", "R": "REAR_HAZCAM", "P": "PANCAM"}


def metadata_from_name(name: str) -> Metadata:
    """The info in a file name, with or without folders and suffix; none where it has none."""
    name = PurePath(name).name.upper()
    if found := _MSL.match(name):
        place, eye, computer = tuple(found["camera"])
        camera = f"{_MSL_CAMERAS[place]}_{_EYES[eye]}_{computer}"
        return _metadata("MARS SCIENCE LABORATORY", camera, found)
    if found := _MARS_2020.match(name):
        place, eye = tuple(found["camera"])
        camera = f"{_MARS_2020_CAMERAS[place]}_{_EYES[eye]}"
        return _metadata("MARS 2020", camera, found, sol=int(found["sol"]))
    if found := _MER.match(name):
        camera = _MER_CAMERAS[found["camera"]]
        if found["eye"] in _EYES:
            camera = f"{camera}_{_EYES[found['eye']]}"
        return _metadata(f"MARS EXPLORATION ROVER {found['rover']}", camera, found)
    return Metadata()


def _metadata(
    mission: str, camera: str, found: re.Match[str], *, sol: int | None = None
) -> Metadata:
    return Metadata(
        mission=mission,
        camera=camera,
        sol=sol,
        site=_index(found["site"]),
        drive=_index(found["drive"]),
        clock=found["clock"],
    )


def _index(written: str) -> int | str:
    """A site or drive: a number, or, where it was too long for its digits, as written."""
    return int(written) if written.isdigit() else written
