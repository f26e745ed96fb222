"""Attention, windows and stochastic depth compute what their formulas say."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from areoseg.models.layers.attention import (
    AttentionGate,
    LayerNorm2d,
    PositionConvolution,
    SelfAttention,
    TransformerBlock,
    attend_written_out,
    join_windows,
    multi_head_attention,
    split_windows,
)
from areoseg.models.layers.regularization import DropPath, drop_path, rates_by_depth


@pytest.fixture(autouse=True)
def _fixed_seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("attend", [attend_written_out, functional.scaled_dot_product_attention])
def test_multi_head_attention_is_the_softmax_formula_in_each_head(attend):
    query, key, value = torch.randn(2, 5, 6), torch.randn(2, 7, 6), torch.randn(2, 7, 4)
    answer = multi_head_attention(query, key, value, heads=2, attend=attend)
    for head in range(2):
        q, k = query[..., 3 * head : 3 * head + 3], key[..., 3 * head : 3 * head + 3]
        weights = torch.softmax(q @ k.transpose(1, 2) / 3**0.5, dim=-1)
        expected = weights @ value[..., 2 * head : 2 * head + 2]
        torch.testing.assert_close(answer[..., 2 * head : 2 * head + 2], expected)


def test_self_attention_agrees_with_torch_multihead_attention():
    attention = SelfAttention(8, heads=2)
    oracle = nn.MultiheadAttention(8, 2, batch_first=True)
    with torch.no_grad():
        oracle.in_proj_weight.copy_(attention.query_key_value.weight)
        oracle.in_proj_bias.copy_(attention.query_key_value.bias)
        oracle.out_proj.weight.copy_(attention.mix_heads.weight)
        oracle.out_proj.bias.copy_(attention.mix_heads.bias)
    features = torch.randn(2, 8, 3, 5)
    tokens = features.flatten(2).transpose(1, 2)
    expected, _ = oracle(tokens, tokens, tokens)
    expected = expected.transpose(1, 2).reshape(features.shape)
    torch.testing.assert_close(attention(features), expected)


def test_self_attention_may_have_heads_as_wide_as_the_map():
    attention = SelfAttention(8, heads=4, head_channels=8)
    assert attention.query_key_value.out_features == 3 * 4 * 8
    assert attention(torch.randn(1, 8, 2, 3)).shape == (1, 8, 2, 3)


def test_self_attention_does_not_know_positions_and_a_transformer_block_does():
    features = torch.randn(1, 8, 4, 4)
    attention, block = SelfAttention(8, heads=2), TransformerBlock(8, heads=2)
    with torch.no_grad():
        block.position.convolution.bias.zero_()
    torch.testing.assert_close(attention(features.flip(-1)), attention(features).flip(-1))
    assert (block(features.flip(-1)) - block(features).flip(-1)).abs().max() > 1e-2


def test_position_convolution_adds_to_its_input():
    position = PositionConvolution(3)
    features = torch.randn(1, 3, 4, 5)
    torch.testing.assert_close(position(features) - features, position.convolution(features))


def test_layer_norm_2d_normalizes_each_pixel_over_its_channels():
    norm = LayerNorm2d(6)
    normalized = norm(3 + 2 * torch.randn(2, 6, 4, 5))
    torch.testing.assert_close(normalized.mean(dim=1), torch.zeros(2, 4, 5), atol=1e-5, rtol=0)
    std = normalized.std(dim=1, correction=0)
    torch.testing.assert_close(std, torch.ones(2, 4, 5), atol=1e-3, rtol=0)


def test_a_gate_computes_additive_attention():
    gate = AttentionGate(4, 6, 3, project=False)
    skip, coarse = torch.randn(2, 4, 8, 6), torch.randn(2, 6, 4, 3)
    inner = functional.conv2d(skip, gate.weigh_skip.weight, stride=2)
    inner = inner + functional.conv2d(coarse, gate.weigh_gate.weight, gate.weigh_gate.bias)
    score = functional.conv2d(inner.clamp(min=0), gate.score.weight, gate.score.bias)
    alpha = functional.interpolate(score.sigmoid(), size=(8, 6), mode="bilinear")
    torch.testing.assert_close(gate(skip, coarse), alpha * skip)


@pytest.mark.parametrize(("bias", "open_share"), [(-100.0, 0.0), (100.0, 1.0)])
def test_a_gate_can_close_and_open(bias, open_share):
    gate = AttentionGate(4, 4, 2, project=False)
    nn.init.constant_(gate.score.bias, bias)
    skip = torch.randn(1, 4, 4, 4)
    torch.testing.assert_close(gate(skip, torch.randn(1, 4, 2, 2)), open_share * skip)


@pytest.mark.parametrize("gate_size", [(3, 4), (6, 8)])
@pytest.mark.parametrize("skip_stride", [1, 2])
def test_a_gate_takes_a_gate_of_another_size(gate_size, skip_stride):
    gate = AttentionGate(4, 5, 2, skip_stride=skip_stride)
    assert gate(torch.randn(2, 4, 6, 8), torch.randn(2, 5, *gate_size)).shape == (2, 4, 6, 8)


@pytest.mark.parametrize("shape", [(2, 8, 12, 3), (1, 5, 7, 2), (3, 2, 3, 1), (2, 4, 4, 2)])
def test_joining_undoes_splitting(shape):
    features = torch.randn(shape)
    windows = split_windows(features, 4)
    assert windows.shape == (shape[0] * -(-shape[1] // 4) * -(-shape[2] // 4), 4, 4, shape[3])
    assert torch.equal(join_windows(windows, shape), features)


def test_windows_come_row_by_row_and_end_in_zeros():
    features = torch.arange(1.0, 16.0).reshape(1, 3, 5, 1)
    windows = split_windows(features, 2).squeeze(-1)
    expected = [
        [[1, 2], [6, 7]],
        [[3, 4], [8, 9]],
        [[5, 0], [10, 0]],
        [[11, 12], [0, 0]],
        [[13, 14], [0, 0]],
        [[15, 0], [0, 0]],
    ]
    assert windows.tolist() == expected


def test_drop_path_drops_whole_samples_and_keeps_the_mean():
    kept = drop_path(torch.ones(4000, 2, 3), 0.25)
    assert torch.equal(kept.amin(dim=(1, 2)), kept.amax(dim=(1, 2)))
    assert kept.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert kept.mean().item() == pytest.approx(1.0, abs=0.04)


def test_drop_path_is_the_identity_in_evaluation_and_at_rate_zero():
    branch = torch.randn(16, 3)
    assert torch.equal(DropPath(0.5).eval()(branch), branch)
    assert torch.equal(DropPath(0.0).train()(branch), branch)
    assert not torch.equal(DropPath(0.5).train()(branch), branch)


def test_drop_rates_grow_linearly_over_all_stages():
    rates = rates_by_depth([1, 2, 2], 0.4)
    expected = [[0.0], [0.1, 0.2], [0.3, 0.4]]
    assert [pytest.approx(stage) for stage in expected] == rates
    assert rates_by_depth([1], 0.4) == [[0.0]]
