"""What is wrong with a data set, found before a network is trained on it."""

from areoseg.audit.checks import CHECKS, Check, audit_scenes
from areoseg.audit.findings import Audit, Finding
from areoseg.audit.write import write_audit

__all__ = ["CHECKS", "Audit", "Check", "Finding", "audit_scenes", "write_audit"]
