"""Masks with regions that nobody draws on purpose."""

import numpy as np

from areoseg.audit.findings import Finding
from areoseg.audit.material import Material

FEWEST = 2
"""One island or one sliver happens to careful people too."""


def find_islands(material: Material) -> list[Finding]:
    """Flag masks with two islands of a few pixels or more; the score is how many."""
    return _findings(material, "islands", "islands of a few pixels")


def find_slivers(material: Material) -> list[Finding]:
    """Flag masks with two slivers or more, strips at most 2 pixels wide; the score is how many."""
    return _findings(material, "slivers", "strips at most 2 pixels wide")


def _findings(material: Material, fault: str, what: str) -> list[Finding]:
    """One finding for each mask with small regions of a kind."""
    counts, boxes = material.region_counts[fault], material.region_counts[f"{fault} box"]
    return [
        Finding(
            index=index,
            name=material.scenes.names[index],
            fault=fault,
            score=float(counts[index]),
            reason=f"{counts[index]} {what}",
            action="flag",
            region=tuple(boxes[index].tolist()),
        )
        for index in np.flatnonzero(counts >= FEWEST).tolist()
    ]
