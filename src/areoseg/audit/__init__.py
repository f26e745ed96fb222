"""Auditing a dataset: find issues in images, masks and splits before training on them."""

from areoseg.audit.audit import audit
from areoseg.audit.audit import audit_samples
from areoseg.audit.cache import Cache
from areoseg.audit.checks import CHECKS
from areoseg.audit.checks import Check
from areoseg.audit.exclusions import Exclusions
from areoseg.audit.exclusions import find_exclusions
from areoseg.audit.exclusions import read_exclusions
from areoseg.audit.findings import Audit
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.findings import SetFinding
from areoseg.audit.findings import write_audit

__all__ = [
    "CHECKS",
    "Audit",
    "Cache",
    "Check",
    "Exclusions",
    "Finding",
    "OtherSample",
    "SetFinding",
    "audit",
    "audit_samples",
    "find_exclusions",
    "read_exclusions",
    "write_audit",
]
