"""Images that occur more than once, pixel for pixel."""

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.findings import OtherSample
from areoseg.audit.identical import identical_groups
from areoseg.data.samples import SegmentationDataset


def find_duplicate_images(context: AuditContext) -> list[Finding]:
    """Flag every image that equals an earlier one; the first of each group stays unflagged.

    The score is the size of the group. Where the masks of the two disagree, the reason says so:
    one of them must be wrong.
    """
    samples = context.samples
    findings = [
        Finding(
            index=index,
            name=samples.names[index],
            issue="duplicate-image",
            score=float(len(group)),
            reason=f"the same image as {samples.names[group[0]]}"
            + _disagreement(samples, group[0], index),
            action="flag",
            other=OtherSample(group[0], samples.names[group[0]]),
        )
        for group in identical_groups(samples.images)
        for index in group[1:]
    ]
    return sorted(findings, key=lambda finding: finding.index)


def _disagreement(samples: SegmentationDataset, first: int, second: int) -> str:
    """How much the masks of two equal images differ, as the end of a sentence."""
    if samples.masks is None:
        return ""
    differing = float((samples.masks[first] != samples.masks[second]).mean())
    return f", but the masks disagree on {differing:.1%} of the pixels" if differing else ""
