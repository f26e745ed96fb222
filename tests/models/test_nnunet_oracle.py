"""`nnunet` computes what MONAI's DynUNet computes with the same weights."""

import pytest
import torch
from torch.nn import functional

from areoseg.models import create_model

nets = pytest.importorskip("monai.networks.nets", reason="MONAI is an oracle of the tests only")

WIDTHS = (8, 16, 32, 48)


def reference():
    return nets.DynUNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=5,
        kernel_size=[3] * len(WIDTHS),
        strides=[1, 2, 2, 2],
        upsample_kernel_size=[2, 2, 2],
        filters=list(WIDTHS),
        norm_name=("INSTANCE", {"affine": True}),
        act_name=("leakyrelu", {"negative_slope": 0.01, "inplace": True}),
        deep_supervision=True,
        deep_supr_num=1,
        trans_bias=True,
    )


def copy_block(ours, theirs, *, swap=None):
    """Copy a block of two convolutions; `swap` exchanges the halves of the concatenated input."""
    for ours_part, conv, norm in (
        (ours[0], theirs.conv1.conv, theirs.norm1),
        (ours[1], theirs.conv2.conv, theirs.norm2),
    ):
        weight = ours_part[0].weight
        if swap and ours_part is ours[0]:
            weight = torch.cat((weight[:, swap:], weight[:, :swap]), dim=1)
        conv.weight.copy_(weight)
        norm.weight.copy_(ours_part[1].weight)
        norm.bias.copy_(ours_part[1].bias)


def copy_layer(ours, theirs):
    theirs.weight.copy_(ours.weight)
    theirs.bias.copy_(ours.bias)


@pytest.fixture
def networks():
    torch.manual_seed(0)
    ours, theirs = create_model("nnunet", widths=WIDTHS), reference()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        blocks = (theirs.input_block, *theirs.downsamples, theirs.bottleneck)
        for block, other in zip(ours.encoder, blocks, strict=True):
            copy_block(block, other)
        for up, block, other in zip(ours.ups, ours.decoder, theirs.upsamples, strict=True):
            copy_layer(up, other.transp_conv.conv)
            # MONAI concatenates the upsampled map before the skip.
            copy_block(block, other.conv_block, swap=up.out_channels)
        copy_layer(ours.heads[0], theirs.output_block.conv.conv)
        copy_layer(ours.heads[1], theirs.deep_supervision_heads[0].conv.conv)
    return ours, theirs


def test_logits_are_those_of_monai(networks):
    ours, theirs = (network.eval() for network in networks)
    images = torch.randn(2, 1, 48, 80)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-4, rtol=1e-4)


def test_auxiliary_logits_are_those_of_monai(networks):
    ours, theirs = (network.train() for network in networks)
    images = torch.randn(2, 1, 48, 80)
    with torch.no_grad():
        logits, half = ours(images)
        expected, auxiliary = theirs(images).unbind(dim=1)  # resized to the image
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    enlarged = functional.interpolate(half, scale_factor=2.0)
    torch.testing.assert_close(enlarged, auxiliary, atol=1e-4, rtol=1e-4)
