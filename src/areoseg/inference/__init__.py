"""Prediction: from images to masks."""

from areoseg.inference.engine import Engine, TorchEngine, open_engine
from areoseg.inference.predictor import Band, Predictor, Segmentation

__all__ = ["Band", "Engine", "Predictor", "Segmentation", "TorchEngine", "open_engine"]
