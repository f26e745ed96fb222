"""Evaluation: scores of runs, bundled models, exported files, ensembles and baselines."""

from areoseg.evaluation.baselines import (
    BASELINES,
    Baseline,
    baseline,
    baseline_score,
    evaluate_baseline,
)
from areoseg.evaluation.evaluate import Evaluation, evaluate, evaluate_each
from areoseg.evaluation.score import evaluate_masks, evaluate_model, select_split

__all__ = [
    "BASELINES",
    "Baseline",
    "Evaluation",
    "baseline",
    "baseline_score",
    "evaluate",
    "evaluate_baseline",
    "evaluate_each",
    "evaluate_masks",
    "evaluate_model",
    "select_split",
]
