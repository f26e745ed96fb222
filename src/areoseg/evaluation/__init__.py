"""Evaluation: scores of runs, bundled models, exported files, ensembles and baselines."""

from areoseg.evaluation.baselines import BASELINES
from areoseg.evaluation.baselines import Baseline
from areoseg.evaluation.baselines import baseline
from areoseg.evaluation.baselines import baseline_score
from areoseg.evaluation.baselines import evaluate_baseline
from areoseg.evaluation.evaluate import Evaluation
from areoseg.evaluation.evaluate import evaluate
from areoseg.evaluation.evaluate import evaluate_each
from areoseg.evaluation.score import evaluate_masks
from areoseg.evaluation.score import evaluate_model
from areoseg.evaluation.score import select_split

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
