"""Images that show nearly the same as an earlier one, and copies whose masks disagree."""

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.mask_disagreement import least_disagreement

DISAGREE_ABOVE = 0.2
"""Share of the pixels on which the masks of near duplicates may differ; outlines are drawn anew."""


def find_near_duplicates(context: AuditContext) -> list[Finding]:
    """Flag images that nearly equal an earlier one; equal ones are left to `duplicate-image`.

    The score is the correlation of their detail, at most 1.
    """
    names = context.samples.names
    return [
        Finding(
            index=second,
            name=names[second],
            issue="near-duplicate",
            score=correlation,
            reason=f"nearly the same image as {names[first]}, correlation {correlation:.2f}",
            action="flag",
            other=OtherSample(first, names[first]),
        )
        for second, (correlation, first) in _nearest(context).items()
        if second not in context.equal_to_earlier
    ]


def find_disagreeing_copies(context: AuditContext) -> list[Finding]:
    """Flag copies, equal or nearly so, whose masks differ; one of the two must be wrong.

    Masks of near duplicates are laid on each other at the shift where they agree best. The score
    is the share of the pixels that differ.
    """
    samples = context.samples
    if samples.masks is None:
        return []
    near = {second: first for second, (_, first) in _nearest(context).items()}
    equal = context.equal_to_earlier
    findings = []
    for second, first in sorted({**near, **equal}.items()):
        nearly = second not in equal
        share = least_disagreement(samples.masks[first], samples.masks[second], shifted=nearly)
        if share > (DISAGREE_ABOVE if nearly else 0):
            reason = (
                f"{'nearly ' if nearly else ''}the same image as {samples.names[first]}, but the"
                f" masks disagree on {share:.1%} of the pixels"
            )
            findings.append(
                Finding(
                    index=second,
                    name=samples.names[second],
                    issue="copies-disagree",
                    score=share,
                    reason=reason,
                    action="flag",
                    other=OtherSample(first, samples.names[first]),
                )
            )
    return findings


def _nearest(context: AuditContext) -> dict[int, tuple[float, int]]:
    """For each sample with an earlier near duplicate the correlation and that sample, ascending."""
    nearest: dict[int, tuple[float, int]] = {}
    for (first, second), correlation in zip(*context.near_duplicates, strict=True):
        if second < len(context.samples):
            found = (float(correlation), int(first))
            nearest[int(second)] = max(nearest.get(int(second), found), found)
    return dict(sorted(nearest.items()))
