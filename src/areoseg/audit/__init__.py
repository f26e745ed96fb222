"""Auditing a dataset: find issues in images, masks and splits before training on them."""

from areoseg.audit.audit import audit, audit_samples
from areoseg.audit.cache import Cache
from areoseg.audit.checks.table import CHECKS, Check
from areoseg.audit.exclusions import Exclusions, find_exclusions, read_exclusions
from areoseg.audit.findings import Audit, Finding, OtherSample, SetFinding, write_audit

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
