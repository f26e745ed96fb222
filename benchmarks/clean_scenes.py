"""The scenes that the benchmarks of the audit plant faults in."""

from pathlib import Path

from areoseg.audit import audit_scenes
from areoseg.data.readers import read_data
from areoseg.data.scenes import SceneSet
from areoseg.data.synthetic import SyntheticMars, draw_set


def clean_scenes(data: Path | None, count: int, seed: int) -> SceneSet:
    """Synthetic scenes, or those of a data set that the audit does not reject."""
    if data is None:
        return draw_set(SyntheticMars(seed=100 + seed), count)
    scenes = read_data(data).labelled
    return scenes.select(audit_scenes(scenes, faults=("repeated-mask",)).kept_indices)
