"""What is wrong with a data set, found before a network is trained on it."""

from areoseg.audit.checks import CHECKS
from areoseg.audit.checks import Check
from areoseg.audit.checks import audit_samples
from areoseg.audit.chunks import Chunks
from areoseg.audit.context import AuditContext
from areoseg.audit.decisions import check_decisions
from areoseg.audit.decisions import read_decisions
from areoseg.audit.failing import failing
from areoseg.audit.failing import parse_failing
from areoseg.audit.findings import Audit
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.findings import SetFinding
from areoseg.audit.split_names import split_from_names
from areoseg.audit.write import write_audit

__all__ = [
    "CHECKS",
    "Audit",
    "AuditContext",
    "Check",
    "Chunks",
    "Finding",
    "OtherSample",
    "SetFinding",
    "audit_samples",
    "check_decisions",
    "failing",
    "parse_failing",
    "read_decisions",
    "split_from_names",
    "write_audit",
]
