"""The table of checks, and the audit that runs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from areoseg.audit.constant_images import find_constant_images
from areoseg.audit.content_outliers import find_content_outliers
from areoseg.audit.duplicate_images import find_duplicate_images
from areoseg.audit.findings import Action, Audit, Finding
from areoseg.audit.near_duplicates import find_near_duplicates
from areoseg.audit.repeated_masks import find_repeated_masks
from areoseg.data.scenes import SceneSet
from areoseg.errors import AreosegError, did_you_mean


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a scene.

    Attributes:
        fault: Its name.
        find: Finds the scenes that have it, ascending by index.
        action: The strongest action that it takes.
        summary: One line on what it looks for.
    """

    fault: str
    find: Callable[[SceneSet], list[Finding]]
    action: Action
    summary: str


CHECKS: dict[str, Check] = {
    check.fault: check
    for check in (
        Check(
            "repeated-mask",
            find_repeated_masks,
            "reject",
            "one and the same mask, not of a single class, on different images",
        ),
        Check(
            "content-outlier",
            find_content_outliers,
            "reject",
            "an image whose brightness and texture are unlike the rest",
        ),
        Check("constant-image", find_constant_images, "flag", "an image of one grey level"),
        Check(
            "duplicate-image",
            find_duplicate_images,
            "flag",
            "the same image a second time, pixel for pixel",
        ),
        Check(
            "near-duplicate",
            find_near_duplicates,
            "flag",
            "an image a second time, shifted, rescaled, compressed or brightened a little",
        ),
    )
}
"""The checks by the name of their fault, in the order in which they run."""


def audit_scenes(scenes: SceneSet, *, faults: Sequence[str] | None = None) -> Audit:
    """Look for faults in a set of scenes.

    Args:
        scenes: Scenes with masks or without; checks of masks find nothing where there are none.
        faults: Names of the checks to run; all of `CHECKS` where None.

    Raises:
        AreosegError: There is no check of that name.
    """
    chosen = tuple(CHECKS) if faults is None else tuple(faults)
    for fault in chosen:
        if fault not in CHECKS:
            raise AreosegError(f"there is no audit check {fault!r}: {did_you_mean(fault, CHECKS)}")
    findings = [finding for fault in chosen for finding in CHECKS[fault].find(scenes)]
    return Audit(scenes=len(scenes), faults=chosen, findings=tuple(findings))
