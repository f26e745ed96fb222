"""What an audit found: the shape that every check returns, and the schema of `audit.json`.

A `Finding` is one fault of one labelled scene. Its score is higher the worse the fault is; the
table in `checks.py` says in which unit and range. A fault of two scenes, such as a copy, is a
finding of the later one, and `other` is the earlier one. A fault that has a place in the image has
a `region`. What is wrong with the set as a whole, and with no scene of it, is a `SetFinding`.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

SCHEMA = 1
"""Version of `audit.json`; it grows when a field changes its meaning, not when one is added."""

Action = Literal["reject", "flag"]
"""`"reject"` leaves a scene out of the training; `"flag"` only asks a person to look at it."""

Region = tuple[int, int, int, int]
"""A box in an image, in pixels: top, left, bottom, right; bottom and right lie outside it."""

Part = Literal["labelled", "unlabelled"]
"""The part of a data set that a scene belongs to."""


@dataclass(frozen=True)
class OtherScene:
    """The second scene of a fault that two scenes have.

    Attributes:
        index: Position of the scene in its part.
        name: Name of the scene.
        part: The part of the data set that it stands in.
    """

    index: int
    name: str
    part: Part = "labelled"


@dataclass(frozen=True)
class Finding:
    """One fault of one labelled scene.

    Attributes:
        index: Position of the scene in the audited set, from 0.
        name: Name of the scene.
        fault: Name of the check that found it, such as `"repeated-mask"`.
        score: How strong the evidence is. Higher is worse; `Check.score` has unit and range.
        reason: One line for a person.
        action: What follows from it.
        other: The scene that it shares the fault with, or None.
        region: The box that shows the fault, or None where the whole image does.
    """

    index: int
    name: str
    fault: str
    score: float
    reason: str
    action: Action
    other: OtherScene | None = None
    region: Region | None = None


@dataclass(frozen=True)
class SetFinding:
    """A fault of the set as a whole: always a flag.

    Attributes:
        fault: Name of the check that found it, such as `"drift"`.
        score: How strong the evidence is. Higher is worse.
        reason: One line for a person.
    """

    fault: str
    score: float
    reason: str


@dataclass(frozen=True)
class Audit:
    """All findings in one set.

    Attributes:
        scenes: How many scenes were audited.
        faults: The checks that ran.
        findings: What they found in scenes, in the order of the checks, then of the scenes.
        set_findings: What they found in the set as a whole.
        summary: The set at a glance, JSON values; empty where it was not asked for.
        fingerprint: Of the scenes, by which training knows that it was given the same ones.
        decisions: The file with a person's decisions that this was read from, or None.
    """

    scenes: int
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]
    set_findings: tuple[SetFinding, ...] = ()
    summary: dict[str, Any] = field(default_factory=dict)
    fingerprint: str | None = None
    decisions: str | None = None

    @cached_property
    def rejected(self) -> tuple[Finding, ...]:
        """One finding for each rejected scene, that of the first check that rejects it."""
        first: dict[int, Finding] = {}
        for finding in self.findings:
            if finding.action == "reject":
                first.setdefault(finding.index, finding)
        return tuple(first[index] for index in sorted(first))

    @cached_property
    def flagged(self) -> tuple[Finding, ...]:
        """The flags of the scenes that are kept; a scene may have several."""
        rejected = {finding.index for finding in self.rejected}
        return tuple(finding for finding in self.findings if finding.index not in rejected)

    @cached_property
    def further(self) -> tuple[Finding, ...]:
        """What else was found in rejected scenes."""
        told = {id(finding) for finding in (*self.rejected, *self.flagged)}
        return tuple(finding for finding in self.findings if id(finding) not in told)

    @cached_property
    def kept_indices(self) -> tuple[int, ...]:
        """Positions of the scenes that are not rejected, ascending."""
        rejected = {finding.index for finding in self.rejected}
        return tuple(index for index in range(self.scenes) if index not in rejected)

    def to_json(self) -> dict[str, Any]:
        """The content of `audit.json`; `docs/audit.md` describes it."""
        return {
            "schema": SCHEMA,
            "pairs": self.scenes,
            "fingerprint": self.fingerprint,
            "faults": list(self.faults),
            "rejected": [_entry(finding) for finding in self.rejected],
            "flagged": [_entry(finding) for finding in self.flagged],
            "further": [_entry(finding) for finding in self.further],
            "set_findings": [
                {"fault": each.fault, "score": round(each.score, 4), "reason": each.reason}
                for each in self.set_findings
            ],
            "summary": self.summary,
        }


def _entry(finding: Finding) -> dict[str, Any]:
    """A finding as JSON; fields that a fault does not have are null."""
    other = finding.other
    return {
        "index": finding.index,
        "name": finding.name,
        "fault": finding.fault,
        "score": round(finding.score, 4),
        "reason": finding.reason,
        "action": finding.action,
        "other": None
        if other is None
        else {"index": other.index, "name": other.name, "part": other.part},
        "region": None if finding.region is None else list(finding.region),
    }
