"""Reading back what was found, or what a person decided about it.

The page of an audit saves `decisions.json`. It has the schema of `audit.json`, with what the person
rejected under `rejected` and what they kept under `flagged`, so that both files are read alike.
"""

from pathlib import Path
from typing import Any

from areoseg.audit.findings import Action
from areoseg.audit.findings import Audit
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.utils.files import read_json


def read_decisions(path: str | Path) -> Audit:
    """The decisions in a `decisions.json` or an `audit.json`.

    Args:
        path: The file.

    Returns:
        An audit that rejects what the file rejects, and nothing else.

    Raises:
        AreosegError: It cannot be read, or is no such file.
    """
    path = Path(path)
    values = read_json(path)
    try:
        found = [
            _finding(entry, "reject" if kind == "rejected" else "flag")
            for kind in ("rejected", "flagged", "further")
            for entry in values[kind]
        ]
        samples, known = int(values["pairs"]), str(values["fingerprint"])
    except (KeyError, TypeError, ValueError, IndexError):
        raise AreosegError(
            f"{path}: no decisions in it: give the decisions.json that the audit's page saves, or"
            " an audit.json"
        ) from None
    return Audit(
        samples=samples,
        issues=tuple(dict.fromkeys(finding.issue for finding in found)),
        findings=tuple(found),
        fingerprint=known,
        decisions=str(path),
    )


def check_decisions(decisions: Audit, samples: SegmentationDataset) -> None:
    """Refuse decisions that were made of other samples than these.

    Args:
        decisions: From `read_decisions`.
        samples: The labeled samples that they are to hold for.

    Raises:
        AreosegError: Number, names or pixels differ.
    """
    path = decisions.decisions
    if decisions.samples != len(samples):
        raise AreosegError(
            f"{path}: made of {decisions.samples} pairs, but these data have {len(samples)}: audit"
            " them with --tile and --scale as the recipe's data.tile and data.scale, and decide"
            " anew"
        )
    for finding in decisions.findings:
        if not 0 <= finding.index < len(samples) or samples.names[finding.index] != finding.name:
            raise AreosegError(
                f"{path}: pair {finding.index} of these data is not {finding.name!r}: audit them"
                " and decide anew"
            )
    if decisions.fingerprint != fingerprint(samples):
        raise AreosegError(
            f"{path}: made of other data: names, images, masks or the scale changed since; audit"
            " them and decide anew"
        )


def _finding(entry: dict[str, Any], action: Action) -> Finding:
    """A finding as `Audit.to_json` wrote it, under another action."""
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
