from itertools import pairwise

import numpy as np
import pytest

from areoseg.inference.tiling import blended_rows, spans, tile_windows


@pytest.mark.parametrize("length", [1, 7, 31, 32, 33, 61, 64, 100, 517])
@pytest.mark.parametrize(("tile", "overlap", "size_divisor"), [(32, 16, 4), (32, 0, 8), (32, 5, 1)])
def test_spans_cover_an_axis_and_their_weights_sum_to_one(length, tile, overlap, size_divisor):
    total = np.zeros(length)
    found = spans(length, tile, overlap=overlap, size_divisor=size_divisor)
    for span in found:
        assert span.start % size_divisor == 0
        assert tile - size_divisor < span.stop - span.start <= tile or len(found) == 1
        total[span.start : span.stop] += span.weights
    np.testing.assert_allclose(total, 1, atol=1e-6)
    for one, other in pairwise(found):
        assert one.stop - other.start >= overlap
    assert found[0].start == 0
    assert found[-1].stop == length


def test_an_axis_no_longer_than_a_tile_is_one_span_of_full_weight():
    (only,) = spans(32, 32, overlap=16)
    assert (only.weights == 1).all()


def test_weights_are_smooth_and_small_at_inner_edges():
    first, second = spans(48, 32, overlap=16)
    assert (first.weights[:16] == 1).all()
    assert first.weights[-1] < 0.01
    assert second.weights[0] < 0.01
    assert np.abs(np.diff(first.weights)).max() < np.pi / 2 / 16


def test_more_than_two_tiles_may_share_a_pixel():
    found = spans(65, 32, overlap=16)
    shared = np.zeros(65, int)
    for span in found:
        shared[span.start : span.stop] += 1
    assert shared.max() > 2
    assert sum(span.weights.sum() for span in found) == pytest.approx(65)


def blend(array, max_rows, tile=32, overlap=8, skip=()):
    rows, columns = (
        spans(length, tile, overlap=overlap, size_divisor=4) for length in array.shape[-2:]
    )

    def window_of(window):
        if (window.top, window.left) in skip:
            return None
        return array[:, window.top : window.bottom, window.left : window.right]

    tiles = map(window_of, tile_windows(rows, columns))
    return list(blended_rows(rows, columns, len(array), tiles, max_rows=max_rows))


@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 32, 32), (2, 33, 200), (1, 150, 70)])
@pytest.mark.parametrize("max_rows", [1, 7, 1000])
def test_blending_windows_of_a_map_gives_the_map(shape, max_rows):
    array = np.random.default_rng(0).random(shape, np.float32)
    blocks = blend(array, max_rows)
    assert max(block.shape[1] for block in blocks) <= max_rows
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), array, atol=1e-6)


def test_a_tile_that_nobody_needs_counts_as_zeros():
    array = np.ones((1, 32, 56), np.float32)
    (block,) = blend(array, 1000, skip=[(0, 0)])
    assert (block[0, :, :24] == 0).all()
    assert (block[0, :, 32:] == 1).all()
