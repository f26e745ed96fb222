"""What an audit found: the shape that every check returns, and the schema of `audit.json`.

A `Finding` is one issue of one labeled sample. Its score is higher the worse the issue is; the
table in `checks.py` says in which unit and range. An issue of two samples, such as a copy, is a
finding of the later one, and `other` is the earlier one. An issue that has a place in the image has
a `region`. What is wrong with the set as a whole, and with no sample of it, is a `SetFinding`.
"""

import json
from dataclasses import dataclass
from dataclasses import field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import Literal

from areoseg.utils.files import write_text

if TYPE_CHECKING:
    from areoseg.audit.exclusions import Exclusions

SCHEMA = 1
"""Version of `audit.json`; it grows when a field changes its meaning, not when one is added."""

Action = Literal["reject", "flag"]
"""`"reject"` leaves a sample out of the training; `"flag"` only asks a person to look at it."""

Region = tuple[int, int, int, int]
"""A box in an image, in pixels: top, left, bottom, right; bottom and right lie outside it."""

Part = Literal["labeled", "unlabeled"]
"""The part of a data set that a sample belongs to."""


@dataclass(frozen=True)
class OtherSample:
    """The second sample of an issue that two samples have.

    Attributes:
        index: Position of the sample in its part.
        name: Name of the sample.
        part: The part of the data set that it stands in.
    """

    index: int
    name: str
    part: Part = "labeled"


@dataclass(frozen=True)
class Finding:
    """One issue of one labeled sample.

    Attributes:
        index: Position of the sample in the audited set, from 0.
        name: Name of the sample.
        issue: Name of the check that found it, such as `"repeated-mask"`.
        score: How strong the evidence is. Higher is worse; `Check.score` has unit and range.
        reason: One line for a person.
        action: What follows from it.
        other: The sample that it shares the issue with, or None.
        region: The box that shows the issue, or None where the whole image does.
    """

    index: int
    name: str
    issue: str
    score: float
    reason: str
    action: Action
    other: OtherSample | None = None
    region: Region | None = None


@dataclass(frozen=True)
class SetFinding:
    """An issue of the set as a whole: always a flag.

    Attributes:
        issue: Name of the check that found it, such as `"drift"`.
        score: How strong the evidence is. Higher is worse.
        reason: One line for a person.
    """

    issue: str
    score: float
    reason: str


@dataclass(frozen=True)
class Audit:
    """All findings in one set.

    Attributes:
        samples: How many samples were audited.
        issues: The checks that ran.
        findings: What they found in samples, in the order of the checks, then of the samples.
        set_findings: What they found in the set as a whole.
        summary: The set at a glance, JSON values; empty where it was not asked for.
        fingerprint: Of the samples, by which training knows that it was given the same ones.
    """

    samples: int
    issues: tuple[str, ...]
    findings: tuple[Finding, ...]
    set_findings: tuple[SetFinding, ...] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None

    @cached_property
    def rejected(self) -> tuple[Finding, ...]:
        """One finding for each rejected sample, that of the first check that rejects it."""
        first: dict[int, Finding] = {}
        for finding in self.findings:
            if finding.action == "reject":
                first.setdefault(finding.index, finding)
        return tuple(first[index] for index in sorted(first))

    @cached_property
    def flagged(self) -> tuple[Finding, ...]:
        """The flags of the samples that are kept; a sample may have several."""
        rejected = {finding.index for finding in self.rejected}
        return tuple(finding for finding in self.findings if finding.index not in rejected)

    @cached_property
    def further(self) -> tuple[Finding, ...]:
        """What else was found in rejected samples."""
        told = {id(finding) for finding in (*self.rejected, *self.flagged)}
        return tuple(finding for finding in self.findings if id(finding) not in told)

    @cached_property
    def kept_indices(self) -> tuple[int, ...]:
        """Positions of the samples that are not rejected, ascending."""
        rejected = {finding.index for finding in self.rejected}
        return tuple(index for index in range(self.samples) if index not in rejected)

    def to_json(self) -> dict[str, Any]:
        """The content of `audit.json`; `docs/audit.md` describes it."""
        return {
            "schema": SCHEMA,
            "kind": "audit",
            "pairs": self.samples,
            "fingerprint": self.fingerprint,
            "issues": list(self.issues),
            "rejected": [_entry(finding) for finding in self.rejected],
            "flagged": [_entry(finding) for finding in self.flagged],
            "further": [_entry(finding) for finding in self.further],
            "set_findings": [
                {"issue": each.issue, "score": round(each.score, 4), "reason": each.reason}
                for each in self.set_findings
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


def _entry(finding: Finding) -> dict[str, Any]:
    """A finding as JSON; fields that an issue does not have are null."""
    other = finding.other
    return {
        "index": finding.index,
        "name": finding.name,
        "issue": finding.issue,
        "score": round(finding.score, 4),
        "reason": finding.reason,
        "action": finding.action,
        "other": None
        if other is None
        else {"index": other.index, "name": other.name, "part": other.part},
        "region": None if finding.region is None else list(finding.region),
    }
