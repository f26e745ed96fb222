"""The page of an audit: galleries of the findings, for deciding which samples to reject."""

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from areoseg import __version__
from areoseg.audit.checks.table import CHECKS, Check
from areoseg.audit.findings import Audit
from areoseg.audit.pictures import pictures_of_findings
from areoseg.audit.summary import iou_margin
from areoseg.data.load import Source
from areoseg.data.samples import SegmentationDataset
from areoseg.report.formats import page_environment
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.files import write_text
from areoseg.utils.images import VOID_COLOR

NEEDS = {
    "masks": "masks",
    "groups": "groups (--groups)",
    "unlabeled": "unlabeled images",
    "split": "a split (--split-file)",
    "probabilities": "a model (--cross-validate or --model)",
}
"""Descriptions of the data that a skipped check needs."""


def write_audit_page(
    audit: Audit,
    samples: SegmentationDataset,
    path: Path,
    *,
    source: Source | None = None,
    unlabeled: SegmentationDataset | None = None,
    taxonomy: Taxonomy = MARS,
) -> Path:
    """Write the page of an audit as one self-contained HTML file, and return its path.

    Args:
        audit: The findings.
        samples: The audited samples, in the same order.
        path: The file to write.
        source: Where the data came from, or None if it is not known.
        unlabeled: The images without masks that were audited with them, or None.
        taxonomy: Names and colors of the classes.

    Raises:
        AreosegError: The page cannot be written.
    """
    page = page_environment("areoseg.audit").get_template("audit.html.j2")
    source = source or Source(path="DATA")
    write_text(path, page.render(_content(audit, samples, source, unlabeled, taxonomy)))
    return path


def train_command(source: Source) -> str:
    """Return the command that trains on these data with the saved decisions."""
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
    """Return the values that the template uses."""
    values = audit.to_json()
    # The finding that rejects a sample comes before its other findings.
    findings = [*values["rejected"], *values["flagged"], *values["further"]]
    counts = Counter(entry["issue"] for entry in (*findings, *values["set_findings"]))
    flagged = len({finding.index for finding in audit.flagged})
    ran = [CHECKS[issue] for issue in audit.issues if issue in CHECKS]
    skipped = [c for c in CHECKS.values() if c.issue not in audit.issues and c.needs]
    flagged_issues = {finding.issue for finding in audit.findings}
    return {
        "name": ", ".join(Path(each.path).name for each in source.each),
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
        "set_findings": values["set_findings"],
        "summary": audit.summary,
        **_rarest(audit.summary),
        "checks": ran,
        "counts": counts,
        "skipped": [(check, _needs(check)) for check in skipped],
        "galleries": [issue for issue in audit.issues if issue in flagged_issues],
        "descriptions": CHECKS,
        "classes": taxonomy.names,
        "colors": _colors(taxonomy),
        "content": {
            "file": {key: values[key] for key in ("schema", "pairs", "fingerprint", "issues")},
            "findings": findings,
            "classes": _classes(audit, samples, taxonomy),
            "pictures": pictures_of_findings(audit.findings, samples, unlabeled, taxonomy),
        },
    }


def _rarest(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the class with the least certain IoU, and its margin on a tenth of the set."""
    present = [entry for entry in summary.get("classes", ()) if entry["images"]]
    rarest = max(present, key=lambda entry: entry["iou_margin"], default=None)
    margin = None if rarest is None else iou_margin(rarest["effective_images"] / 10)
    return {"rarest": rarest, "tenth_margin": margin}


def _needs(check: Check) -> str:
    """Describe the data that a skipped check needs; masks unless it needs other data."""
    needs = [NEEDS[need] for need in check.needs if need != "masks"]
    return " and ".join(needs or [NEEDS["masks"]])


def _classes(
    audit: Audit, samples: SegmentationDataset, taxonomy: Taxonomy
) -> dict[int, list[int]]:
    """Return the classes in the mask of each sample with a finding, by index of the sample."""
    indices = sorted({finding.index for finding in audit.findings})
    if samples.masks is None:
        return {index: [] for index in indices}
    masks = samples.masks
    return {i: [int(c) for c in np.unique(masks[i]) if c < len(taxonomy)] for i in indices}


def _colors(taxonomy: Taxonomy) -> dict[str, str]:
    """Return the colors of masks by name of the class, as CSS."""
    colors = dict(zip(taxonomy.names, taxonomy.colors, strict=True)) | {"void": VOID_COLOR}
    return {name: "rgb({} {} {})".format(*color) for name, color in colors.items()}
