"""Scale, tiles and groups."""

import numpy as np
import PIL.Image
import pytest

from areoseg.data.groups import groups_from_file
from areoseg.data.load import read_data
from areoseg.data.readers.frames import reduced_image, reduced_mask, tile_corners
from areoseg.errors import AreosegError

FRAME = "NLB_430335904EDR_F0130000NCAM07812M1"


@pytest.fixture
def folder(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("a", FRAME):
        for kind, levels in (("images", 256), ("masks", 5)):
            (tmp_path / kind).mkdir(exist_ok=True)
            pixels = generator.integers(0, levels, (40, 60)).astype(np.uint8)
            PIL.Image.fromarray(pixels).save(tmp_path / kind / f"{name}.png")
    return tmp_path


def test_tiles_cover_a_frame_that_is_a_multiple_without_overlap():
    assert list(tile_corners((4, 6), (2, 3))) == [(0, 0), (0, 3), (2, 0), (2, 3)]


def test_the_last_tiles_are_shifted_inwards():
    assert list(tile_corners((5, 7), (2, 4))) == [(y, x) for y in (0, 2, 3) for x in (0, 3)]


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (31, 8)])
def test_every_pixel_is_in_a_tile_and_every_tile_is_full(size):
    covered = np.zeros(size, int)
    for y, x in tile_corners(size, (8, 8)):
        window = covered[y : y + 8, x : x + 8]
        assert window.shape == (8, 8)
        window += 1
    assert covered.min() == 1


def test_area_averaging_is_the_mean_of_blocks():
    levels = np.random.default_rng(0).integers(0, 256, (16, 24)).astype(np.uint8)
    blocks = levels.reshape(4, 4, 6, 4).mean(axis=(1, 3))
    reduced = reduced_image(levels, 0.25)
    assert reduced.dtype == np.uint8
    assert np.abs(reduced - blocks).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_images_are_averaged_without_loss(dtype):
    levels = np.random.default_rng(0).integers(0, 65536, (16, 24)).astype(dtype)
    reduced = reduced_image(levels, 0.5)
    assert reduced.dtype == dtype
    np.testing.assert_allclose(reduced, levels.reshape(8, 2, 12, 2).mean(axis=(1, 3)), atol=0.51)


def test_masks_take_the_nearest_pixel():
    mask = np.random.default_rng(0).integers(0, 5, (16, 24)).astype(np.uint8)
    np.testing.assert_array_equal(reduced_mask(mask, 0.25), mask[2::4, 2::4])


def test_image_and_mask_shrink_to_one_size_whatever_the_scale():
    pixels = np.zeros((37, 53), np.uint8)
    for scale in (0.9, 0.5, 1 / 3, 0.01):
        assert reduced_image(pixels, scale).shape == reduced_mask(pixels, scale).shape


def test_frames_are_scaled_then_cut(folder):
    whole = read_data(folder, scale=0.5).labeled
    tiles = read_data(folder, scale=0.5, tile=(10, 15)).labeled
    assert whole.images.shape == (2, 20, 30)
    assert tiles.images.shape == tiles.masks.shape == (8, 10, 15)
    assert tiles.names[5] == "a@y000x015"
    assert tiles.names[2] == f"{FRAME}@y010x000"
    np.testing.assert_array_equal(tiles.images[2], whole.images[0][10:, :15])
    np.testing.assert_array_equal(tiles.masks[5], whole.masks[1][:10, 15:])


def test_tiles_share_the_group_of_their_frame_or_its_name(folder):
    tiles = read_data(folder, tile=(20, 30)).labeled
    assert set(tiles.groups[:4]) == {"site-013-drive-0000"}
    assert set(tiles.groups[4:]) == {"a"}


def test_a_tile_larger_than_the_frame_is_refused(folder):
    with pytest.raises(AreosegError, match="scaled frame is 20x30, too small for tiles of 32x16"):
        read_data(folder, scale=0.5, tile=(32, 16))


@pytest.mark.parametrize("scale", [0, -1, 1.5, float("nan")])
def test_scales_outside_zero_to_one_are_refused(folder, scale):
    with pytest.raises(AreosegError, match="scale"):
        read_data(folder, scale=scale)


@pytest.mark.parametrize("tile", [(0, 8), (8,), (8, 8, 8), (8.0, 8)])
def test_tiles_that_are_no_sizes_are_refused(folder, tile):
    with pytest.raises(AreosegError, match="tile"):
        read_data(folder, tile=tile)


def test_a_groups_file_overrules_names_and_reads_ai4mars_frames(folder, tmp_path):
    path = tmp_path / "groups.txt"
    path.write_text("NLB_433192603EDR_F0160328NCAM00398M1\r\n north rim \n\n")
    assert read_data(folder, groups=path).labeled.groups == ("site-016-drive-0328", "north rim")
    tiles = read_data(folder, groups=path, tile=(20, 60)).labeled
    assert tiles.groups == ("site-016-drive-0328",) * 2 + ("north rim",) * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n", "1 line for 2 pairs"),
        (b"a\nb\nc\n", "3 lines for 2 pairs"),
        (b"", "0 lines for 2 pairs"),
        (b"\nb\n", "line 1 is empty"),
        (b"\xff\xfe\x00", "cannot read the groups file"),
    ],
)
def test_a_groups_file_that_does_not_fit_is_refused(folder, tmp_path, content, message):
    (tmp_path / "groups.txt").write_bytes(content)
    with pytest.raises(AreosegError, match=rf"groups\.txt: .*{message}"):
        read_data(folder, groups=tmp_path / "groups.txt")


def test_a_missing_groups_file_is_named(folder, tmp_path):
    with pytest.raises(AreosegError, match=r"no\.txt: cannot read the groups file"):
        read_data(folder, groups=tmp_path / "no.txt")


def test_a_byte_order_mark_is_no_part_of_a_group(tmp_path):
    (tmp_path / "groups.txt").write_bytes(b"\xef\xbb\xbfeast\nwest\n")
    assert groups_from_file(tmp_path / "groups.txt", 2) == ["east", "west"]
