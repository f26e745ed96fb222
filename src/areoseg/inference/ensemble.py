"""The mean of the predictions of several models, over views of each image."""

from collections.abc import Sequence
from math import lcm

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.inference.engines import Engine
from areoseg.inference.engines.engine import view_probabilities
from areoseg.inference.resampling import checked_scale

SMALLEST = 1e-30
"""Avoids a division by zero where all terrain classes have probability zero."""


class Ensemble:
    """Averages class probabilities over models, scales and mirrored images.

    Args:
        engines: The models.
        tta_flip: Whether to average with the prediction for the mirrored image (test-time
            augmentation).
        tta_scales: Scales of each image over which predictions are averaged.
        background: Whether pixels may be background. False: every pixel has a terrain class, and
            the probabilities are those of the terrain classes.
        background_threshold: The probability above which a pixel is background, above 0 and below
            1; None: that of the models. Only for models with a background gate.

    Raises:
        AreosegError: There is no engine, the engines have different classes, or an option is out of
            range.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        *,
        tta_flip: bool = False,
        tta_scales: Sequence[float] = (1.0,),
        background: bool = True,
        background_threshold: float | None = None,
    ) -> None:
        if not engines:
            raise AreosegError("no model to predict with: name at least one run or exported file")
        if len({engine.taxonomy.identity for engine in engines}) > 1:
            raise AreosegError(
                "the models have different classes: average models with the same ones"
            )
        if not tta_scales:
            raise AreosegError("no scales for test-time augmentation: give at least 1")
        self.engines: list[Engine] = list(engines)
        self.taxonomy = engines[0].taxonomy
        self.size_divisor = lcm(*(engine.size_divisor for engine in engines))
        self.tta_flip = tta_flip
        self.tta_scales = [checked_scale(scale) for scale in tta_scales]
        self.background = background
        self.background_threshold = _threshold(engines, background, background_threshold)

    @torch.inference_mode()
    def __call__(self, images: Tensor, factors: Sequence[float]) -> Tensor:
        """Return the mean probabilities (N, C, H, W) float32 of images (N, 1, H, W) in 0..1.

        Args:
            images: The images, of any size.
            factors: The scale factor of each engine, by which `tta_scales` are multiplied.
        """
        total: Tensor | None = None
        for engine, factor in zip(self.engines, factors, strict=True):
            scales = [scale * factor for scale in self.tta_scales]
            probabilities = view_probabilities(
                engine, images, tta_flip=self.tta_flip, tta_scales=scales
            )
            total = probabilities if total is None else total + probabilities
        assert total is not None
        if not self.background:
            total[:, self.taxonomy.background] = 0
            return total / total.sum(dim=1, keepdim=True).clamp(min=SMALLEST)
        return total / len(self.engines)


def _threshold(engines: Sequence[Engine], background: bool, chosen: float | None) -> float | None:
    """Return the threshold of the averaged probabilities, or None without a background gate.

    A model without a gate gives background no probability, so it lowers the average.
    """
    own = [each.background_threshold for each in engines if each.background_threshold is not None]
    if chosen is not None:
        if not background:
            raise AreosegError("give a background threshold or exclude background, not both")
        if not own:
            raise AreosegError(
                "these models have no background gate, so they have no background threshold:"
                " choose a model trained with data.background=gate"
            )
        if not 0 < chosen < 1:
            raise AreosegError(
                f"background threshold {chosen:g}: give a probability above 0 and below 1"
            )
        own = [chosen] * len(own)
    return sum(own) / len(engines) if own and background else None
