"""Samples in which the benchmarks of the audit plant issues."""

from pathlib import Path

from areoseg.audit import audit_samples
from areoseg.data.load import read_data
from areoseg.data.samples import SegmentationDataset
from areoseg.synthetic import SyntheticMars, draw_set


def clean_samples(data: Path | None, count: int, seed: int) -> SegmentationDataset:
    """Return synthetic samples, or those of a dataset that the audit does not reject."""
    if data is None:
        return draw_set(SyntheticMars(seed=100 + seed), count)
    samples = read_data(data).labeled
    return samples.select(audit_samples(samples, issues=("repeated-mask",)).kept_indices)
