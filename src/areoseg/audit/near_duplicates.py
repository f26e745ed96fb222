"""Images that show nearly the same as an earlier one, and copies whose masks disagree."""

from areoseg.audit.findings import Finding, OtherScene
from areoseg.audit.mask_disagreement import least_disagreement
from areoseg.audit.material import Material

DISAGREE_ABOVE = 0.2
"""Share of the pixels on which the masks of near duplicates may differ; outlines are drawn anew."""


def find_near_duplicates(material: Material) -> list[Finding]:
    """Flag images that nearly equal an earlier one; equal ones are left to `duplicate-image`.

    The score is the correlation of their detail, at most 1.
    """
    names = material.scenes.names
    return [
        Finding(
            index=second,
            name=names[second],
            fault="near-duplicate",
            score=correlation,
            reason=f"nearly the same image as {names[first]}, correlation {correlation:.2f}",
            action="flag",
            other=OtherScene(first, names[first]),
        )
        for second, (correlation, first) in _nearest(material).items()
        if second not in material.equal_to_earlier
    ]


def find_disagreeing_copies(material: Material) -> list[Finding]:
    """Flag copies, equal or nearly so, whose masks differ; one of the two must be wrong.

    Masks of near duplicates are laid on each other at the shift where they agree best. The score
    is the share of the pixels that differ.
    """
    scenes = material.scenes
    if scenes.masks is None:
        return []
    near = {second: first for second, (_, first) in _nearest(material).items()}
    equal = material.equal_to_earlier
    findings = []
    for second, first in sorted({**near, **equal}.items()):
        nearly = second not in equal
        share = least_disagreement(scenes.masks[first], scenes.masks[second], shifted=nearly)
        if share > (DISAGREE_ABOVE if nearly else 0):
            reason = (
                f"{'nearly ' if nearly else ''}the same image as {scenes.names[first]}, but the"
                f" masks disagree on {share:.1%} of the pixels"
            )
            findings.append(
                Finding(
                    index=second,
                    name=scenes.names[second],
                    fault="copies-disagree",
                    score=share,
                    reason=reason,
                    action="flag",
                    other=OtherScene(first, scenes.names[first]),
                )
            )
    return findings


def _nearest(material: Material) -> dict[int, tuple[float, int]]:
    """For each scene with an earlier near duplicate the correlation and that scene, ascending."""
    nearest: dict[int, tuple[float, int]] = {}
    for (first, second), correlation in zip(*material.near_duplicates, strict=True):
        if second < len(material.scenes):
            found = (float(correlation), int(first))
            nearest[int(second)] = max(nearest.get(int(second), found), found)
    return dict(sorted(nearest.items()))
