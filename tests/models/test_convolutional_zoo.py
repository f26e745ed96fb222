"""The convolutional models have the sizes that their sources give, and refuse bad options."""

import pytest
import torch
from torch import nn

from areoseg.errors import AreosegError
from areoseg.models import create_model, model_cost

# Millions of parameters and of multiply-accumulates for one 64x128 image, 5 classes.
SIZES = {
    "unet": (0.472, 910),
    "unet-classic": (31.03, 6010),
    "unet-l": (7.852, 1740),
    "unet-l-small": (1.95, 1320),
    "unet-groupnorm": (7.79, 5290),
    "unet-aspp": (24.8, 4700),
    "dual-unet": (24.8, 4700),
    "unet-resse": (0.505, 969),
    "psp-attention": (6.49, 1725),
    "nnunet": (7.764, 1505),
    "unet-xception": (2.053, 279),
}


def create_on_meta(name, **options):
    with torch.device("meta"):
        return create_model(name, **options)


@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_the_source_within_one_percent(name):
    parameters, macs = SIZES[name]
    cost = model_cost(create_on_meta(name), 1, 64, 128)
    assert cost.parameters / 1e6 == pytest.approx(parameters, rel=0.01)
    assert cost.macs / 1e6 == pytest.approx(macs, rel=0.01)


def test_the_reports_pyramid_has_the_reports_size():
    model = create_on_meta("unet-aspp", variant="homework", rates=(6, 12, 18))
    assert model_cost(model, 1, 64, 128).parameters / 1e6 == pytest.approx(24.8, rel=0.01)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in model.pyramid.modules())


def test_unet_xception_has_the_weights_of_the_keras_tutorial():
    # Keras prints 2,055,203 trainable parameters for 3 channels and 3 classes; 1,888 of them are
    # biases that a batch norm cancels.
    cost = model_cost(create_on_meta("unet-xception", in_channels=3, classes=3), 3, 64, 64)
    assert cost.parameters == 2_055_203 - 1_888


def test_the_reports_32_groups_are_instance_norm_on_the_first_level():
    groups = {
        layer.num_channels: layer.num_groups
        for layer in create_on_meta("unet-l", groups=32).modules()
        if isinstance(layer, nn.GroupNorm)
    }
    assert groups == {32: 32, 64: 32, 128: 32, 256: 32, 512: 32}


def test_nnunet_supervises_all_but_the_two_coarsest_levels():
    assert create_on_meta("nnunet").auxiliary_weights == (0.5, 0.25)


def test_dual_unet_weighs_the_finer_levels_more():
    assert create_on_meta("dual-unet").auxiliary_weights == (0.5, 0.3, 0.2, 0.1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("unet-l", {"groups": 5}, "groups=5 does not divide a layer of 32 channels"),
        ("unet-aspp", {"variant": "own"}, "no variant 'own'"),
        ("dual-unet", {"widths": (4,) * 6}, "6 widths"),
        ("unet-groupnorm", {"widths": (8, 16)}, "2 widths and 4 dropout rates"),
    ],
)
def test_options_that_do_not_fit_are_refused(name, options, message):
    with pytest.raises(AreosegError, match=message):
        create_on_meta(name, **options)
