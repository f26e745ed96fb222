"""The loss of a network with a background gate."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from areoseg.losses.combined import CombinedLoss
from areoseg.models.gate import GAIN
from areoseg.taxonomy import VOID


def gate_loss(
    odds: Tensor, targets: Tensor, background: int, class_weights: Tensor | None = None
) -> Tensor:
    """Compute the binary cross-entropy between background and labeled ground.

    With class weights, a rare class such as big rock is not given up as background for the sake of
    the other classes.

    Args:
        odds: (N, H, W), the log-odds of background.
        targets: (N, H, W) int64; background is positive, every other class negative, and `VOID` is
            ignored.
        background: Index of the background class.
        class_weights: (C,) weight of the pixels of each class, not negative; None: 1 each.

    Returns:
        The weighted mean over all pixels that are not void, a scalar; 0 without any.
    """
    known = targets != VOID
    if class_weights is None:
        weights = known.float()
    else:
        weights = class_weights.to(odds.device)[targets.masked_fill(~known, background)] * known
    values = functional.binary_cross_entropy_with_logits(
        odds.float(), (targets == background).float(), reduction="none"
    )
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


class GatedLoss(nn.Module):
    """The loss of the terrain classes on labeled ground, and the loss of the background gate.

        L = S(z, y) + w B(g, y)

    with z the logits of the terrain classes, g the log-odds of background (`GAIN` times its logit),
    S a `CombinedLoss` in which background is void, and B `gate_loss`. Auxiliary outputs enter S
    only.

    Args:
        terrain: The loss S, of logits with C - 1 classes.
        background: Index of the background class, which the terrain logits lack.
        weight: w.
        class_weights: (C,) weights of the pixels in B, not negative; None: 1 each.
    """

    def __init__(
        self,
        terrain: CombinedLoss,
        *,
        background: int,
        weight: float = 1.0,
        class_weights: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.terrain = terrain
        self.background = background
        self.weight = weight
        self.class_weights = class_weights

    def forward(
        self, outputs: Tensor | Sequence[Tensor], targets: Tensor, progress: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Compute the loss; see `CombinedLoss.forward`.

        Args:
            outputs: (N, C, H, W), or a sequence of these with auxiliary outputs.
            targets: (N, H, W) int64; background is certainly not ground, and `VOID` is ignored.
            progress: The progress of training, from 0 to 1.

        Returns:
            The total, and the value of each term; that of the gate is `gate`.
        """
        every = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        terrain = [self._terrain_logits(output) for output in every]
        total, values = self.terrain(
            terrain[0] if isinstance(outputs, Tensor) else terrain,
            self._terrain_targets(targets),
            progress,
        )
        odds = GAIN * every[0][:, self.background]
        gate = gate_loss(odds, targets, self.background, self.class_weights)
        return total + self.weight * gate, {**values, "gate": gate.detach()}

    def _terrain_logits(self, logits: Tensor) -> Tensor:
        """Return the logits without background (N, C - 1, H, W)."""
        if self.background == 0:
            return logits[:, 1:]
        return torch.cat([logits[:, : self.background], logits[:, self.background + 1 :]], dim=1)

    def _terrain_targets(self, targets: Tensor) -> Tensor:
        """Return the targets as indices of the terrain classes; background is void."""
        above = (targets > self.background) & (targets != VOID)
        indices = torch.where(above, targets - 1, targets)
        return indices.masked_fill(targets == self.background, VOID)
