"""A network together with what it must do to an image before and to the logits after."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch import nn

MASKED_LOGIT = -1e4
"""The logit of a class that is never answered: its probability is exactly 0 in float32."""


class Segmenter(nn.Module):
    """Normalizes an image, runs the network, and adjusts the logits.

    In training mode the network's answer is passed on as it is, auxiliary logits included. In
    evaluation mode the logits are divided by the temperature and each class has its offset added,
    so that probabilities are softmax(logits / temperature + offsets). Both are 1 and 0 until a
    calibration sets them, but for the offset of a class that was left out of the training, which
    is never answered.

    Args:
        network: Takes (N, 1, H, W) and answers logits (N, C, H, W).
        mean: Mean of the training images, in 0..1. One mean and one std for the whole set,
            so that the absolute brightness of an image, which tells soil from sand, is kept.
        std: Standard std of the training images.
        classes: Number of classes, C.
        masked_classes: Classes that are never answered.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor
    offsets: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: float,
        std: float,
        classes: int,
        masked_classes: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.register_buffer("temperature", torch.tensor(1.0))
        offsets = torch.zeros(classes)
        offsets[list(masked_classes)] = MASKED_LOGIT
        self.register_buffer("offsets", offsets)
        self.register_load_state_dict_pre_hook(_take_temperature_as_one)  # type: ignore[no-untyped-call]

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Logits (N, C, H, W) of images (N, 1, H, W), float in 0..1."""
        answer: Tensor | tuple[Tensor, ...] = self.network((images - self.mean) / self.std)
        if self.training or not isinstance(answer, Tensor):
            return answer
        return answer.float() / self.temperature + self.offsets.view(1, -1, 1, 1)

    @property
    def masked_classes(self) -> Tensor:
        """(C,) bool: which classes are never answered."""
        return self.offsets <= MASKED_LOGIT / 2

    def uncalibrate(self) -> None:
        """Go back to temperature 1 and no offsets; classes that are never answered stay so."""
        self.temperature.fill_(1.0)
        self.offsets[~self.masked_classes] = 0.0


def _take_temperature_as_one(
    module: nn.Module, weights: dict[str, Any], prefix: str, *others: object
) -> None:
    """Let weights load that were saved before there was a temperature."""
    weights.setdefault(f"{prefix}temperature", torch.tensor(1.0))
