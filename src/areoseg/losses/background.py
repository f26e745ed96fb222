"""The background penalty: background taken for terrain, or terrain for background, costs extra."""

import torch.nn.functional as F
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def background_penalty(logits: Tensor, targets: Tensor, *, background: int = 0) -> Tensor:
    """Binary cross entropy of "this pixel is background".

        L = mean_i [ -b_i log p_{i,bg} - (1 - b_i) log(1 - p_{i,bg}) ],   b_i = [y_i = bg]

    over the pixels i that are not void. One terrain taken for another costs nothing here. The log
    odds of background against the rest are z_bg - logsumexp(z_terrain), so the loss is exact
    where p_bg is 0 or 1 in floating point.

    Args:
        logits: (N, C, H, W), float, C >= 2.
        targets: (N, H, W), int64, VOID left out.
        background: The class index of background.

    Returns:
        A scalar in [0, inf). Without background pixels, or with them alone, the other half of the
        formula remains; with every pixel void, 0.

    Raises:
        AreosegError: There is no class `background`, or no other class beside it.
    """
    logits, labels, known = prepare(logits, targets)
    classes = logits.shape[1]
    if not 0 <= background < classes or classes < 2:
        raise AreosegError(
            f"the background penalty got background {background} and {classes} classes: give two "
            "classes or more, and background as the index of one"
        )
    terrain = [index for index in range(classes) if index != background]
    log_odds = logits[:, background] - logits[:, terrain].logsumexp(dim=1)
    truth = (labels == background).to(logits)
    values = F.binary_cross_entropy_with_logits(log_odds, truth, reduction="none")
    return weighted_mean(values, known.to(logits))
