"""What an AI4Mars file name says.

`NLB_430335904EDR_F0130000NCAM07812M1` is a frame of the left Navcam (`NLB`) at spacecraft clock
430335904, taken at site 013, drive 0000. Names are those of the Mars Science Laboratory's
camera products (Software Interface Specification of its EDR and RDR data products).
"""

import re
from pathlib import PurePosixPath

# Camera, clock, product, sample type, site, drive, sequence. Sites beyond 999 and drives beyond
# 9999 are written with a letter.
_FRAME_NAME = re.compile(
    r"N[LR][AB]_\d{9}[A-Z]{3}_[A-Z](?P<site>[0-9A-Z]{3})(?P<drive>[0-9A-Z]{4})[0-9A-Z_]{9}M\d"
)


def site_and_drive(name: str) -> str | None:
    """The rover stop of an AI4Mars frame.

    Frames with the same site and drive show the same place, so a split must not part them.

    Args:
        name: A file name with or without folders, suffix and `_merged`.

    Returns:
        A group such as `"site-013-drive-0000"`, or None where the name is no AI4Mars name.
    """
    found = _FRAME_NAME.match(PurePosixPath(name).name)
    return f"site-{found['site']}-drive-{found['drive']}" if found else None
