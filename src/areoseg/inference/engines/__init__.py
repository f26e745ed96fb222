"""Engines: trained models as functions from images to class probabilities.

`factory.py` opens a model as an engine: a network in PyTorch (`engine.py`), in OpenVINO
(`openvino.py`), or an exported file (`exported.py`).
"""

from areoseg.inference.engines.engine import Engine, TorchEngine, view_probabilities

__all__ = ["Engine", "TorchEngine", "view_probabilities"]
