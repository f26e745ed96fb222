"""Tiles of one image are recognized by their edges, and stay in one split."""

import numpy as np
import pytest

import areoseg
from areoseg.data.adjacency import find_adjacent, group_adjacent
from areoseg.data.load import read_data
from areoseg.data.split import split_samples


def scene(seed, height=128, width=256):
    """A smooth random landscape (H, W) uint8."""
    generator = np.random.default_rng(seed)
    coarse = generator.normal(size=(height + 64, width + 64))
    spectrum = np.fft.rfft2(coarse)
    rows, columns = np.fft.fftfreq(height + 64)[:, None], np.fft.rfftfreq(width + 64)[None]
    spectrum /= np.hypot(rows, columns) ** 1.5 + 1e-2
    found = np.fft.irfft2(spectrum, s=coarse.shape)[:height, :width]
    return np.clip(128 + 40 * found / found.std(), 0, 255).astype(np.uint8)


def cut(image, height=64, width=128):
    rows = range(0, image.shape[0], height)
    return [
        image[y : y + height, x : x + width] for y in rows for x in range(0, image.shape[1], width)
    ]


@pytest.fixture(scope="module")
def tiles():
    """The four tiles each of 20 scenes, in random order, and the scene of each tile."""
    scenes = np.repeat(np.arange(20), 4)
    images = np.stack([tile for seed in range(20) for tile in cut(scene(seed))])
    order = np.random.default_rng(0).permutation(len(images))
    return images[order], scenes[order], order


def test_neighbors_are_found_and_strangers_are_not(tiles):
    images, scenes, order = tiles
    pairs = find_adjacent(images)
    assert len(pairs) >= 60  # of 80
    for pair in pairs:
        assert scenes[pair.first] == scenes[pair.second]
        step = order[pair.second] - order[pair.first]
        assert step == {"right": 1, "below": 2}[pair.direction]
    assert [pair.ratio for pair in pairs] == sorted((pair.ratio for pair in pairs), reverse=True)


def test_the_order_of_tiles_does_not_matter(tiles):
    images, _, _ = tiles
    order = np.random.default_rng(1).permutation(len(images))
    direct = {(pair.first, pair.second, pair.direction) for pair in find_adjacent(images)}
    moved = {
        (order[pair.first], order[pair.second], pair.direction)
        for pair in find_adjacent(images[order])
    }
    assert moved == direct


def test_blocks_of_rows_give_the_same_pairs(tiles, monkeypatch):
    expected = find_adjacent(tiles[0])
    for rows in (1, 7):
        monkeypatch.setattr("areoseg.data.adjacency.ROWS", rows)
        found = find_adjacent(tiles[0])
        assert [(p.first, p.second) for p in found] == [(p.first, p.second) for p in expected]


def test_bytes_and_floats_give_the_same_pairs(tiles):
    expected = {(pair.first, pair.second) for pair in find_adjacent(tiles[0])}
    found = find_adjacent((tiles[0] / 255).astype(np.float32))
    assert {(pair.first, pair.second) for pair in found} == expected


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((50, 16, 16), np.uint8),
        np.full((50, 16, 16), 255, np.uint8),
        np.repeat(np.random.default_rng(0).integers(0, 255, (1, 16, 16), np.uint8), 50, axis=0),
        np.random.default_rng(0).integers(0, 255, (3, 16, 16), np.uint8),
        np.zeros((0, 16, 16), np.uint8),
        np.zeros((99, 1, 1), np.uint8),
    ],
)
def test_images_without_evidence_have_no_pairs(images):
    assert find_adjacent(images) == []


def test_noise_of_the_size_of_tiles_has_no_pairs():
    images = np.random.default_rng(0).integers(0, 255, (300, 64, 128)).astype(np.uint8)
    assert find_adjacent(images) == []


def test_groups_are_connected_tiles(tiles):
    images, scenes, _ = tiles
    names = [f"tile-{index}" for index in range(len(images))]
    groups = group_adjacent(names, find_adjacent(images))
    assert len(groups) == len(images)
    for group in set(groups):
        members = [index for index, found in enumerate(groups) if found == group]
        assert names[members[0]] == group
        assert len(set(scenes[members])) == 1
    assert group_adjacent(["a", "b"], []) == ("a", "b")


@pytest.fixture
def npz(tiles, tmp_path):
    images = tiles[0]
    masks = (images > 128).astype(np.uint8) + 1
    path = tmp_path / "tiles.npz"
    np.savez(path, training_set=np.stack([images, masks], axis=1))
    return path


def test_a_dataset_without_groups_is_grouped_and_says_so(npz, tiles):
    data = read_data(npz)
    assert data.labeled.groups is not None
    assert any("no groups are given" in warning for warning in data.warnings)
    split = split_samples(data.labeled, val=0.2, test=0.2)
    parts = [{tiles[1][index] for index in part} for part in (split.train, split.val, split.test)]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]


def test_groups_can_be_switched_off(npz):
    data = read_data(npz, groups="none")
    assert data.labeled.groups is None
    assert data.warnings == ()


def test_a_run_remembers_that_its_groups_are_incomplete(npz, tiny, tmp_path, capsys):
    overrides = [*tiny, "data.audit=false", "training.epochs=1"]
    run = areoseg.train("unet", npz, tmp_path / "run", overrides=overrides, threads=1)
    assert run.info.data.found_groups
    assert run.info.data.groups < run.info.data.labeled
    assert "are incomplete" in " ".join(capsys.readouterr().err.split())
    assert "are incomplete" in " ".join((run.path / "report.html").read_text().split())
