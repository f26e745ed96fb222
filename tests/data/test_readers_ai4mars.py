import numpy as np
import PIL.Image
import pytest
from pydantic import TypeAdapter

from areoseg.data.load import Source, read_data, read_source, recognize_format
from areoseg.data.missions.metadata import site_and_drive
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

NAMES = (
    "NLA_397681801EDR_F0020000AUT_04096M1",
    "NLB_430335904EDR_F0130000NCAM07812M1",
    "NLB_433192603EDR_F0160328NCAM00398M1",
)
GROUPS = ("site-002-drive-0000", "site-013-drive-0000", "site-016-drive-0328")
SIZE = (16, 24)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(pixels)).save(path)


def image(seed):
    return np.random.default_rng(seed).integers(0, 256, SIZE).astype(np.uint8)


def labels(seed):
    values = np.array([0, 1, 2, 3, 255], np.uint8)
    return values[np.random.default_rng(seed).integers(0, 5, SIZE)]


def classes(values):
    """Labels as classes, by another route than the reader's."""
    return np.where(values == 255, 0, values.astype(int) + 1)


@pytest.fixture
def flat(tmp_path):
    for seed, name in enumerate(NAMES):
        save(tmp_path / f"flat/images/{name}.tif", image(seed))
        save(tmp_path / f"flat/masks/{name}.png", labels(seed))
    return tmp_path / "flat"


@pytest.fixture
def native(tmp_path):
    """Two frames with crowd labels, one label without frame, one frame without label."""
    msl = tmp_path / "msl"
    for seed, name in enumerate(NAMES[:2]):
        save(msl / f"images/edr/{name}.JPG", np.full(SIZE, 80 + seed, np.uint8))
        save(msl / f"labels/train/{name}.png", labels(seed))
    save(msl / f"labels/train/{NAMES[2]}.png", labels(2))
    save(msl / f"images/edr/{NAMES[2].replace('0328', '0400')}.JPG", image(3))
    for level in (1, 2, 3):
        folder = msl / f"labels/test/masked-gold-min{level}-100agree"
        save(folder / f"{NAMES[0]}_merged.png", np.full(SIZE, level, np.uint8))
    return msl


@pytest.mark.parametrize(
    ("name", "group"),
    [
        (NAMES[1], GROUPS[1]),
        (f"sub/{NAMES[1]}.JPG", GROUPS[1]),
        (f"{NAMES[2]}_merged.png", GROUPS[2]),
        ("NRB_541222904EDR_F0A11140CCAM00653M1", "site-0A1-drive-1140"),
        ("NLB_430335904EDR_F01300", None),
        ("training_set/0000", None),
        ("", None),
    ],
)
def test_site_and_drive_are_read_from_the_name(name, group):
    assert site_and_drive(name) == group


def test_flat_labels_become_classes_grouped_by_rover_stop(flat):
    data = read_data(flat)
    assert recognize_format(flat) == "ai4mars-flat"
    assert data.labeled.names == NAMES
    assert data.labeled.groups == GROUPS
    for seed in range(3):
        np.testing.assert_array_equal(data.labeled.images[seed], image(seed))
        np.testing.assert_array_equal(data.labeled.masks[seed], classes(labels(seed)))


def test_ai4mars_names_with_class_values_are_a_plain_folder_with_groups(flat):
    for seed, name in enumerate(NAMES):
        save(flat / f"masks/{name}.png", classes(labels(seed)).astype(np.uint8))
    data = read_data(flat)
    assert recognize_format(flat) == "folder"
    np.testing.assert_array_equal(data.labeled.masks[1], classes(labels(1)))
    assert data.labeled.groups == GROUPS


def test_values_that_fit_both_codings_are_taken_as_classes(flat):
    for name in NAMES:
        save(flat / f"masks/{name}.png", np.full(SIZE, 3, np.uint8))
    assert recognize_format(flat) == "folder"
    assert (read_data(flat, data_format="ai4mars-flat").labeled.masks == 4).all()


def test_other_names_are_no_ai4mars_unless_it_is_forced(flat):
    for folder, suffix in (("images", "tif"), ("masks", "png")):
        (flat / f"{folder}/{NAMES[0]}.{suffix}").rename(flat / f"{folder}/A.{suffix}")
    assert recognize_format(flat) == "folder"
    data = read_data(flat, data_format="ai4mars-flat")
    assert data.labeled.groups == ("A", *GROUPS[1:])


def test_a_value_that_ai4mars_does_not_have_is_named(flat):
    bad = labels(2)
    bad[0, 0] = 4
    save(flat / f"masks/{NAMES[2]}.png", bad)
    with pytest.raises(AreosegError, match=rf"{NAMES[2]}\.png: mask value 4 .*'folder'"):
        read_data(flat)


