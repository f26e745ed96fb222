"""What an audit found."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Action = Literal["reject", "flag"]
"""`"reject"` leaves a scene out of the training; `"flag"` only asks a person to look at it."""


@dataclass(frozen=True)
class Finding:
    """One fault of one scene.

    Attributes:
        index: Position of the scene in its set.
        name: Name of the scene.
        fault: Name of the check that found it, such as `"repeated-mask"`.
        score: How strong the evidence is; each check says in which unit. Higher is worse.
        reason: One line for a person.
        action: What follows from it.
    """

    index: int
    name: str
    fault: str
    score: float
    reason: str
    action: Action


@dataclass(frozen=True)
class Audit:
    """All findings in one set.

    Attributes:
        scenes: How many scenes were audited.
        faults: The checks that ran.
        findings: What they found, in the order of the checks, then of the scenes.
    """

    scenes: int
    faults: tuple[str, ...]
    findings: tuple[Finding, ...]

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
            "pairs": self.scenes,
            "faults": list(self.faults),
            "rejected": [_entry(finding) for finding in self.rejected],
            "flagged": [_entry(finding) for finding in self.flagged],
            "further": [_entry(finding) for finding in self.further],
        }


def _entry(finding: Finding) -> dict[str, Any]:
    """A finding as JSON; the list that it stands in tells its action."""
    return {
        "index": finding.index,
        "name": finding.name,
        "fault": finding.fault,
        "score": round(finding.score, 4),
        "reason": finding.reason,
    }
