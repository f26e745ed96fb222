"""The average of the weights over the steps, which is what a run keeps."""

from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import Tensor
from torch import nn
from torch.optim.swa_utils import update_bn

from areoseg.models.segmenter import Segmenter


def averaged(segmenter: Segmenter) -> Segmenter:
    """A copy of the segmenter that is to hold the average of its weights."""
    return deepcopy(segmenter).requires_grad_(False)


def newest_share(step: int, *, ema: float, swa_steps: int = 0) -> float:
    """What the newest weights count for in the average.

    Args:
        step: Steps that were averaged before.
        ema: The decay of an exponential moving average; at step t it is min(ema, (1 + t) /
            (10 + t)), so that the average does not carry the first, random weights along. With 0
            the average is the newest weights.
        swa_steps: Steps of stochastic weight averaging, this one included; the first begins the
            average anew, and all count alike. Izmailov et al. 2018, arXiv 1803.05407, which takes
            the weights once an epoch.
    """
    if swa_steps:
        return 1 / swa_steps
    return 1 - min(ema, (1 + step) / (10 + step)) if step else 1.0


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, share: float) -> None:
    """Move the average by `share` of the way to the current weights; buffers are copied.

    The buffers are the statistics of batch normalization, which are moving averages already.
    """
    torch._foreach_lerp_(list(average.parameters()), list(current.parameters()), share)
    for mean, newest in zip(average.buffers(), current.buffers(), strict=True):
        mean.copy_(newest)


def estimate_batch_statistics(average: nn.Module, batches: Iterable[Tensor], seed: int) -> None:
    """Measure the statistics of batch normalization anew, for the weights of an average.

    The mean of many weights answers with other statistics than any of them had. A model without
    batch normalization is left as it is, and no batch is drawn.

    Args:
        average: The averaged model.
        batches: Images (N, 1, H, W), on the model's device.
        seed: For the dropout, which is on as in training.
    """
    torch.manual_seed(seed)
    update_bn(batches, average)
