"""What is wrong with a data set, found before a network is trained on it."""

from areoseg.audit.checks import CHECKS
from areoseg.audit.checks import Check
from areoseg.audit.checks import audit_samples
from areoseg.audit.chunks import Chunks
from areoseg.audit.context import AuditContext
from areoseg.audit.exclusions import Exclusions
from areoseg.audit.exclusions import find_exclusions
from areoseg.audit.exclusions import read_exclusions
from areoseg.audit.failing import failing
from areoseg.audit.failing import parse_failing
from areoseg.audit.findings import Audit
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.findings import SetFinding
from areoseg.audit.findings import write_audit
from areoseg.audit.split_names import split_from_names

__all__ = [
    "CHECKS",
    "Audit",
    "AuditContext",
    "Check",
    "Chunks",
    "Exclusions",
    "Finding",
    "OtherSample",
    "SetFinding",
    "audit_samples",
    "failing",
    "find_exclusions",
    "parse_failing",
    "read_exclusions",
    "split_from_names",
    "write_audit",
]