def test_another_taxonomy_cannot_take_ai4mars_labels(flat, native):
    rocks = Taxonomy(names=("ground", "rock"), colors=((0, 0, 0), (9, 9, 9)))
    for place in (flat, native):
        with pytest.raises(AreosegError, match="but the taxonomy has ground, rock"):
            read_data(place, taxonomy=rocks)


def test_distributed_pairs_are_read_and_the_rest_is_warned_of(native):
    data = read_data(native)
    assert recognize_format(native) == "ai4mars"
    assert data.labeled.names == NAMES[:2]
    assert data.labeled.groups == GROUPS[:2]
    np.testing.assert_array_equal(data.labeled.masks[1], classes(labels(1)))
    assert [int(each.mean()) for each in data.labeled.images] == [80, 81]
    assert data.warnings[:2] == (
        f"left out 1 of 3 crowd labels without frames in images/edr: {NAMES[2]}",
        "left out 1 of 3 frames without crowd labels: NLB_433192603EDR_F0160400NCAM00398M1",
    )


def test_the_folder_above_msl_will_do(native):
    assert read_data(native.parent).labeled.names == NAMES[:2]


def test_the_rover_and_what_is_far_become_background(native):
    rover, far = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    rover[8:], far[:4] = 1, 1
    save(native / f"images/mxy/{NAMES[0].replace('EDR', 'MXY')}.png", rover)
    save(native / f"images/rng-30m/{NAMES[0].replace('EDR', 'RNG')}.png", far)
    masks = read_data(native).labeled.masks
    np.testing.assert_array_equal(masks[0][4:8], classes(labels(0))[4:8])
    assert not masks[0][8:].any()
    assert not masks[0][:4].any()
    np.testing.assert_array_equal(masks[1], classes(labels(1)))


def test_the_rover_and_what_is_far_are_known_not_to_be_ground(native):
    rover = np.zeros(SIZE, np.uint8)
    rover[8:] = 1
    save(native / f"images/mxy/{NAMES[0].replace('EDR', 'MXY')}.png", rover)
    first, second = read_data(native).labeled.not_ground
    np.testing.assert_array_equal(first, rover == 1)
    assert second is None
    tiles = read_data(native, tile=(8, 12)).labeled
    assert [bool(tiles[index].not_ground.any()) for index in range(4)] == [False, False, True, True]


def test_a_rover_mask_of_another_size_is_refused(native):
    save(native / f"images/mxy/{NAMES[0].replace('EDR', 'MXY')}.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(AreosegError, match=r"MXY.*4x4 pixels but its label has 16x24"):
        read_data(native)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_each_level_of_expert_labels_can_be_chosen(native, level):
    data = read_data(native, label_set=f"expert-{level}")
    assert data.labeled.names == NAMES[:1]
    assert (data.labeled.masks == level + 1).all()


def test_a_source_remembers_the_labels_that_were_chosen(native):
    source = Source(path=str(native), label_set="expert-2")
    adapter = TypeAdapter(Source)
    assert adapter.validate_json(adapter.dump_json(source)) == source
    assert (read_source(source).labeled.masks == 3).all()


def test_unknown_labels_are_refused(native):
    with pytest.raises(AreosegError, match=r"no 'expert' labels.*did you mean 'expert-"):
        read_data(native, label_set="expert")


def test_absent_labels_are_named_with_those_that_are_there(native):
    (native / "labels/train").rename(native / "labels/elsewhere")
    with pytest.raises(AreosegError, match="no crowd labels: choose expert-1, expert-2"):
        read_data(native)
    (native / "labels").rename(native / "elsewhere")
    with pytest.raises(AreosegError, match="no crowd labels: read images/edr as unlab"):
        read_data(native)


def test_labels_none_of_which_has_its_frame_are_an_error(native):
    (native / f"images/edr/{NAMES[0]}.JPG").unlink()
    with pytest.raises(AreosegError, match=rf"none of 1 label in .*min2.*{NAMES[0]}"):
        read_data(native, label_set="expert-2")


def test_another_folder_forced_to_be_ai4mars_is_refused(flat):
    with pytest.raises(AreosegError, match="does not contain images/edr"):
        read_data(flat, data_format="ai4mars")


def test_frames_alone_are_unlabeled_images_grouped_by_rover_stop(native):
    data = read_data(native / "images/edr")
    assert len(data.unlabeled) == 3
    assert data.unlabeled.groups[0] == GROUPS[0]
