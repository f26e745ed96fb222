"""Prediction: from images to masks."""

from areoseg.inference.engines import Engine, TorchEngine
from areoseg.inference.engines.factory import open_engine
from areoseg.inference.predictor import Predictor
from areoseg.inference.result import Result
from areoseg.inference.tiling import RowBlock

__all__ = ["Engine", "Predictor", "Result", "RowBlock", "TorchEngine", "open_engine"]
