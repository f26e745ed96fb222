"""Trained networks as files for other programs, each checked against the network itself."""

from areoseg.export.formats import FORMATS, Format, export_format
from areoseg.export.parity import Allowance, Parity, measure_parity
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
