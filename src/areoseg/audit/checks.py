"""The table of checks, and the audit that runs them."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.audit.chunks import Chunks
from areoseg.audit.confident_disagreement import check_probabilities
from areoseg.audit.constant_images import find_constant_images
from areoseg.audit.content_outliers import find_content_outliers
from areoseg.audit.context import AuditContext
from areoseg.audit.context import Need
from areoseg.audit.disputed_masks import MIRRORED_ABOVE
from areoseg.audit.disputed_masks import SWAPPED_ABOVE
from areoseg.audit.disputed_masks import find_moved_masks
from areoseg.audit.disputed_masks import find_swapped_masks
from areoseg.audit.disputed_masks import find_wrong_regions
from areoseg.audit.drift import find_drift
from areoseg.audit.duplicate_images import find_duplicate_images
from areoseg.audit.edge_agreement import find_misplaced_masks
from areoseg.audit.findings import Action
from areoseg.audit.findings import Audit
from areoseg.audit.findings import Finding
from areoseg.audit.findings import SetFinding
from areoseg.audit.islands_and_slivers import find_islands
from areoseg.audit.islands_and_slivers import find_slivers
from areoseg.audit.leaks import find_copies_across_split
from areoseg.audit.leaks import find_copies_in_unlabeled
from areoseg.audit.leaks import find_groups_across_split
from areoseg.audit.leaks import find_missing_classes
from areoseg.audit.leaks import find_samples_across_split
from areoseg.audit.mask_fit import find_mirrored_masks
from areoseg.audit.mask_fit import find_unlikely_masks
from areoseg.audit.near_duplicates import find_disagreeing_copies
from areoseg.audit.near_duplicates import find_near_duplicates
from areoseg.audit.repeated_masks import find_repeated_masks
from areoseg.audit.summary import summarize
from areoseg.audit.trivial_pairs import find_few_labels
from areoseg.audit.trivial_pairs import find_lost_bits
from areoseg.audit.trivial_pairs import find_odd_sizes
from areoseg.audit.trivial_pairs import find_saturated_images
from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong with a sample, or with the set as a whole.

    Attributes:
        issue: Its name.
        find: Finds the samples that have it, ascending by index; or what is wrong with the set.
        action: The strongest action that it takes.
        summary: One line on what it looks for.
        score: What its score is, and in which range; higher is worse.
        needs: What the context must have, or else the check is left out.
    """

    issue: str
    find: Callable[[AuditContext], Sequence[Finding | SetFinding]]
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
            "one and the same mask, not of a single class, on different images",
            score="samples that share the mask, from 2",
            needs=("masks",),
        ),
        Check(
            "content-outlier",
            find_content_outliers,
            "reject",
            "an image whose brightness, texture or outlines are unlike the rest",
            score="distance from the bulk of the images, from 3; from 2 where a segmenter doubts it"
            " too; 1 is the median image",
        ),
        Check(
            "unlikely-mask",
            find_unlikely_masks,
            "flag",
            "a mask whose classes look otherwise in the rest of the set, as if it were another's",
            score="stds from the median sample, from 4",
            needs=("masks",),
        ),
        Check(
            "mirrored-mask",
            find_mirrored_masks,
            "flag",
            "a mask that would fit its image better if it were mirrored",
            score="gain in mean log-probability, 0.3 to 5",
            needs=("masks",),
        ),
        Check(
            "swapped-mask",
            find_swapped_masks,
            "flag",
            "a mask that a segmenter finds no likelier on its own image than on others",
            score="likelihood of a point on the average image over that on its own,"
            f" from {SWAPPED_ABOVE}",
            needs=("masks", "probabilities"),
        ),
        Check(
            "moved-mask",
            find_moved_masks,
            "flag",
            "a mask that fits what a segmenter sees when it is mirrored, turned or shifted",
            score=f"gain in mean log-probability, from {min(MIRRORED_ABOVE.values())}",
            needs=("masks", "probabilities"),
        ),
        Check(
            "wrong-region",
            find_wrong_regions,
            "flag",
            "a region that a segmenter is sure is of another class",
            score="pixels times how much likelier the other class is, from 0",
            needs=("masks", "probabilities"),
        ),
        Check(
            "misplaced-masks",
            find_misplaced_masks,
            "flag",
            "masks that lie on the edges of the images, over the whole set, only when moved",
            score="mean gain of moving them, in standard errors, from 4.5",
            needs=("masks",),
        ),
        Check(
            "few-labels",
            find_few_labels,
            "flag",
            "a mask of which less than 2 % is labeled",
            score="share of background and void, 0.98 to 1",
            needs=("masks",),
        ),
        Check(
            "islands",
            find_islands,
            "flag",
            "islands of a few pixels in a mask",
            score="islands in the mask, from 2",
            needs=("masks",),
        ),
        Check(
            "slivers",
            find_slivers,
            "flag",
            "strips of a mask at most 2 pixels wide",
            score="slivers in the mask, from 2",
            needs=("masks",),
        ),
        Check(
            "constant-image",
            find_constant_images,
            "flag",
            "an image of one gray level",
            score="always 1",
        ),
        Check(
            "saturated-image",
            find_saturated_images,
            "flag",
            "an image of which over a quarter is black or white",
            score="share of black and white pixels, 0.25 to 1",
        ),
        Check(
            "lost-bits",
            find_lost_bits,
            "flag",
            "an image stored with too few gray levels, or only in the darkest ones",
            score="bits of 8 that are not used, 4 to 8",
        ),
        Check(
            "odd-size",
            find_odd_sizes,
            "flag",
            "an image of another size than nine in ten",
            score="how many times larger or smaller its area is, from 1",
        ),
        Check(
            "duplicate-image",
            find_duplicate_images,
            "flag",
            "the same image a second time, pixel for pixel",
            score="images in the group, from 2",
        ),
        Check(
            "near-duplicate",
            find_near_duplicates,
            "flag",
            "an image a second time, shifted, rescaled, compressed or brightened a little",
            score="correlation of detail, 0.7 to 1",
        ),
        Check(
            "copies-disagree",
            find_disagreeing_copies,
            "flag",
            "the same image a second time, or nearly so, with another mask",
            score="share of the pixels that differ, 0 to 1",
            needs=("masks",),
        ),
        Check(
            "sample-across-split",
            find_samples_across_split,
            "flag",
            "a sample that is in more than one part of a split",
            score="parts that it is in, from 2",
            needs=("split",),
        ),
        Check(
            "copy-across-split",
            find_copies_across_split,
            "flag",
            "an image in one part of a split, nearly the same as one in another part",
            score="correlation of detail, 0.7 to 1",
            needs=("split",),
        ),
        Check(
            "group-across-split",
            find_groups_across_split,
            "flag",
            "a sample in one part of a split, with samples of its group in another part",
            score="share of the group that it was separated from, 0 to 1",
            needs=("split", "groups"),
        ),
        Check(
            "copy-in-unlabeled",
            find_copies_in_unlabeled,
            "flag",
            "an image nearly the same as an unlabeled one, such as one of a test set",
            score="correlation of detail, 0.7 to 1",
            needs=("unlabeled",),
        ),
        Check(
            "split-lacks-class",
            find_missing_classes,
            "flag",
            "a part of a split without a class that the set has",
            score="images that hold the class, from 1",
            needs=("masks", "split"),
        ),
        Check(
            "drift",
            find_drift,
            "flag",
            "unlabeled images that are brighter, rougher or otherwise unlike the labeled ones",
            score="distance of the two distributions, 0.1 to 1",
            needs=("unlabeled",),
        ),
    )
}
"""The checks by the name of their issue, in the order in which they run."""


