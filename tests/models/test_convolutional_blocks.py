import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.errors import AreosegError
from areoseg.models import model_cost
from areoseg.models.layers.convolution import (
    Residual,
    SqueezeExcitation,
    convolution_block,
    double_convolution,
    separable_convolution,
)
from areoseg.models.layers.initialize import fan_in, initialize_weights
from areoseg.models.layers.normalization import (
    batch_norm,
    default_groups,
    group_norm,
    instance_norm,
)
from areoseg.models.layers.pyramid import AtrousPyramid, PoolingPyramid, pool_to_bins
from areoseg.models.layers.size import (
    crop_like,
    pad_to_multiple,
    resize_bilinear,
    resize_like,
    upsample_bilinear,
    upsample_nearest,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


class TestSize:
    def test_a_size_that_fits_is_not_touched(self):
        images = torch.rand(1, 1, 8, 16)
        assert pad_to_multiple(images, in_channels=1, size_divisor=8) is images
        assert crop_like(images, images) is images

    def test_padding_repeats_the_last_row_and_column(self):
        images = torch.arange(6.0).view(1, 1, 2, 3)
        padded = pad_to_multiple(images, in_channels=1, size_divisor=2)
        assert padded.tolist() == [[[[0, 1, 2, 2], [3, 4, 5, 5]]]]

    def test_cropping_undoes_padding(self):
        images = torch.rand(2, 3, 17, 9)
        padded = pad_to_multiple(images, in_channels=3, size_divisor=8)
        assert padded.shape == (2, 3, 24, 16)
        assert torch.equal(crop_like(padded, images), images)

    def test_coarse_logits_keep_every_image_pixel_covered(self):
        images, coarse = torch.rand(1, 1, 17, 9), torch.rand(1, 5, 6, 4)
        assert crop_like(coarse, images, scale=4).shape == (1, 5, 5, 3)

    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((1, 8, 8), r"got \(1, 8, 8\): add the batch and channel axes"),
            ((1, 3, 8, 8), "in_channels=3"),
            ((1, 1, 7, 20), r"at least 8x8 pixels and got \(1, 1, 7, 20\): pad them to 8x20"),
        ],
    )
    def test_images_that_do_not_fit_the_model_are_refused(self, shape, message):
        with pytest.raises(AreosegError, match=message):
            pad_to_multiple(torch.rand(shape), in_channels=1, size_divisor=8)


class TestNormalization:
    @pytest.mark.parametrize(
        ("channels", "groups"), [(1, 1), (6, 1), (8, 2), (12, 3), (20, 5), (32, 8), (36, 6)]
    )
    def test_default_groups_divide_the_channels(self, channels, groups):
        assert default_groups(channels) == groups

    def test_group_norm_is_its_formula(self):
        features = torch.randn(2, 6, 4, 5)
        groups = features.view(2, 3, -1)
        mean = groups.mean(dim=2, keepdim=True)
        variance = groups.var(dim=2, keepdim=True, unbiased=False)
        expected = ((groups - mean) / (variance + 1e-5).sqrt()).view_as(features)
        torch.testing.assert_close(group_norm(3)(6)(features), expected)

    def test_as_many_groups_as_channels_is_instance_norm(self):
        features = torch.randn(2, 6, 4, 5)
        torch.testing.assert_close(group_norm(6)(6)(features), instance_norm(6)(features))

    @pytest.mark.parametrize("groups", [0, -2, 4])
    def test_groups_that_do_not_divide_the_channels_are_refused(self, groups):
        with pytest.raises(AreosegError, match="does not divide a layer of 6 channels"):
            group_norm(groups)(6)


class TestConvolution:
    @pytest.mark.parametrize("norm", [None, batch_norm])
    def test_a_convolution_has_a_bias_only_without_norm(self, norm):
        block = convolution_block(3, 4, norm=norm)
        assert (block[0].bias is None) == (norm is not None)

    @pytest.mark.parametrize("dilation", [1, 2, 5])
    @pytest.mark.parametrize("kernel_size", [1, 3, 5])
    def test_padding_keeps_the_size(self, kernel_size, dilation):
        block = convolution_block(2, 3, norm=None, kernel_size=kernel_size, dilation=dilation)
        assert block(torch.rand(1, 2, 7, 9)).shape == (1, 3, 7, 9)

    def test_a_double_convolution_takes_the_stride_once(self):
        block = double_convolution(2, 3, norm=batch_norm, stride=2)
        assert block(torch.rand(1, 2, 8, 12)).shape == (1, 3, 4, 6)

    def test_a_separable_convolution_has_few_weights(self):
        weights = sum(weight.numel() for weight in separable_convolution(10, 20).parameters())
        assert weights == 9 * 10 + 10 * 20


class TestInitialize:
    def test_variance_stays_through_many_layers(self):
        blocks = [convolution_block(64, 64, norm=None, kernel_size=1) for _ in range(20)]
        network = nn.Sequential(*blocks)
        initialize_weights(network)
        with torch.no_grad():
            features = network(torch.randn(64, 64, 4, 4))
        assert 0.2 < features.square().mean() < 5

    def test_a_transposed_convolution_keeps_the_variance_too(self):
        up = nn.ConvTranspose2d(256, 256, 2, stride=2)
        initialize_weights(up)
        with torch.no_grad():
            features = up(torch.randn(4, 256, 8, 8).relu())
        assert features.var().item() == pytest.approx(1, rel=0.1)

    def test_fan_in_counts_the_weights_of_one_output_value(self):
        assert fan_in(nn.Conv2d(8, 4, 3)) == 72
        assert fan_in(nn.Conv2d(8, 8, 3, groups=8)) == 9
        assert fan_in(nn.ConvTranspose2d(8, 4, 2, stride=2)) == 8

    def test_biases_start_at_zero_and_linear_layers_are_left_alone(self):
        network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(4, 4))
        before = network[1].weight.clone()
        initialize_weights(network)
        assert torch.equal(network[0].bias, torch.zeros(4))
        assert torch.equal(network[1].weight, before)


