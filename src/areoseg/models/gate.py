"""The background gate: whether a pixel shows ground is decided apart from the class of the ground.

A softmax over all classes lets background compete with terrain, although a dataset labels the
terrain and leaves the sky, the rover and distant hills out. The gate makes background an output of
its own, with the log-odds g and the terrain logits z:

    P(background) = sigmoid(a g + b),   P(class) = (1 - P(background)) softmax(z)[class]

The training uses a = `GAIN` and b = 0; the calibration sets both.
"""

import torch
from torch import Tensor
from torch.nn import functional

GAIN = 8.0
"""Scale of the log-odds in training. Adaptive optimizers move every weight by about the learning
rate, however small the gradient: without the gain, one output that starts at zero would need
thousands of steps to become certain at the rates of fine-tuning."""


def gated_log_probabilities(odds: Tensor, terrain: Tensor, background: int) -> Tensor:
    """Join the gate and the terrain logits to log-probabilities of all classes.

    Args:
        odds: (N, 1, H, W) calibrated log-odds of background.
        terrain: (N, C, H, W) calibrated logits; channel `background` is so low that its softmax
            is 0.
        background: Index of the background class.

    Returns:
        (N, C, H, W), whose exponentials sum to one over C.

    Examples:
        >>> terrain = torch.tensor([-1e4, 0.0, 0.0]).view(1, 3, 1, 1)
        >>> gated_log_probabilities(torch.zeros(1, 1, 1, 1), terrain, 0).exp().flatten().tolist()
        [0.5, 0.25, 0.25]
    """
    # softplus instead of logsigmoid, because every exporter supports it
    of_classes = torch.log_softmax(terrain, dim=1) - functional.softplus(odds)
    return torch.where(_is_background(terrain, background), -functional.softplus(-odds), of_classes)


def choose_class(probabilities: Tensor, background: int, threshold: float | None) -> Tensor:
    """Choose the class of each pixel.

    Args:
        probabilities: (N, C, H, W).
        background: Index of the background class.
        threshold: Pixels whose probability of background exceeds it are background, and the others
            have their most probable terrain class; None: each pixel has its most probable class.

    Returns:
        (N, H, W) int64 class indices.
    """
    if threshold is None:
        return probabilities.argmax(dim=1)
    # Probabilities are at most 1, so background never has the maximum.
    terrain = probabilities - 2 * _is_background(probabilities, background).float()
    return torch.where(probabilities[:, background] > threshold, background, terrain.argmax(dim=1))


def _is_background(maps: Tensor, background: int) -> Tensor:
    """Return (1, C, 1, 1) bool, true for the background channel."""
    channels = torch.arange(maps.shape[1], device=maps.device)
    return (channels == background).view(1, -1, 1, 1)
