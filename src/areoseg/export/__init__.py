"""Trained networks as files for other programs, each checked against the network itself."""

from areoseg.export.formats import FORMATS
from areoseg.export.formats import Format
from areoseg.export.formats import export_format
from areoseg.export.parity import Allowance
from areoseg.export.parity import Parity
from areoseg.export.parity import measure_parity
from areoseg.export.write import write_checked

__all__ = [
    "FORMATS",
    "Allowance",
    "Format",
    "Parity",
    "export_format",
    "measure_parity",
    "write_checked",
]
