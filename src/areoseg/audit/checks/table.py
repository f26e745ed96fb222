"""The table of checks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from areoseg.audit.checks.appearance import find_mirrored_masks, find_unlikely_masks
from areoseg.audit.checks.content_outliers import find_content_outliers
from areoseg.audit.checks.disputed_masks import (
    MOVED_ABOVE,
    SWAPPED_ABOVE,
    find_moved_masks,
    find_swapped_masks,
    find_wrong_regions,
)
from areoseg.audit.checks.duplicates import (
    find_disagreeing_copies,
    find_duplicate_images,
    find_near_duplicates,
)
from areoseg.audit.checks.edge_agreement import find_misplaced_masks
from areoseg.audit.checks.images import (
    find_constant_images,
    find_lost_bits,
    find_odd_sizes,
    find_saturated_images,
)
from areoseg.audit.checks.leaks import (
    find_copies_across_split,
    find_copies_in_unlabeled,
    find_groups_across_split,
    find_missing_classes,
    find_samples_across_split,
)
from areoseg.audit.checks.masks import find_few_labels, find_repeated_masks, find_tiny_regions
from areoseg.audit.context import AuditContext, Need
from areoseg.audit.findings import Action, Finding, SetFinding
from areoseg.audit.summary import find_drift
from areoseg.errors import AreosegError, did_you_mean


@dataclass(frozen=True)
class Check:
    """One kind of issue that a sample or the whole set can have.

    Attributes:
        issue: Name of the issue.
        find: Yields findings of samples, or of the whole set.
        action: The strongest action of its findings.
        summary: What the check looks for, in one line.
        score: Meaning and range of the score; higher is worse.
        needs: Data without which the check is skipped.
    """

    issue: str
    find: Callable[[AuditContext], Iterable[Finding | SetFinding]]
    action: Action
    summary: str
    score: str
    needs: tuple[Need, ...] = ()


CHECKS: dict[str, Check] = {
    check.issue: check
    for check in (
        Check(
            "repeated-mask",
            find_repeated_masks,
            "reject",
            "the same mask, of more than one class, on different images",
            "number of samples that share the mask, from 2",
            ("masks",),
        ),
        Check(
            "content-outlier",
            find_content_outliers,
            "reject",
            "an image whose brightness, texture or outlines are unlike the rest, such as a drawing",
            "distance from the bulk of the images, where 1 is the median image: rejected above 5.5,"
            " flagged above 3, or above 2 if a model does not explain the mask",
        ),
        Check(
            "unlikely-mask",
            find_unlikely_masks,
            "flag",
            "a mask whose classes look different in the rest of the set, as if it belonged to"
            " another image",
            "robust standard deviations from the median sample, from 4",
            ("masks",),
        ),
        Check(
            "mirrored-mask",
            find_mirrored_masks,
            "flag",
            "a mask that would fit its image better if it were mirrored",
            "gain in mean log-probability, 0.3 to 5",
            ("masks",),
        ),
        Check(
            "swapped-mask",
            find_swapped_masks,
            "flag",
            "a mask that, according to a model, fits its own image hardly better than others",
            "likelihood per pixel on the average image divided by that on its own image,"
            f" from {SWAPPED_ABOVE}",
            ("masks", "probabilities"),
        ),
        Check(
            "moved-mask",
            find_moved_masks,
            "flag",
            "a mask that fits the predictions of a model better when mirrored, turned or shifted",
            f"gain in mean log-probability, from {min(MOVED_ABOVE.values())}",
            ("masks", "probabilities"),
        ),
        Check(
            "wrong-region",
            find_wrong_regions,
            "flag",
            "a region that a model confidently assigns to another class",
            "pixels times the difference of the two probabilities, from 0",
            ("masks", "probabilities"),
        ),
        Check(
            "misplaced-masks",
            find_misplaced_masks,
            "flag",
            "masks that, over the whole set, fit the edges of the images only when moved or"
            " mirrored",
            "mean gain of moving them, in standard errors, from 4.5",
            ("masks",),
        ),
        Check(
            "few-labels",
            find_few_labels,
            "flag",
            "a mask in which less than 2 % of the pixels are labeled",
            "share of background and void, 0.98 to 1",
            ("masks",),
        ),
        Check(
            "islands",
            partial(find_tiny_regions, issue="islands"),
            "flag",
            "a mask with two or more islands of a few pixels",
            "number of islands, from 2",
            ("masks",),
        ),
        Check(
            "slivers",
            partial(find_tiny_regions, issue="slivers"),
            "flag",
            "a mask with two or more strips that are at most 2 pixels wide",
            "number of slivers, from 2",
            ("masks",),
        ),
        Check(
            "constant-image",
            find_constant_images,
            "flag",
            "an image with a single gray level",
            "always 1",
        ),
        Check(
            "saturated-image",
            find_saturated_images,
            "flag",
            "an image with more than a quarter of its pixels black or white",
            "share of black and white pixels, 0.25 to 1",
        ),
        Check(
            "lost-bits",
            find_lost_bits,
            "flag",
            "an image with at most 16 gray levels far apart, or with none above level 15 of 255",
            "number of unused bits of 8, 4 to 8",
        ),
        Check(
            "odd-size",
            find_odd_sizes,
            "flag",
            "an image whose size differs from that of at least 90 % of the images",
            "how many times larger or smaller its area is, from 1",
        ),
        Check(
            "duplicate-image",
            find_duplicate_images,
            "flag",
            "an image that equals an earlier one, pixel for pixel",
            "number of images in the group, from 2",
        ),
        Check(
            "near-duplicate",
            find_near_duplicates,
            "flag",
            "an earlier image slightly shifted, rescaled, compressed or changed in brightness",
            "correlation of detail, 0.7 to 1",
        ),
        Check(
            "copies-disagree",
            find_disagreeing_copies,
            "flag",
            "an exact or near copy of an earlier image, with a different mask",
            "share of the pixels that differ, 0 to 1",
            ("masks",),
        ),
        Check(
            "sample-across-split",
            find_samples_across_split,
            "flag",
            "a sample that is in more than one split",
            "number of splits that contain it, from 2",
            ("split",),
        ),
        Check(
            "copy-across-split",
            find_copies_across_split,
            "flag",
            "an image with a near duplicate in another split",
            "correlation of detail, 0.7 to 1",
            ("split",),
        ),
        Check(
            "group-across-split",
            find_groups_across_split,
            "flag",
            "a sample whose group, for example a rover stop, has samples in an earlier split",
            "share of the group from which it was separated, 0 to 1",
            ("split", "groups"),
        ),
        Check(
            "copy-in-unlabeled",
            find_copies_in_unlabeled,
            "flag",
            "an image with a near duplicate among the unlabeled images, such as a test set",
            "correlation of detail, 0.7 to 1",
            ("unlabeled",),
        ),
        Check(
            "split-lacks-class",
            find_missing_classes,
            "flag",
            "a split that lacks a class of the set",
            "number of images with the class, from 1",
            ("masks", "split"),
        ),
        Check(
            "drift",
            find_drift,
            "flag",
            "unlabeled images that differ from the labeled ones in brightness, contrast or"
            " roughness",
            "distance of the two distributions, 0.1 to 1",
            ("unlabeled",),
        ),
    )
}
"""The checks by the name of their issue, in the order in which they run."""


def parse_fail_on(text: str) -> tuple[str, ...]:
    """Return the names in a list such as `repeated-mask,reject`, for `Audit.failures`.

    Raises:
        AreosegError: A name is not an issue, `any` or `reject`.
    """
    known = (*CHECKS, "any", "reject")
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in known:
            raise AreosegError(f"--fail-on: no issue {name!r}: {did_you_mean(name, known)}")
    return names
