"""The samples that are excluded from training, as decided by the audit or by a person."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from areoseg.audit.audit import audit_samples
from areoseg.audit.checks.table import CHECKS
from areoseg.audit.findings import Action, Audit, Finding, OtherSample
from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.utils.files import read_json


@dataclass(frozen=True)
class Exclusions:
    """The labeled samples that are excluded from training, and the origin of the decision.

    Attributes:
        audit: The findings with their final actions: `reject` excludes a sample.
        kind: `audit` if the checks decided, `decisions` if a person reviewed their findings.
        path: The file that the exclusions were read from, or None.
    """

    audit: Audit
    kind: Literal["audit", "decisions"] = "audit"
    path: str | None = None

    @property
    def indices(self) -> tuple[int, ...]:
        """Positions of the excluded samples, ascending."""
        return tuple(finding.index for finding in self.audit.rejected)

    @property
    def kept_indices(self) -> tuple[int, ...]:
        """Positions of the samples that are not excluded, ascending."""
        return self.audit.kept_indices

    def to_json(self) -> dict[str, Any]:
        """Return the content of an `audit.json` or a `decisions.json`."""
        return self.audit.to_json() | {"kind": self.kind}

    def check(self, samples: SegmentationDataset) -> None:
        """Check that the exclusions were made for these labeled samples.

        Raises:
            AreosegError: Number, names or pixels differ.
        """
        if self.audit.samples != len(samples):
            raise AreosegError(
                f"{self.path}: made for {self.audit.samples} samples, but the data have"
                f" {len(samples)}: audit the data with --tile and --scale equal to data.tile and"
                " data.scale of the recipe, and save new decisions"
            )
        for finding in self.audit.findings:
            index, name = finding.index, finding.name
            if not 0 <= index < len(samples) or samples.names[index] != name:
                raise AreosegError(
                    f"{self.path}: sample {index} of the data is not {name!r}: audit the data again"
                    " and save new decisions"
                )
        if self.audit.fingerprint != fingerprint(samples):
            raise AreosegError(
                f"{self.path}: made for other data: names, images, masks or the scale have changed;"
                " audit the data again and save new decisions"
            )


def find_exclusions(samples: SegmentationDataset) -> Exclusions:
    """Run only the checks that reject samples, as training does if no decisions are given."""
    rejecting = [check.issue for check in CHECKS.values() if check.action == "reject"]
    return Exclusions(audit_samples(samples, issues=rejecting))


def read_exclusions(path: str | Path) -> Exclusions:
    """Read a `decisions.json` saved by the page of an audit, or an `audit.json`.

    Samples under `rejected` are excluded, whatever the `action` of the entry.

    Raises:
        AreosegError: The file cannot be read, or is neither of these.
    """
    values = read_json(Path(path))
    try:
        findings = [
            _finding(entry, "reject" if key == "rejected" else "flag")
            for key in ("rejected", "flagged", "further")
            for entry in values[key]
        ]
        audit = Audit(
            samples=int(values["pairs"]),
            issues=tuple(dict.fromkeys(finding.issue for finding in findings)),
            findings=tuple(findings),
            fingerprint=str(values["fingerprint"]),
        )
        # Files of version 0.1 have no `kind`, and only those of an audit have a summary.
        kind = values.get("kind", "audit" if "summary" in values else "decisions")
    except (KeyError, TypeError, ValueError, IndexError):
        raise AreosegError(
            f"{path}: contains no decisions: give the decisions.json that the page of the audit"
            " saves, or an audit.json"
        ) from None
    return Exclusions(audit, kind, str(path))


def _finding(entry: dict[str, Any], action: Action) -> Finding:
    """Return a finding from its JSON, with another action."""
    other, region = entry["other"], entry["region"]
    return Finding(
        index=int(entry["index"]),
        name=str(entry["name"]),
        issue=str(entry["issue"]),
        score=float(entry["score"]),
        reason=str(entry["reason"]),
        action=action,
        other=None if other is None else OtherSample(**other),
        region=None if region is None else (region[0], region[1], region[2], region[3]),
    )