def audit_samples(
    samples: SegmentationDataset,
    *,
    issues: Sequence[str] | None = None,
    unlabeled: SegmentationDataset | None = None,
    split: Mapping[str, Sequence[int]] | None = None,
    probabilities: Sequence[NDArray[np.floating[Any]]] | None = None,
    taxonomy: Taxonomy = MARS,
    chunks: Chunks | None = None,
) -> Audit:
    """Look for issues in a set of samples.

    Args:
        samples: Samples with masks or without.
        issues: Names of the checks to run; all of `CHECKS`, and a summary, where None. Of these,
            checks that need what is not given are left out.
        unlabeled: Images without masks that belong to the set, such as a test set.
        split: Indices of the samples in each part of a split.
        probabilities: For each sample (C, H, W) class probabilities of a segmenter that was not
            trained on it.
        taxonomy: The classes.
        chunks: How work on single samples is spread over threads, shown, and kept.

    Raises:
        AreosegError: There is no check of that name, or the probabilities do not fit the samples.
    """
    chosen = tuple(CHECKS) if issues is None else tuple(issues)
    for issue in chosen:
        if issue not in CHECKS:
            raise AreosegError(f"there is no audit check {issue!r}: {did_you_mean(issue, CHECKS)}")
    if probabilities is not None:
        check_probabilities(probabilities, samples, len(taxonomy))
    context = AuditContext(samples, unlabeled, split, probabilities, taxonomy, chunks or Chunks())
    ran = tuple(issue for issue in chosen if all(map(context.has, CHECKS[issue].needs)))
    found = [finding for issue in ran if len(samples) for finding in CHECKS[issue].find(context)]
    return Audit(
        samples=len(samples),
        issues=ran,
        findings=tuple(each for each in found if isinstance(each, Finding)),
        set_findings=tuple(each for each in found if isinstance(each, SetFinding)),
        summary=summarize(context) if issues is None and len(samples) else {},
        fingerprint=fingerprint(samples),
    )
