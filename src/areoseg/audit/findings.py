"""Findings of an audit, and the schema of `audit.json`.

A `Finding` is one issue of one labeled sample. A higher score is worse; the table in `checks.py`
gives its unit and range. If two samples share an issue, for example as copies, the finding belongs
to the later one and `other` is the earlier one. A `SetFinding` is an issue of the whole set.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from areoseg.utils.files import write_text

if TYPE_CHECKING:
    from areoseg.audit.exclusions import Exclusions

SCHEMA = 1
"""Version of `audit.json`; increased when a field changes its meaning, not when one is added."""

Action = Literal["reject", "flag"]
"""`"reject"` excludes a sample from training; `"flag"` only asks a person to look at it."""

Region = tuple[int, int, int, int]
"""A box in pixels: top, left, bottom, right; bottom and right are exclusive."""


@dataclass(frozen=True)
class OtherSample:
    """The second sample of an issue that two samples share.

    Attributes:
        index: Position of the sample in its part of the dataset.
        name: Name of the sample.
        part: Part of the dataset, labeled or unlabeled.
    """

    index: int
    name: str
    part: Literal["labeled", "unlabeled"] = "labeled"


@dataclass(frozen=True)
class Finding:
    """One issue of one labeled sample.

    Attributes:
        index: Position of the sample in the audited set, from 0.
        name: Name of the sample.
        issue: Name of the check, such as `"repeated-mask"`.
        score: Strength of the evidence, higher is worse; `Check.score` describes unit and range.
        reason: Explanation in one line.
        action: `"reject"` or `"flag"`.
        other: The sample that shares the issue, or None.
        region: The box that shows the issue, or None for the whole image.
    """

    index: int
    name: str
    issue: str
    score: float
    reason: str
    action: Action
    other: OtherSample | None = None
    region: Region | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `audit.json`; fields that do not apply are null."""
        region = None if self.region is None else list(self.region)
        return asdict(self) | {"score": round(self.score, 4), "region": region}


@dataclass(frozen=True)
class SetFinding:
    """An issue of the whole set, which is always a flag.

    Attributes:
        issue: Name of the check, such as `"drift"`.
        score: Strength of the evidence, higher is worse.
        reason: Explanation in one line.
    """

    issue: str
    score: float
    reason: str


@dataclass(frozen=True)
class Audit:
    """All findings in one set.

    Attributes:
        samples: Number of audited samples.
        issues: Names of the checks that ran.
        findings: Findings of single samples, by check, then by sample.
        set_findings: Findings of the whole set.
        summary: Overview of the set as JSON values; empty if only single checks were requested.
        fingerprint: Hash of the samples; training uses it to verify that decisions match the data.
    """

    samples: int
    issues: tuple[str, ...]
    findings: tuple[Finding, ...]
    set_findings: tuple[SetFinding, ...] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None

    @cached_property
    def rejected(self) -> tuple[Finding, ...]:
        """The finding of the first check that rejects each rejected sample."""
        first: dict[int, Finding] = {}
        for finding in self.findings:
            if finding.action == "reject":
                first.setdefault(finding.index, finding)
        return tuple(first[index] for index in sorted(first))

    @cached_property
    def flagged(self) -> tuple[Finding, ...]:
        """All findings of the samples that are kept."""
        kept = set(self.kept_indices)
        return tuple(finding for finding in self.findings if finding.index in kept)

    @cached_property
    def further(self) -> tuple[Finding, ...]:
        """The other findings of the rejected samples."""
        listed = {id(finding) for finding in (*self.rejected, *self.flagged)}
        return tuple(finding for finding in self.findings if id(finding) not in listed)

    @cached_property
    def kept_indices(self) -> tuple[int, ...]:
        """Positions of the samples that are not rejected, ascending."""
        rejected = {finding.index for finding in self.rejected}
        return tuple(index for index in range(self.samples) if index not in rejected)

    def failures(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names that match a finding, in their order.

        Args:
            names: Issues, `any` for all findings, and `reject` for findings that reject a sample.
        """
        present = {finding.issue for finding in self.findings}
        present |= {finding.issue for finding in self.set_findings}
        if present:
            present.add("any")
        if self.rejected:
            present.add("reject")
        return tuple(name for name in names if name in present)

    def to_json(self) -> dict[str, Any]:
        """Return the content of `audit.json`, which `docs/audit.md` describes."""
        return {
            "schema": SCHEMA,
            "kind": "audit",
            "pairs": self.samples,
            "fingerprint": self.fingerprint,
            "issues": list(self.issues),
            "rejected": [finding.to_json() for finding in self.rejected],
            "flagged": [finding.to_json() for finding in self.flagged],
            "further": [finding.to_json() for finding in self.further],
            "set_findings": [
                asdict(finding) | {"score": round(finding.score, 4)}
                for finding in self.set_findings
            ],
            "summary": self.summary,
        }


def write_audit(audit: "Audit | Exclusions", out: Path) -> Path:
    """Write `audit.json` to the folder `out`, which is created if needed, and return its path.

    Raises:
        AreosegError: The file cannot be written.
    """
    path = out / "audit.json"
    text = json.dumps(audit.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n")
    return path
