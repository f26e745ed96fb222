"""A network with its normalization and calibration, and the graphs that are exported."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from areoseg.models.gate import GAIN, choose_class, gated_log_probabilities

MASKED_LOGIT = -1e4
"""The logit of a class that is never predicted: its probability is exactly 0 in float32."""


class Segmenter(nn.Module):
    """Normalizes an image, runs the network, and calibrates the logits.

    In training mode the output of the network is passed on unchanged, auxiliary logits included.
    In evaluation mode the logits are divided by the temperature and the offset of each class is
    added, so that probabilities are softmax(logits / temperature + offsets). Until a calibration
    sets them, the temperature is 1, and the offsets are 0 except for masked classes.

    With a background gate, the network's logit of background is the log-odds of background, and
    temperature and offsets apply to the terrain classes; the output is log-probabilities. See
    `areoseg.models.gate`.

    Args:
        network: Maps (N, 1, H, W) to logits (N, C, H, W).
        mean: Mean of the training images, in 0..1. One mean and one standard deviation for the
            whole dataset keep the absolute brightness of an image, which tells soil from sand.
        std: Standard deviation of the training images.
        classes: Number of classes, C.
        masked_classes: Classes that are never predicted.
        gated_class: The background class, if the network has a background gate.

    Attributes:
        gate_scale: Scale of the log-odds of background; only with a gate, like the next two. The
            calibration sets all three.
        gate_offset: Added to them after that.
        background_threshold: The probability above which a pixel is background.
    """

    mean: Tensor
    std: Tensor
    temperature: Tensor
    offsets: Tensor
    gate_scale: Tensor
    gate_offset: Tensor
    background_threshold: Tensor

    def __init__(
        self,
        network: nn.Module,
        *,
        mean: float,
        std: float,
        classes: int,
        masked_classes: Sequence[int] = (),
        gated_class: int | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.gated_class = gated_class
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.register_buffer("temperature", torch.tensor(1.0))
        offsets = torch.zeros(classes)
        offsets[list(masked_classes)] = MASKED_LOGIT
        if gated_class is not None:
            offsets[gated_class] = MASKED_LOGIT  # in the softmax of the terrain classes
            self.register_buffer("gate_scale", torch.tensor(GAIN))
            self.register_buffer("gate_offset", torch.tensor(0.0))
            self.register_buffer("background_threshold", torch.tensor(0.5))
        self.register_buffer("offsets", offsets)
        self.register_load_state_dict_pre_hook(_default_temperature)  # type: ignore[no-untyped-call]

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Compute logits (N, C, H, W) of images (N, 1, H, W), float in 0..1."""
        logits: Tensor | tuple[Tensor, ...] = self.network(self.standardized(images))
        if self.training or not isinstance(logits, Tensor):
            return logits
        logits = logits.float()
        calibrated = logits / self.temperature + self.offsets.view(1, -1, 1, 1)
        if self.gated_class is None:
            return calibrated
        odds = self.background_odds(logits)
        return gated_log_probabilities(odds, calibrated, self.gated_class)

    def background_odds(self, logits: Tensor) -> Tensor:
        """Return the log-odds of background (N, 1, H, W) of the network's logits (N, C, H, W)."""
        assert self.gated_class is not None
        odds = logits[:, self.gated_class : self.gated_class + 1]
        return self.gate_scale * odds + self.gate_offset

    def standardized(self, images: Tensor) -> Tensor:
        """Return images in 0..1 with the mean 0 and the standard deviation 1 of the training."""
        return (images - self.mean) / self.std

    def choose_class(self, probabilities: Tensor) -> Tensor:
        """Return the class indices (N, H, W) int64 of probabilities (N, C, H, W)."""
        return choose_class(probabilities, self.gated_class or 0, self.threshold)

    @property
    def threshold(self) -> float | None:
        """The probability above which a pixel is background; None without a gate."""
        return None if self.gated_class is None else float(self.background_threshold)

    @property
    def masked_classes(self) -> Tensor:
        """Return which classes are never predicted, (C,) bool."""
        return self.offsets <= MASKED_LOGIT / 2

    def uncalibrate(self) -> None:
        """Reset temperature to 1 and offsets to 0; masked classes stay masked."""
        self.temperature.fill_(1.0)
        self.offsets[~self.masked_classes] = 0.0

    def uncalibrate_gate(self) -> None:
        """Reset the probability and the threshold of the background gate."""
        self.gate_scale.fill_(GAIN)
        self.gate_offset.fill_(0.0)
        self.background_threshold.fill_(0.5)


def _default_temperature(
    module: nn.Module, weights: dict[str, Any], prefix: str, *others: object
) -> None:
    """Allow loading of weights that were saved before the temperature existed."""
    weights.setdefault(f"{prefix}temperature", torch.tensor(1.0))


class ProbabilityGraph(nn.Module):
    """Class probabilities of images of any size.

    It computes softmax(S(pad(x))), where S is the segmenter and pad repeats the last row and column
    up to multiples of the size divisor. The padding is cropped again. Sizes are computed without
    branches, so that a trace is valid for every size.

    Args:
        segmenter: The segmenter in evaluation mode.
        pads: False omits the padding; sizes must then be multiples of the size divisor.
    """

    def __init__(self, segmenter: Segmenter, *, pads: bool = True) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.size_divisor = int(getattr(segmenter.network, "size_divisor", 1))
        self.pads = pads

    def forward(self, images: Tensor) -> Tensor:
        """Map (N, 1, H, W) float32 in 0..1 to (N, C, H, W) float32, which sum to one over C."""
        if not self.pads:
            return torch.softmax(self.segmenter(images), dim=1)
        height, width = images.shape[2:]
        rows = _repeating_last(height, self.size_divisor)
        columns = _repeating_last(width, self.size_divisor)
        padded = images.index_select(2, rows).index_select(3, columns)
        return torch.softmax(self.segmenter(padded), dim=1)[:, :, :height, :width]


class ExportGraph(nn.Module):
    """The graph of an exported file, which computes mask and probabilities of 8-bit images.

    Args:
        segmenter: The segmenter in evaluation mode.
        pads: See `ProbabilityGraph`.
    """

    def __init__(self, segmenter: Segmenter, *, pads: bool = True) -> None:
        super().__init__()
        self.probabilities = ProbabilityGraph(segmenter, pads=pads)
        self.choose_class = segmenter.choose_class

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Map (N, 1, H, W) uint8 to masks (N, H, W) uint8, probabilities (N, C, H, W) float32."""
        probabilities = self.probabilities(images.to(torch.float32) / 255)
        return self.choose_class(probabilities).to(torch.uint8), probabilities


def _repeating_last(length: int, multiple: int) -> Tensor:
    """Return 0, 1, ..., length - 1, with the last repeated until the count is a multiple."""
    padded = (length + multiple - 1) // multiple * multiple
    return torch.arange(padded).clamp(max=length - 1)