class TestResize:
    def test_nearest_upsampling_repeats_pixels(self):
        features = torch.tensor([[[[1.0, 2.0]]]])
        assert upsample_nearest(features).tolist() == [[[[1, 1, 2, 2], [1, 1, 2, 2]]]]

    def test_bilinear_upsampling_keeps_a_slope(self):
        features = torch.arange(6.0).expand(1, 1, 3, 6)
        slope = upsample_bilinear(features)[0, 0, 0].diff()
        torch.testing.assert_close(slope[1:-1], torch.full((9,), 0.5))

    def test_resizing_to_the_same_size_changes_nothing(self):
        features = torch.rand(1, 2, 3, 4)
        assert resize_like(features, torch.rand(1, 1, 3, 4)) is features
        torch.testing.assert_close(resize_bilinear(features, 3, 4), features)

    def test_resizing_takes_the_size_of_the_reference(self):
        assert resize_like(torch.rand(1, 2, 3, 4), torch.rand(1, 1, 5, 9)).shape == (1, 2, 5, 9)


class TestPyramid:
    @pytest.mark.parametrize("bins", [1, 2, 3, 4, 6])
    @pytest.mark.parametrize("size", [(4, 8), (5, 9), (16, 3), (1, 1)])
    def test_pooling_to_bins_is_adaptive_average_pooling(self, bins, size):
        features = torch.randn(2, 3, *size)
        expected = functional.adaptive_avg_pool2d(features, bins)
        torch.testing.assert_close(pool_to_bins(features, bins), expected)

    def test_a_pooling_pyramid_lets_every_pixel_see_the_whole_map(self):
        pyramid = PoolingPyramid(8, 4, bins=(1, 2), norm=None)
        features = torch.randn(1, 8, 4, 8, requires_grad=True)
        pyramid(features)[0, :, 0, 0].sum().backward()
        assert (features.grad.abs().sum(dim=(0, 1)) > 0).all()

    def test_rates_beyond_the_map_make_pointwise_convolutions(self):
        features = torch.randn(1, 4, 4, 8)
        pyramid = AtrousPyramid(4, 6, rates=(12,), norm=None, activation=nn.Identity)
        convolution = pyramid.dilated[0][0]
        middle = convolution.weight[:, :, 1:2, 1:2]
        pointwise = functional.conv2d(features, middle, convolution.bias)
        torch.testing.assert_close(convolution(features), pointwise)

    def test_without_norm_and_activation_an_atrous_pyramid_is_linear(self):
        pyramid = AtrousPyramid(4, 6, rates=(1, 2), norm=None, activation=nn.Identity)
        initialize_weights(pyramid)  # no biases
        one, other = torch.randn(2, 1, 4, 4, 8)
        torch.testing.assert_close(
            pyramid(one - 3 * other), pyramid(one) - 3 * pyramid(other), atol=1e-4, rtol=1e-4
        )


def test_squeeze_and_excitation_is_its_formula():
    block = SqueezeExcitation(8, reduction=4)
    features = torch.randn(2, 8, 3, 5)
    squeeze, excite = block.weigh[0][0], block.weigh[1][0]
    hidden = (features.mean(dim=(2, 3)) @ squeeze.weight[:, :, 0, 0].T + squeeze.bias).relu()
    weights = (hidden @ excite.weight[:, :, 0, 0].T + excite.bias).sigmoid()
    torch.testing.assert_close(block(features), features * weights[:, :, None, None])


def test_a_residual_adds_body_and_shortcut():
    features = torch.randn(1, 2, 3, 3)
    assert torch.equal(Residual(nn.Tanh())(features), features.tanh() + features)
    assert torch.equal(Residual(nn.Tanh(), nn.ReLU())(features), features.tanh() + features.relu())


class TestCost:
    def test_a_convolution_costs_its_weights_times_its_pixels(self):
        cost = model_cost(nn.Conv2d(3, 8, 3, stride=2, padding=1), 3, 16, 32)
        assert cost.parameters == 3 * 8 * 9 + 8
        assert cost.macs == 3 * 8 * 9 * 8 * 16

    def test_a_transposed_convolution_spends_its_weights_on_each_input_pixel(self):
        assert model_cost(nn.ConvTranspose2d(3, 8, 2, stride=2), 3, 4, 8).macs == 3 * 8 * 4 * 32

    def test_groups_divide_the_cost(self):
        assert model_cost(nn.Conv2d(8, 8, 3, padding=1, groups=8), 8, 4, 4).macs == 8 * 9 * 16

    def test_counting_leaves_the_model_as_it_was(self):
        model = double_convolution(1, 4, norm=batch_norm).train()
        before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
        model_cost(model, 1, 8, 8)
        assert model.training
        assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())

    def test_counting_leaves_a_layer_that_is_named_three_times_as_it_was(self):
        model = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1))
        model.again, model.within = model[0], nn.Sequential(model[0])
        model_cost(model, 1, 8, 8)
        assert {tensor.device.type for tensor in model.state_dict().values()} == {"cpu"}
