"""Masks that occur identically on different images.

People who label two images never draw the same outline twice. A mask that repeats was copied, so it
is wrong on all images but perhaps one. The exception is a mask of a single class, which any plain
has.
"""

from collections.abc import Sequence

import numpy as np

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding
from areoseg.audit.identical import identical_groups
from areoseg.audit.thumbnails import detail
from areoseg.audit.thumbnails import thumbnail
from areoseg.utils.images import ImageArray
from areoseg.utils.images import Mask

TRIVIAL_SHARE = 0.99
"""A mask is trivial where one class has more than this share of its pixels."""

BORDER = 0.05
"""Share of each side that does not count at each border, where cameras leave strips unlabeled."""

SAME_PICTURE = 0.5
"""Least correlation of two copies of one picture in their detail; different ones are near 0."""


def find_repeated_masks(context: AuditContext) -> list[Finding]:
    """Reject all samples whose mask is not trivial and occurs on several different images.

    Copies of one picture, say compressed anew, share their mask by right and do not count as
    different. The score is the number of samples that share the mask.
    """
    samples, masks = context.samples, context.samples.masks
    if masks is None:
        return []
    findings = [
        Finding(
            index=index,
            name=samples.names[index],
            issue="repeated-mask",
            score=float(len(group)),
            reason=f"the same mask on {len(group)} different images, first on"
            f" {samples.names[group[0]]}",
            action="reject",
        )
        for group in identical_groups(masks)
        if not is_trivial(masks[group[0]]) and _differ([samples.images[index] for index in group])
        for index in group
    ]
    return sorted(findings, key=lambda finding: finding.index)


def is_trivial(mask: Mask) -> bool:
    """Whether a single value, which may be void, fills over 99 % of a mask (H, W) or its inside.

    The inside leaves out 5 % at each border.
    """
    down, right = (int(BORDER * side) for side in mask.shape)
    inside = mask[down : mask.shape[0] - down, right : mask.shape[1] - right]
    return _largest_share(mask) > TRIVIAL_SHARE or _largest_share(inside) > TRIVIAL_SHARE


def _largest_share(mask: Mask) -> float:
    """The share of the most frequent value."""
    return float(np.bincount(mask.ravel()).max() / mask.size)


def _differ(images: Sequence[ImageArray]) -> bool:
    """Whether these images show more than one picture."""
    details = detail(np.stack([thumbnail(image, 32) for image in images])).reshape(len(images), -1)
    lengths = np.linalg.norm(details, axis=1)
    correlations = details @ details[0] / np.maximum(lengths * lengths[0], 1e-6)
    same = (correlations > SAME_PICTURE) | ((lengths < 1e-3) & (lengths[0] < 1e-3))
    return not same.all()
