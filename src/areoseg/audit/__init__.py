"""What is wrong with a data set, found before a network is trained on it."""

from areoseg.audit.checks import CHECKS, Check, audit_scenes
from areoseg.audit.chunks import Chunks
from areoseg.audit.decisions import check_decisions, read_decisions
from areoseg.audit.failing import failing, parse_failing
from areoseg.audit.findings import Audit, Finding, OtherScene, SetFinding
from areoseg.audit.material import Material
from areoseg.audit.split_names import split_from_names
from areoseg.audit.write import write_audit

__all__ = [
    "CHECKS",
    "Audit",
    "Check",
    "Chunks",
    "Finding",
    "Material",
    "OtherScene",
    "SetFinding",
    "audit_scenes",
    "check_decisions",
    "failing",
    "parse_failing",
    "read_decisions",
    "split_from_names",
    "write_audit",
]
