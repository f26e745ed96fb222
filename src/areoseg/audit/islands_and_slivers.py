"""Masks with regions that nobody draws on purpose."""

import numpy as np

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding

FEWEST = 2
"""One island or one sliver happens to careful people too."""


def find_islands(context: AuditContext) -> list[Finding]:
    """Flag masks with two islands of a few pixels or more; the score is how many."""
    return _findings(context, "islands", "islands of a few pixels")


def find_slivers(context: AuditContext) -> list[Finding]:
    """Flag masks with two slivers or more, strips at most 2 pixels wide; the score is how many."""
    return _findings(context, "slivers", "strips at most 2 pixels wide")


def _findings(context: AuditContext, issue: str, what: str) -> list[Finding]:
    """One finding for each mask with small regions of a kind."""
    counts, boxes = context.region_counts[issue], context.region_counts[f"{issue} box"]
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue=issue,
            score=float(counts[index]),
            reason=f"{counts[index]} {what}",
            action="flag",
            region=tuple(boxes[index].tolist()),
        )
        for index in np.flatnonzero(counts >= FEWEST).tolist()
    ]
