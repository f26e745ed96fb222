"""Prediction: from images to masks."""

from areoseg.inference.predictor import Predictor

__all__ = ["Predictor"]
