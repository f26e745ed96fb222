"""Masks that do not fit their image, found without a segmenter.

Each class has a usual look in the set. A mask of another image gives its classes to ground that
looks otherwise; a mirrored one would fit better if it were mirrored back. A mask that is only
shifted by a few pixels is not found one by one; `edge_agreement` finds it where many are.
"""

import numpy as np

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding

FEWEST_SAMPLES = 50
"""With fewer samples there is no telling how a class looks."""

UNLIKELY_ABOVE = 4.0
"""Deviations from the median of the set above which a mask is flagged."""

MIRRORED_ABOVE = 0.3
"""Gain in mean log-probability above which a mask is taken to be mirrored."""


def find_unlikely_masks(context: AuditContext) -> list[Finding]:
    """Flag masks that are much less likely than most, by how their classes look elsewhere.

    The score is the mean log-probability that the mask loses to the likeliest classes, in
    stds from the median sample (median absolute std times 1.4826).
    """
    if len(context.samples) < FEWEST_SAMPLES:
        return []
    lost = context.mask_fits["best"] - context.mask_fits["own"]
    centered = lost - np.median(lost)
    scores = centered / max(1.4826 * float(np.median(np.abs(centered))), 0.05)
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="unlikely-mask",
            score=float(scores[index]),
            reason="its classes look otherwise in the rest of the set,"
            f" {scores[index]:.1f} stds from the median",
            action="flag",
        )
        for index in np.flatnonzero(scores > UNLIKELY_ABOVE).tolist()
    ]


def find_mirrored_masks(context: AuditContext) -> list[Finding]:
    """Flag masks that would fit the look of their image clearly better if they were mirrored.

    The score is what the mean log-probability of a point gains.
    """
    if len(context.samples) < FEWEST_SAMPLES:
        return []
    fits = context.mask_fits
    ways = ("left-right", "top-bottom")
    gains = np.stack([fits[way] - fits["own"] for way in ways])
    best = gains.argmax(axis=0)
    return [
        Finding(
            index=index,
            name=context.samples.names[index],
            issue="mirrored-mask",
            score=float(gains[best[index], index]),
            reason=f"the mask fits the image better when mirrored {ways[best[index]]}",
            action="flag",
        )
        for index in np.flatnonzero(gains.max(axis=0) > MIRRORED_ABOVE).tolist()
    ]
