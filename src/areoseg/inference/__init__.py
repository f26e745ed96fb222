"""Prediction: from images to masks."""

from areoseg.inference.engine import Engine, TorchEngine, open_engine
from areoseg.inference.predictor import Predictor, RowBlock, Segmentation

__all__ = ["Engine", "Predictor", "RowBlock", "Segmentation", "TorchEngine", "open_engine"]
