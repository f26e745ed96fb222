"""Images that occur more than once, pixel for pixel."""

from areoseg.audit.findings import Finding
from areoseg.audit.identical import identical_groups
from areoseg.data.scenes import SceneSet


def find_duplicate_images(scenes: SceneSet) -> list[Finding]:
    """Flag every image that equals an earlier one; the first of each group stays unflagged.

    The score is the size of the group. Where the masks of the two disagree, the reason says so:
    one of them must be wrong.
    """
    findings = [
        Finding(
            index=index,
            name=scenes.names[index],
            fault="duplicate-image",
            score=float(len(group)),
            reason=f"the same image as {scenes.names[group[0]]}"
            + _disagreement(scenes, group[0], index),
            action="flag",
        )
        for group in identical_groups(scenes.images)
        for index in group[1:]
    ]
    return sorted(findings, key=lambda finding: finding.index)


def _disagreement(scenes: SceneSet, first: int, second: int) -> str:
    """How much the masks of two equal images differ, as the end of a sentence."""
    if scenes.masks is None:
        return ""
    differing = float((scenes.masks[first] != scenes.masks[second]).mean())
    return f", but the masks disagree on {differing:.1%} of the pixels" if differing else ""
