"""DropBlock and stochastic depth."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_opening
from scipy.signal import convolve2d
from torch import nn

from areoseg.models.layers.convolution import Residual
from areoseg.models.layers.regularization import (
    DropBlock,
    DropPath,
    drop_block,
    set_drop_path,
    set_progress,
    use_dropblock,
)


def dropped(rate, size, *, shape=(8, 64, 16, 24), seed=0):
    torch.manual_seed(seed)
    return drop_block(torch.ones(shape), rate, size) == 0


def expected_share(rate, size, height, width):
    """The mean chance of a pixel to be in at least one square, from the places that cover it."""
    places = (height - size + 1) * (width - size + 1)
    gamma = rate / size**2 * height * width / places
    starts = np.ones((height - size + 1, width - size + 1))
    covering = convolve2d(starts, np.ones((size, size)))  # (height, width)
    return (1 - (1 - gamma) ** covering).mean()


@pytest.mark.parametrize("size", [1, 3, 4, 7])
@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_expected_share_is_dropped(rate, size):
    share = dropped(rate, size).float().mean().item()
    assert share == pytest.approx(expected_share(rate, size, 16, 24), rel=0.04)
    assert 0.8 * rate < share < 1.05 * rate


@pytest.mark.parametrize("size", [2, 3, 5])
def test_what_is_dropped_is_made_of_whole_squares(size):
    for mask in dropped(0.1, size, shape=(1, 64, 16, 24))[0].numpy():
        squares = binary_opening(mask, np.ones((size, size)))  # the union of those that fit
        np.testing.assert_array_equal(squares, mask)


def test_a_square_as_large_as_the_map_drops_whole_channels():
    mask = dropped(0.3, 99, shape=(16, 128, 4, 6)).flatten(2)
    assert torch.equal(mask.any(dim=2), mask.all(dim=2))
    assert mask.float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_what_is_left_makes_up_for_what_is_dropped():
    torch.manual_seed(0)
    kept = drop_block(torch.ones(4, 16, 16, 16), 0.3, 3)
    assert kept.mean().item() == pytest.approx(1, abs=1e-5)
    assert len(kept.unique()) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropping_everything_gives_zeros_and_no_nan(dtype):
    answer = drop_block(torch.ones(1, 2, 4, 4, dtype=dtype), 1.0, 4)
    assert answer.dtype == dtype
    assert torch.equal(answer, torch.zeros(1, 2, 4, 4, dtype=dtype))


def test_draws_come_from_the_generator_that_training_seeds():
    assert torch.equal(dropped(0.2, 3, seed=1), dropped(0.2, 3, seed=1))
    assert not torch.equal(dropped(0.2, 3, seed=1), dropped(0.2, 3, seed=2))


def test_the_rate_grows_with_the_progress():
    network = nn.Sequential(nn.Dropout2d(0.4))
    assert use_dropblock(network, 3) == 1
    images = torch.ones(4, 16, 16, 16)
    shares = []
    for progress in (0.0, 0.5, 1.0):
        set_progress(network, progress)
        shares.append((network(images) == 0).float().mean().item())
    assert shares[0] == 0
    assert shares[1] == pytest.approx(expected_share(0.2, 3, 16, 16), rel=0.1)
    assert shares[2] == pytest.approx(expected_share(0.4, 3, 16, 16), rel=0.1)
    assert torch.equal(network.eval()(images), images)


def test_dropblock_takes_the_place_of_dropout_at_any_depth():
    network = nn.Sequential(nn.Dropout(0.1), nn.ModuleList([nn.Dropout2d(0.2), nn.Dropout(0.0)]))
    assert use_dropblock(network, 5) == 2
    assert [str(layer) for layer in network.modules() if isinstance(layer, DropBlock)] == [
        "DropBlock(rate=0.1, size=5)",
        "DropBlock(rate=0.2, size=5)",
    ]


def test_drop_rates_grow_to_the_last_branch():
    network = nn.Sequential(*(Residual(nn.Conv2d(2, 2, 1)) for _ in range(4)))
    assert set_drop_path(network, 0.2) == 4
    assert [block.drop_path.rate for block in network] == pytest.approx([0.05, 0.1, 0.15, 0.2])
    assert set_drop_path(nn.Conv2d(2, 2, 1), 0.2) == 0


def test_a_dropped_branch_leaves_the_shortcut_and_a_kept_one_is_scaled():
    block = Residual(nn.Identity(), drop_path=0.25)
    images = torch.ones(400, 1, 2, 2)
    torch.manual_seed(0)
    answer = block(images)[:, 0, 0, 0]
    assert answer.unique().tolist() == pytest.approx([1, 1 + 1 / 0.75])
    assert (answer == 1).float().mean().item() == pytest.approx(0.25, abs=0.06)
    assert torch.equal(block.eval()(images), 2 * images)


def test_a_residual_block_drops_nothing_unless_asked_to():
    block = Residual(nn.Identity())
    assert isinstance(block.drop_path, DropPath)
    images = torch.ones(100, 1, 2, 2)
    assert torch.equal(block(images), 2 * images)
