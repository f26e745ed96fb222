"""Light4Mars computes what its equations say."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.models.light4mars import (
    AggregatedLocalAttention,
    SqueezeWindowAttention,
    SqueezeWindowBlock,
    UpgradedFeedForward,
)


@pytest.fixture(autouse=True)
def _fixed_seed():
    torch.manual_seed(0)


def test_squeeze_window_attention_is_its_formula_in_a_window():
    attention = SqueezeWindowAttention(4, heads=1, window=3)
    window = torch.randn(3, 3, 4)
    squeezed = torch.stack(
        [
            window[i, j] * window[i].mean(dim=0) * window[:, j].mean(dim=0)
            for i in range(3)
            for j in range(3)
        ]
    )
    query, key = attention.query_key(attention.norm(squeezed)).split(4, dim=-1)
    weights = torch.softmax(query @ key.T / 4**0.5, dim=-1)
    expected = attention.mix_heads(weights @ attention.value(window.reshape(9, 4)))
    answer = attention(window.unsqueeze(0))
    torch.testing.assert_close(answer, expected.reshape(1, 3, 3, 4))


def test_windows_do_not_see_each_other():
    attention = SqueezeWindowAttention(4, heads=2, window=4)
    features = torch.randn(1, 8, 8, 4)
    changed = features.clone()
    changed[0, 1, 6] += 1.0
    difference = (attention(changed) - attention(features)).abs().amax(dim=-1)[0]
    assert difference[:4, 4:].min() > 0
    assert difference[4:].max() == 0
    assert difference[:4, :4].max() == 0


@pytest.mark.parametrize(("official", "gain"), [(False, 1.0), (True, 2.0)])
def test_a_block_whose_halves_answer_nothing_passes_its_input_and_the_official_one_doubles_it(
    official, gain
):
    block = SqueezeWindowBlock(4, 2, 4, drop_path=0.0, official=official)
    for last in (block.attention.mix_heads, block.feed_forward.narrow):
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    features = torch.randn(2, 5, 6, 4)
    torch.testing.assert_close(block(features), gain * features)


def test_the_official_block_has_one_layer_norm_for_both_halves():
    norms = [
        len(SqueezeWindowBlock(4, 2, 4, drop_path=0.0, official=official).norms)
        for official in (True, False)
    ]
    assert norms == [1, 2]


def test_the_feed_forward_sees_the_3x3_neighborhood_and_no_further():
    feed_forward = UpgradedFeedForward(4)
    features = torch.randn(1, 7, 7, 4)
    changed = features.clone()
    changed[0, 3, 3] += 1.0
    difference = (feed_forward(changed) - feed_forward(features)).abs().amax(dim=-1)[0]
    expected = torch.zeros(7, 7, dtype=torch.bool)
    expected[2:5, 2:5] = True
    assert torch.equal(difference > 0, expected)


def test_aggregated_local_attention_is_its_formula():
    attention = AggregatedLocalAttention(2, 4).eval()
    skip, coarse = torch.randn(1, 2, 6, 8), torch.randn(1, 4, 3, 4)
    upsampled = functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
    joined = attention.join(torch.cat((skip, upsampled), dim=1))
    local = attention.norm(joined)
    by_size = {layer.kernel_size[0]: layer(local) for layer in attention.neighbors}
    assert sorted(by_size) == [1, 3, 5]
    expected = attention.aggregate(local + by_size[1] + by_size[3] + by_size[5]) * joined
    torch.testing.assert_close(attention(skip, coarse), expected)
