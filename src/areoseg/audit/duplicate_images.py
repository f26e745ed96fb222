"""Images that occur more than once, pixel for pixel."""

from areoseg.audit.findings import Finding, OtherScene
from areoseg.audit.identical import identical_groups
from areoseg.audit.material import Material
from areoseg.data.scenes import SceneSet


def find_duplicate_images(material: Material) -> list[Finding]:
    """Flag every image that equals an earlier one; the first of each group stays unflagged.

    The score is the size of the group. Where the masks of the two disagree, the reason says so:
    one of them must be wrong.
    """
    scenes = material.scenes
    findings = [
        Finding(
            index=index,
            name=scenes.names[index],
            fault="duplicate-image",
            score=float(len(group)),
            reason=f"the same image as {scenes.names[group[0]]}"
            + _disagreement(scenes, group[0], index),
            action="flag",
            other=OtherScene(group[0], scenes.names[group[0]]),
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
