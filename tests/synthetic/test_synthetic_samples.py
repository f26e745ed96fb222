import numpy as np
import pytest

from areoseg.errors import AreosegError
from areoseg.synthetic import SyntheticMars, draw_sample, draw_set
from areoseg.taxonomy import MARS


@pytest.fixture(scope="module")
def many():
    return draw_set(SyntheticMars(seed=7), 400)


def shares_of(masks):
    return np.bincount(np.asarray(masks).ravel(), minlength=len(MARS)) / np.asarray(masks).size


def test_a_sample_depends_on_seed_and_index_alone(many):
    alone = draw_sample(SyntheticMars(seed=7), 123)
    later = draw_set(SyntheticMars(seed=7), 3, first=122)
    for sample in (many[123], later[1]):
        assert np.array_equal(sample.image, alone.image)
        assert np.array_equal(sample.mask, alone.mask)
        assert (sample.name, sample.group) == (alone.name, alone.group)


def test_other_seeds_and_other_indices_give_other_samples():
    images = [
        draw_sample(SyntheticMars(seed=seed), index).image
        for seed, index in [(0, 0), (1, 0), (0, 1)]
    ]
    assert not np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_no_two_samples_are_alike(many):
    assert len({image.tobytes() for image in many.images}) == len(many)


@pytest.mark.parametrize(
    "size", [(64, 128), (16, 16), (37, 301), (301, 37), (256, 256), (512, 400)]
)
def test_any_size_gives_uint8_samples_of_that_size(size):
    height, width = size
    for index in range(6):
        sample = draw_sample(SyntheticMars(height, width, seed=1, rock_tiles=0.5), index)
        assert sample.image.shape == sample.mask.shape == size
        assert sample.image.dtype == sample.mask.dtype == np.uint8
        assert sample.mask.max() < len(MARS)


def test_a_full_navcam_frame_can_be_drawn():
    sample = draw_sample(SyntheticMars(1024, 1024, rock_tiles=1.0), 3)
    assert sample.image.shape == (1024, 1024)
    assert (sample.mask == 4).any()


def test_class_shares_are_those_of_real_tiles(many):
    background, soil, bedrock, sand, rock = shares_of(many.masks)
    assert background == pytest.approx(0.24, abs=0.05)
    assert soil == pytest.approx(0.34, abs=0.05)
    assert bedrock == pytest.approx(0.23, abs=0.05)
    assert sand == pytest.approx(0.18, abs=0.05)
    assert 0.0005 < rock < 0.003


@pytest.mark.parametrize("share", [0.0, 0.025, 0.3, 1.0])
def test_the_asked_share_of_tiles_holds_a_big_rock(share):
    masks = draw_set(SyntheticMars(seed=3, rock_tiles=share), 120).masks
    holding = sum((mask == 4).sum() >= 20 for mask in masks)
    assert abs(holding - share * 120) <= 2
    assert holding == sum((mask == 4).any() for mask in masks)


def test_big_rocks_are_much_larger_than_pebbles():
    masks = draw_set(SyntheticMars(seed=3, rock_tiles=1.0), 60).masks
    assert np.median((masks == 4).sum(axis=(1, 2))) > 150


def test_four_consecutive_tiles_share_a_frame(many):
    assert many.names[:2] == ("synthetic-000000", "synthetic-000001")
    assert many.groups[:5] == ("frame-0000",) * 4 + ("frame-0001",)
    assert draw_set(SyntheticMars(), 1, first=14).groups == ("frame-0003",)
    means = np.array([image.mean() for image in many.images]).reshape(-1, 4)
    assert means.std(axis=1).mean() < 0.5 * means.mean(axis=1).std()


def test_brightness_alone_does_not_tell_the_classes_apart(many):
    gray = many.images.astype(float)
    means = [gray[many.masks == label].mean() for label in (1, 2, 3)]
    stds = [gray[many.masks == label].std() for label in (1, 2, 3)]
    assert max(means) - min(means) < 1.5 * min(stds)


def test_samples_are_dark_but_not_blank_as_navcam_frames_are(many):
    means = many.images.mean(axis=(1, 2))
    assert 40 < np.median(means) < 80
    assert many.images.std(axis=(1, 2)).min() > 1.5
    assert (many.images == 255).mean() < 0.002


def test_a_set_can_be_drawn_without_masks():
    unlabeled = draw_set(SyntheticMars(seed=1), 5, labeled=False)
    labeled = draw_set(SyntheticMars(seed=1), 5)
    assert unlabeled.masks is None
    assert np.array_equal(unlabeled.images, labeled.images)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"height": 8}, "height 8"),
        ({"width": 9999}, "width 9999"),
        ({"seed": -1}, "seed -1"),
        ({"rock_tiles": 1.5}, "rock_tiles 1.5"),
        ({"rock_tiles": float("nan")}, "rock_tiles nan"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(wrong, named):
    with pytest.raises(AreosegError, match=named):
        SyntheticMars(**wrong)


def test_a_negative_index_and_an_empty_set_are_refused():
    with pytest.raises(AreosegError, match="indices start at 0"):
        draw_sample(SyntheticMars(), -1)
    with pytest.raises(AreosegError, match="ask for 1 or more"):
        draw_set(SyntheticMars(), 0)
