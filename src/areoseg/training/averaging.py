"""Averages of the weights over the training steps; a run saves the averaged weights."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

from areoseg.models.segmenter import Segmenter
from areoseg.utils.device import fork_rng

Tensors = tuple[Tensor, ...] | list[Tensor]


class WeightAverage(AveragedModel):
    """A copy of a segmenter with averaged weights.

    The average is exponential (EMA) until `begin_swa`, and uniform from then on: stochastic weight
    averaging, Izmailov et al. 2018, arXiv 1803.05407, which averages once per epoch instead of
    once per step. Buffers are copied, as batch statistics are moving averages already.

    Args:
        segmenter: The segmenter to average.
        ema: The decay of the exponential average. At step t it is min(ema, (1 + t) / (10 + t)), so
            that the random initial weights are forgotten quickly. With 0 the average equals the
            latest weights.
    """

    module: Segmenter
    swa: Tensor

    def __init__(self, segmenter: Segmenter, *, ema: float) -> None:
        super().__init__(segmenter, multi_avg_fn=self._move)
        self.module.requires_grad_(False)
        self.ema = ema
        self.register_buffer("swa", torch.tensor(False))

    def begin_swa(self) -> None:
        """Start a uniform average with the next weights."""
        self.swa.fill_(True)
        self.n_averaged.zero_()  # AveragedModel copies the first weights that it receives

    def _move(self, average: Tensors, latest: Tensors, number: Tensor | int) -> None:
        step = int(self.n_averaged)  # on the CPU, unlike `number`: reading it waits for no device
        share = 1 / (step + 1) if self.swa else 1 - min(self.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(average, latest, share)


def estimate_batch_statistics(average: nn.Module, batches: Iterable[Tensor], seed: int) -> None:
    """Recompute the statistics of batch normalization for averaged weights.

    A model without batch normalization is left unchanged, and no batch is drawn.

    Args:
        average: The averaged model.
        batches: Images (N, 1, H, W), on the model's device.
        seed: Seed of dropout, which is active as in training.
    """
    with fork_rng(next(average.parameters()).device):
        torch.manual_seed(seed)
        update_bn(batches, average)
