"""Baselines: what a network has to beat."""

from areoseg.baselines.registry import BASELINES
from areoseg.baselines.registry import Baseline
from areoseg.baselines.registry import baseline
from areoseg.baselines.scoring import baseline_scores

__all__ = ["BASELINES", "Baseline", "baseline", "baseline_scores"]
