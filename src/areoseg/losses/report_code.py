"""The loss that the code of the homework report computed, which is not the one its text tells.

The text (section 2.3) adds cross entropy, Dice, focal, boundary and a background penalty, all with
class weights; `terms.REPORT_TERMS` is that. The code gave each class a loss of its own, and this
file keeps to it, so that the report's numbers can be put to the test.
"""

import torch
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.boundary import clear_of_void
from areoseg.losses.boundary import sobel
from areoseg.losses.focal import focal_map
from areoseg.losses.pixels import at_label
from areoseg.losses.pixels import one_hot
from areoseg.losses.pixels import prepare
from areoseg.losses.pixels import weighted_mean


def report_code(
    logits: Tensor, targets: Tensor, *, background: int = 0, big_rock: int = 4
) -> Tensor:
    """Compute the report's `combined_loss` as implemented.

        L = mean_i [ 0.25 (1 - p_i)^2 (-log p_i)   where y_i is background
                     D                             where y_i is big rock
                     -log p_i                      elsewhere ]              + 0.1 B

    over the pixels i that are not void, with p_i the probability of the right class. D is
    `image_dice` and B is `double_softmax_edges`. D is one number for the whole batch: big rock
    pixels only scale it, and it pulls on every class. Left out is what Keras does around the
    formula: clipping probabilities to 1e-7. Void, which the code did not know, is left out of all
    three sums.

    Args:
        logits: (N, C, H, W), float.
        targets: (N, H, W), int64, VOID left out.
        background: The class that gets the focal loss.
        big_rock: The class that gets the Dice loss.

    Returns:
        A scalar in [0, inf). An absent class adds nothing to the mean over pixels; with every
        pixel void, 0.

    Raises:
        AreosegError: There is no class `background` or `big_rock`.
    """
    logits, labels, known = prepare(logits, targets)
    classes = logits.shape[1]
    if not (0 <= background < classes and 0 <= big_rock < classes):
        raise AreosegError(
            f"the report's loss got background {background}, big rock {big_rock} and {classes} "
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
    """Compute 1 - the Dice coefficient, meant over images and all classes, smoothed by 1e-6.

    A class absent from an image scores close to 0 there, whatever is predicted.
    """
    probabilities = logits.softmax(dim=1) * known.unsqueeze(1)
    overlap = (truth * probabilities).sum(dim=(2, 3))
    size = (truth + probabilities).sum(dim=(2, 3))
    return 1 - ((2 * overlap + 1e-6) / (size + 1e-6)).mean()


def double_softmax_edges(logits: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Compute mean_{i, k} |s_ik (y_ik - softmax(p)_ik)|, where p is the softmax already.

    The report calls s a signed distance map. It is the length of the falling part of the Sobel
    gradient less that of the rising part. Where one component rises and the other falls the two
    cancel, so a border along one diagonal counts and one along the other does not, and a mirrored
    image costs something else.
    """
    gradients = torch.stack(sobel(truth, padding="reflect"))  # as TensorFlow does
    falling = gradients.clamp(max=0).square().sum(dim=0).sqrt()
    rising = gradients.clamp(min=0).square().sum(dim=0).sqrt()
    bands = (falling - rising) * clear_of_void(known).unsqueeze(1)
    twice = logits.softmax(dim=1).softmax(dim=1)
    return weighted_mean((bands * (truth - twice)).abs().mean(dim=1), known.to(logits))
