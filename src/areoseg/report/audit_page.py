"""The page of an audit: galleries of what was found, in which a person decides what to reject."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from areoseg import __version__
from areoseg.audit import CHECKS
from areoseg.audit import Audit
from areoseg.audit.summary import iou_margin
from areoseg.data.load import Source
from areoseg.data.samples import SegmentationDataset
from areoseg.report.audit_pictures import all_thumbnails
from areoseg.report.environment import page_environment
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import write_text
from areoseg.utils.images import VOID_COLOR

NEEDS = {
    "masks": "masks",
    "groups": "groups (--groups)",
    "unlabeled": "unlabeled images",
    "split": "a split (--split)",
    "probabilities": "a segmenter (--fit or --run)",
}
"""What a check that was left out would have needed, in words."""


def write_audit_page(
    audit: Audit,
    samples: SegmentationDataset,
    path: Path,
    *,
    source: Source | None = None,
    unlabeled: SegmentationDataset | None = None,
    taxonomy: Taxonomy = MARS,
) -> Path:
    """Write the page of an audit: one file that needs nothing else.

    Args:
        audit: What was found in `samples`.
        samples: The samples that were audited, in the same order.
        path: The file to write.
        source: Where the data came from, to be named; None: it is not known.
        unlabeled: The images without masks that were audited with them.
        taxonomy: Names and colors of the classes.

    Returns:
        The file.

    Raises:
        AreosegError: The page cannot be written.
    """
    page = page_environment().get_template("audit.html.j2")
    source = source or Source(path="DATA")
    write_text(path, page.render(_content(audit, samples, source, unlabeled, taxonomy)))
    return path


def train_command(source: Source) -> str:
    """The command that trains on these data with a person's decisions."""
    words = []
    if source.tile is not None:
        words.append(f"data.tile=[{source.tile[0]},{source.tile[1]}]")
    if source.scale != 1:
        words.append(f"data.scale={source.scale:g}")
    words += source.arguments
    given = shlex.join(words)
    return f"areoseg train flagship {given} \\\n  --decisions decisions.json --out runs/first"


def _content(
    audit: Audit,
    samples: SegmentationDataset,
    source: Source,
    unlabeled: SegmentationDataset | None,
    taxonomy: Taxonomy,
) -> dict[str, Any]:
    """Everything that the template names."""
    told = audit.to_json()
    found = Counter(entry["issue"] for entry in (*_entries(told), *told["set_findings"]))
    checks = [
        {
            "name": issue,
            "action": CHECKS[issue].action if issue in CHECKS else "",
            "summary": CHECKS[issue].summary if issue in CHECKS else "",
            "score": CHECKS[issue].score if issue in CHECKS else "",
            "count": found[issue],
        }
        for issue in audit.issues
    ]
    shown = {finding.issue for finding in audit.findings}
    flagged = len({finding.index for finding in audit.flagged})
    return {
        "name": Path(source.path).name,
        "command": train_command(source) if taxonomy == MARS else None,
        "version": __version__,
        "fingerprint": audit.fingerprint,
        "what": "images" if samples.masks is None else "pairs of image and mask",
        "outcome": {
            "samples": audit.samples,
            "rejected": len(audit.rejected),
            "flagged": flagged,
            "clean": audit.samples - len(audit.rejected) - flagged,
        },
        "set_findings": told["set_findings"],
        "summary": audit.summary,
        **_rarest(audit.summary),
        "checks": checks,
        "left_out": _left_out(audit),
        "issues": [check for check in checks if check["name"] in shown],
        "classes": taxonomy.names,
        "colors": _colors(taxonomy),
        "content": {
            "file": {key: told[key] for key in ("schema", "pairs", "fingerprint", "issues")},
            "findings": _entries(told),
            "classes": _classes(audit, samples, taxonomy),
            "pictures": all_thumbnails(audit.findings, samples, unlabeled, taxonomy),
        },
    }


def _rarest(summary: dict[str, Any]) -> dict[str, Any]:
    """The class whose IoU is known least well, and its margin where a tenth is scored."""
    found = [entry for entry in summary.get("classes", ()) if entry["images"]]
    rarest = max(found, key=lambda entry: entry["iou_margin"], default=None)
    margin = None if rarest is None else iou_margin(rarest["effective_images"] / 10)
    return {"rarest": rarest, "tenth_margin": margin}


def _left_out(audit: Audit) -> list[dict[str, str]]:
    """The checks that did not run for want of something, and of what."""
    return [
        {
            "name": check.issue,
            "action": check.action,
            "summary": check.summary,
            "needs": " and ".join(NEEDS[need] for need in check.needs if need != "masks")
            or NEEDS["masks"],
        }
        for check in CHECKS.values()
        if check.issue not in audit.issues and check.needs
    ]


def _entries(told: dict[str, Any]) -> list[dict[str, Any]]:
    """All findings of `audit.json`, what rejects a sample before what else was found in it."""
    return [*told["rejected"], *told["flagged"], *told["further"]]


def _classes(
    audit: Audit, samples: SegmentationDataset, taxonomy: Taxonomy
) -> dict[int, list[int]]:
    """The classes in the mask of each sample that has a finding, by the sample's index."""
    return {
        index: []
        if samples.masks is None
        else [int(c) for c in np.unique(samples.masks[index]) if c < len(taxonomy)]
        for index in sorted({finding.index for finding in audit.findings})
    }


def _colors(taxonomy: Taxonomy) -> dict[str, str]:
    """The colors of masks by the names of their classes, as CSS."""
    colors = dict(zip(taxonomy.names, taxonomy.colors, strict=True)) | {"void": VOID_COLOR}
    return {name: "rgb({} {} {})".format(*color) for name, color in colors.items()}
