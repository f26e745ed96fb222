"""Prediction: from images to masks."""

from areoseg.inference.engine import Engine
from areoseg.inference.engine import TorchEngine
from areoseg.inference.engine import open_engine
from areoseg.inference.predictor import Predictor
from areoseg.inference.predictor import RowBlock
from areoseg.inference.predictor import Segmentation

__all__ = ["Engine", "Predictor", "RowBlock", "Segmentation", "TorchEngine", "open_engine"]
