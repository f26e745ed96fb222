"""Writers: from predictions to files, a part of an image at a time."""

from areoseg.inference.writers.outputs import (
    DEFAULT_OUTPUTS,
    OUTPUT_NAMES,
    OUTPUTS,
    SHARES,
    Output,
    check_extras,
    checked_outputs,
    open_outputs,
)
from areoseg.inference.writers.rows import Rows, Write

__all__ = [
    "DEFAULT_OUTPUTS",
    "OUTPUTS",
    "OUTPUT_NAMES",
    "SHARES",
    "Output",
    "Rows",
    "Write",
    "check_extras",
    "checked_outputs",
    "open_outputs",
]
