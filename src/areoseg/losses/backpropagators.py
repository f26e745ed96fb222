"""The two losses of The Backpropagators (AN2DL 2024 at Politecnico di Milano, second homework).

The text of their homework report (section 2.3) adds cross entropy, Dice, focal, boundary and a
background penalty, all with class weights: the preset `backpropagators`. Their code computes
something else, a separate loss for each class: the loss `backpropagators-code`, which reproduces
their numbers.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.base import at_label, one_hot, prepare, register_loss, weighted_mean
from areoseg.losses.boundary import clear_of_void, sobel
from areoseg.losses.pixel import focal_map

ClassIndex = Annotated[int, Field(ge=0)]


BACKPROPAGATORS: Mapping[str, float | Mapping[str, Any]] = {
    "ce": 1.0,
    "dice": {"weight": 1.0, "class_weighted": True},
    "focal": {"weight": 1.0, "gamma": 2.0},
    "boundary": {"weight": 0.1, "kind": "edges"},
    "background": 1.0,
}
"""The loss of the text, to be used with class weights of the scheme "inverse".

The text names the five terms. The weight 0.1, gamma 2 and the Sobel edges are from the code; the
weight 1 of every other term is our assumption.
"""


@register_loss(
    "backpropagators-code",
    summary="the loss in the code of The Backpropagators, which differs from their text",
    paper="The Backpropagators 2024, AN2DL homework 2, notebook",
)
def backpropagators_code(
    logits: Tensor, targets: Tensor, *, background: int = 0, big_rock: ClassIndex = 4
) -> Tensor:
    """Compute their `combined_loss` as implemented.

        L = mean_i [ 0.25 (1 - p_i)^2 (-log p_i)   where y_i is background
                     D                             where y_i is big rock
                     -log p_i                      elsewhere ]              + 0.1 B

    over the pixels i that are not void, with p_i the probability of the true class. D is
    `image_dice` and B is `double_softmax_edges`. D is one number for the whole batch: big rock
    pixels only scale it, and its gradient reaches every class. Keras also clips probabilities to
    1e-7, which is omitted here. Their code had no void; here void is ignored in all three sums.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64; VOID is ignored.
        background: The class that gets the focal loss.
        big_rock: The class that gets the Dice loss.

    Returns:
        A scalar in [0, inf). An absent class adds nothing to the mean over pixels; 0 if every pixel
        is void.

    Raises:
        AreosegError: There is no class `background` or `big_rock`.
    """
    logits, labels, known = prepare(logits, targets)
    classes = logits.shape[1]
    if not (0 <= background < classes and 0 <= big_rock < classes):
        raise AreosegError(
            f"this loss got background {background}, big rock {big_rock} and {classes} "
            f"classes: give class indices from 0 to {classes - 1}"
        )
    truth = one_hot(logits, labels, known)
    values = -at_label(logits.log_softmax(dim=1), labels)
    values = values.where(labels != big_rock, image_dice(logits, truth, known))
    values = values.where(labels != background, 0.25 * focal_map(logits, labels, gamma=2.0))
    return weighted_mean(values, known.to(logits)) + 0.1 * double_softmax_edges(
        logits, truth, known
    )


def image_dice(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Compute 1 - the Dice coefficient, averaged over images and classes, smoothed by 1e-6.

    A class absent from an image has a coefficient close to 0 there, regardless of the prediction.
    """
    probabilities = logits.softmax(dim=1) * known.unsqueeze(1)
    overlap = (truth * probabilities).sum(dim=(2, 3))
    size = (truth + probabilities).sum(dim=(2, 3))
    return 1 - ((2 * overlap + 1e-6) / (size + 1e-6)).mean()


def double_softmax_edges(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Compute mean_{i, k} |s_ik (y_ik - softmax(p)_ik)|, where p already is a softmax.

    Their report calls s a signed distance map. It is the length of the negative part of the Sobel
    gradient minus that of the positive part. If one component rises and the other falls, the two
    cancel, so borders along one diagonal count and those along the other do not, and mirroring an
    image changes the loss.
    """
    gradients = torch.stack(sobel(truth, padding="reflect"))  # as TensorFlow does
    falling = gradients.clamp(max=0).square().sum(dim=0).sqrt()
    rising = gradients.clamp(min=0).square().sum(dim=0).sqrt()
    bands = (falling - rising) * clear_of_void(known).unsqueeze(1)
    twice = logits.softmax(dim=1).softmax(dim=1)
    return weighted_mean((bands * (truth - twice)).abs().mean(dim=1), known.to(logits))
