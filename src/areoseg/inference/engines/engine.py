"""The interface of engines, a network in PyTorch, and the mean over views of an image."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from areoseg.inference.resampling import scaled_size
from areoseg.models.segmenter import Segmenter
from areoseg.taxonomy import Taxonomy
from areoseg.utils.device import Precision, autocast


class Engine(Protocol):
    """The interface between the predictor and a model.

    Attributes:
        taxonomy: The classes of the model.
        size_divisor: Height and width of the images must be multiples of it, in pixels.
        scale: Scale of the training images relative to a full Navcam frame of 1024 pixels: 0.25 for
            frames reduced by a factor of 4. None if unknown.
        background_threshold: The probability above which a pixel is background; None for a model
            without a background gate, whose classes compete.
        predicts_background: Whether the model can predict background at all.
    """

    taxonomy: Taxonomy
    size_divisor: int
    scale: float | None
    background_threshold: float | None
    predicts_background: bool

    def __call__(self, images: Tensor) -> Tensor:
        """Return class probabilities (N, C, H, W) of images (N, 1, H, W) in 0..1.

        Both are float32 on the CPU.
        """
        ...


class TorchEngine:
    """Run a trained network with PyTorch; see `Engine`.

    Args:
        segmenter: The network.
        taxonomy: The classes of the network.
        scale: See `Engine`.
        device: The device; None: the CPU.
        precision: Precision of the network.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        taxonomy: Taxonomy,
        *,
        scale: float | None = None,
        device: torch.device | None = None,
        precision: Precision = "float32",
    ) -> None:
        self.device = device or torch.device("cpu")
        self.segmenter = segmenter.to(self.device).eval()
        self.taxonomy = taxonomy
        self.scale = scale
        self.background_threshold = segmenter.threshold
        masked = bool(segmenter.masked_classes[taxonomy.background])
        self.predicts_background = segmenter.gated_class is not None or not masked
        self.size_divisor = int(getattr(segmenter.network, "size_divisor", 1))
        self.precision = precision

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """See `Engine`."""
        with autocast(self.device, self.precision):
            logits = self.segmenter(images.to(self.device))
        return functional.softmax(logits.float(), dim=1).cpu()


def view_probabilities(
    engine: Engine,
    images: Tensor,
    *,
    tta_flip: bool = False,
    tta_scales: Sequence[float] = (1.0,),
) -> Tensor:
    """Average the probabilities of an engine over several views of the images.

    A view is the image at one scale, unchanged or flipped horizontally (test-time augmentation).
    Rover images have a fixed vertical direction, so they are not rotated or flipped vertically.

    Args:
        engine: The model.
        images: (N, 1, H, W) float32 in 0..1, of any size.
        tta_flip: Whether to add the mirrored image at each scale.
        tta_scales: Scales of the views; all have the same weight.

    Returns:
        (N, C, H, W) float32.
    """
    flips = (False, True) if tta_flip else (False,)
    total: Tensor | None = None
    for scale in tta_scales:
        view = _resized(images, scaled_size(images.shape[-2:], scale))
        for flip in flips:
            probabilities = _padded_call(engine, view.flip(-1) if flip else view)
            probabilities = probabilities.flip(-1) if flip else probabilities
            probabilities = _resized(probabilities, images.shape[-2:])
            total = probabilities if total is None else total + probabilities
    assert total is not None
    return total / (len(tta_scales) * len(flips))


def _resized(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Resize maps (N, C, H, W) bilinearly, with antialiasing if they become smaller."""
    if tuple(maps.shape[-2:]) == tuple(size):
        return maps
    return functional.interpolate(maps, tuple(size), mode="bilinear", antialias=True)


def _padded_call(engine: Engine, images: Tensor) -> Tensor:
    """Call the engine on images padded to multiples of its size divisor, and crop the result.

    Padding repeats the last row and column, as the networks do in training.
    """
    height, width = images.shape[-2:]
    below, right = -height % engine.size_divisor, -width % engine.size_divisor
    if below or right:
        images = functional.pad(images, (0, right, 0, below), mode="replicate")
    return engine(images)[..., :height, :width]
