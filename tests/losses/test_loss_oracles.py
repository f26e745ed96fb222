"""Losses beside those of MONAI and kornia, on batches where the conventions agree.

No pixel is void and every class is present, since the libraries have no void, and count absent
classes. Their smoothing terms are 0. MONAI multiplies class weights without dividing by their sum,
and its focal loss is a mean over classes too. kornia's Lovász-softmax is a mean over images, and
ours one value of the batch, so it is compared image by image.
"""

import kornia.losses
import monai.losses
import pytest
import torch

from areoseg.losses.boundary import boundary_distance
from areoseg.losses.pixel import focal
from areoseg.losses.region import dice, focal_tversky, jaccard, lovasz_softmax, tversky

CLASSES = 5
WEIGHTS = torch.tensor([0.2, 1.0, 1.5, 2.0, 7.0])
BATCH = {
    "to_onehot_y": True,
    "softmax": True,
    "batch": True,
    "smooth_nr": 0.0,
    "smooth_dr": 0.0,
}


@pytest.fixture(params=[0, 1, 2])
def batch(request, make_batch):
    return make_batch(request.param, images=3, void=0)


def monai_loss(loss, batch):
    logits, targets = batch
    return loss(logits, targets.unsqueeze(1))


def test_dice_is_that_of_monai(batch):
    expected = monai_loss(monai.losses.DiceLoss(**BATCH), batch)
    torch.testing.assert_close(dice(*batch), expected)


def test_weighted_dice_is_that_of_monai(batch):
    expected = monai_loss(monai.losses.DiceLoss(weight=WEIGHTS, **BATCH), batch)
    torch.testing.assert_close(dice(*batch, class_weights=WEIGHTS), expected / WEIGHTS.mean())


def test_generalized_dice_is_that_of_monai(batch):
    expected = monai_loss(monai.losses.GeneralizedDiceLoss(w_type="square", **BATCH), batch)
    torch.testing.assert_close(dice(*batch, generalized=True), expected)


def test_jaccard_is_that_of_monai(batch):
    expected = monai_loss(monai.losses.DiceLoss(jaccard=True, **BATCH), batch)
    torch.testing.assert_close(jaccard(*batch), expected)


@pytest.mark.parametrize("delta", [0.3, 0.5, 0.7])
def test_tversky_is_that_of_monai(batch, delta):
    loss = monai.losses.TverskyLoss(alpha=1 - delta, beta=delta, **BATCH)
    torch.testing.assert_close(tversky(*batch, delta=delta), monai_loss(loss, batch))


def test_focal_tversky_is_a_power_of_the_tversky_of_monai(batch):
    loss = monai.losses.TverskyLoss(alpha=0.3, beta=0.7, reduction="none", **BATCH)
    expected = monai_loss(loss, batch).pow(0.75).mean()
    torch.testing.assert_close(focal_tversky(*batch), expected)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_is_that_of_monai_and_kornia(batch, gamma):
    loss = monai.losses.FocalLoss(gamma=gamma, to_onehot_y=True, use_softmax=True)
    torch.testing.assert_close(focal(*batch, gamma=gamma), CLASSES * monai_loss(loss, batch))
    mean = kornia.losses.focal_loss(*batch, alpha=None, gamma=gamma, reduction="mean")
    torch.testing.assert_close(focal(*batch, gamma=gamma), CLASSES * mean)


def test_lovasz_is_that_of_kornia(batch):
    logits, targets = batch
    for image in range(len(logits)):
        one = logits[image : image + 1], targets[image : image + 1].clone()
        one[1].view(-1)[:CLASSES] = torch.arange(CLASSES)
        torch.testing.assert_close(lovasz_softmax(*one), kornia.losses.lovasz_softmax_loss(*one))


def test_the_distance_loss_is_that_of_monai(batch):
    loss = monai.losses.BoundaryLoss(to_onehot_y=True, softmax=True)
    torch.testing.assert_close(boundary_distance(*batch), monai_loss(loss, batch))
