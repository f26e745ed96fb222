"""Writers: from predictions to files, a part of an image at a time."""

from areoseg.inference.writers.outputs import DEFAULT_OUTPUTS
from areoseg.inference.writers.outputs import OUTPUT_NAMES
from areoseg.inference.writers.outputs import OUTPUTS
from areoseg.inference.writers.outputs import SHARES
from areoseg.inference.writers.outputs import Output
from areoseg.inference.writers.outputs import check_extras
from areoseg.inference.writers.outputs import checked_outputs
from areoseg.inference.writers.outputs import open_outputs
from areoseg.inference.writers.rows import Rows
from areoseg.inference.writers.rows import Write

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
