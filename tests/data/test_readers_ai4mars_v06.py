"""AI4Mars version 0.6, in a small synthetic copy of its folders."""

import numpy as np
import PIL.Image
import pytest

from areoseg.data.load import Source, read, read_data, recognize_format
from areoseg.errors import AreosegError
from areoseg.utils.console import standard_error

NCAM = "NLB_430335904EDR_F0130000NCAM07812M1"
MCAM = "0012ML0000450000100792E01_DXXX"
MER = "1n129697839eff0338p1931l0m1"
OTHER_MER = "2n129697839eff0438p1931l0m1"
M2020 = "NLF_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01"
SIZE = (16, 24)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


def labels(*more):
    values = np.resize([0, 1, 2, 3, 255, *more], SIZE)
    return values.astype(np.uint8)


def classes(values):
    return np.where(np.isin(values, (4, 255)), 0, values.astype(int) + 1)


@pytest.fixture
def root(tmp_path):
    """The folders of all missions, each with one labeled frame, and files to be left out."""
    root = tmp_path / "ai4mars-dataset-merged-0.6"
    gray, color = np.full(SIZE, 90), np.full((*SIZE, 3), (120, 90, 60))
    save(root / f"msl/ncam/images/edr/{NCAM}.JPG", gray)
    save(root / f"msl/ncam/labels/train/{NCAM}.png", labels())
    save(root / f"msl/mcam/images/{MCAM}.JPG", color)
    save(root / f"msl/mcam/labels/train/{MCAM}_15033_merged.png", labels(4))
    save(root / f"mer/images/eff/{MER}.JPG", gray)
    save(root / f"mer/images/test/{OTHER_MER}.JPG", gray)
    save(root / f"mer/images/eff/{OTHER_MER}.JPG", gray)
    save(root / f"mer/labels/train/merged-unmasked/{MER.upper()}_16165_T0_merged.png", labels())
    save(root / f"mer/labels/train/merged-unmasked/{MER}_16165_T0.png", labels())
    for level in (1, 2, 3):
        for mission, name in (("msl/ncam", NCAM), ("mer", OTHER_MER)):
            test = root / mission / f"labels/test/masked-gold-min{level}-100agree"
            save(test / f"{name}_merged.png", np.full(SIZE, level))
    save(root / f"mer/labels/test/raw_unmerged/{OTHER_MER}_1_T1.png", labels())
    save(root / f"m2020/images/ncam/{M2020}.png", gray)
    save(root / f"m2020/labels/NAV/{M2020}_merged60.png", labels())
    save(root / f"m2020/labels/GEO/{M2020}_merged60.png", labels())
    for name in ("info.md", "label_keys.json", "msl/NOTE.txt"):
        (root / name).write_text("{}")
    return root


def test_every_mission_is_read_with_its_labels(root):
    data = read_data(root)
    assert recognize_format(root) == "ai4mars"
    assert data.labeled.names == (NCAM, MCAM, MER, M2020)
    assert data.labeled.groups == (
        "site-013-drive-0000",
        "msl-sol-0012",
        "mer1-site-03-drive-38",
        "m2020-site-001-drive-0052",
    )
    for index, values in enumerate((labels(), labels(4), labels(), labels())):
        np.testing.assert_array_equal(data.labeled.masks[index], classes(values))
    text = "\n".join(data.warnings)
    assert "mer: left out 1 label of single annotators" in text
    assert "m2020: left out labels/GEO" in text
    assert "(msl/ncam 1, msl/mcam 1, mer 1, m2020 1): --missions chooses" in text


@pytest.mark.parametrize(
    ("missions", "names"),
    [
        ("m2020", (M2020,)),
        ("msl", (NCAM, MCAM)),
        ("mer, msl/mcam", (MER, MCAM)),
        ("msl,msl/ncam", (NCAM, MCAM)),
    ],
)
def test_missions_can_be_chosen(root, missions, names):
    assert read(root, missions=missions, console=standard_error()).labeled.names == names
    source = Source(path=str(root), missions=missions)
    assert source.arguments[-2:] == ["--missions", missions]


def test_a_mission_that_is_not_there_is_named(root):
    with pytest.raises(
        AreosegError, match=r"no frames of 'viking'; there are m2020, mer, msl/mcam"
    ):
        read_data(root, missions="msl,viking")


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("msl/ncam", (NCAM,)),
        ("msl/mcam", (MCAM,)),
        ("msl", (NCAM, MCAM)),
        ("mer", (MER,)),
        ("m2020", (M2020,)),
        ("..", (NCAM, MCAM, MER, M2020)),
    ],
)
def test_every_folder_of_it_may_be_named(root, place, names):
    assert read_data(root / place).labeled.names == names


def test_expert_labels_of_the_missions_that_have_them(root):
    data = read_data(root, label_set="expert-2")
    assert data.labeled.names == (NCAM, OTHER_MER)
    assert all((mask == 3).all() for mask in data.labeled.masks)
    assert any("msl/mcam" in line and "no expert-2 labels" in line for line in data.warnings)


def test_rover_and_range_masks_are_applied_to_mer(root):
    rover, far = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    rover[12:], far[:3] = 1, 1
    save(root / f"mer/images/mxy/{MER.replace('eff', 'mxy')}.png", rover)
    save(root / f"mer/images/rng-30m/{MER.replace('eff', 'rng').upper()}.png", far)
    sample = read_data(root / "mer").labeled[0]
    assert not sample.mask[12:].any()
    assert not sample.mask[:3].any()
    np.testing.assert_array_equal(sample.not_ground, (rover | far) == 1)


@pytest.mark.parametrize("second", ["{}_merged.png", "sub/{}.png"])
def test_two_labels_of_one_frame_are_refused_with_both_paths(root, second):
    save(root / "msl/ncam/labels/train" / second.format(NCAM), labels())
    with pytest.raises(
        AreosegError, match=rf"{NCAM}.*\.png and .*{NCAM}.*\.png have the same name"
    ):
        read_data(root)


def test_labels_of_single_annotators_alone_are_refused(root):
    for label in (root / "mer/labels/train").rglob("*_merged.png"):
        label.unlink()
    with pytest.raises(AreosegError, match=r"1 label of single annotators, such as .*_T0\.png"):
        read_data(root / "mer")


def test_other_values_are_still_refused(root):
    save(root / f"msl/mcam/labels/train/{MCAM}_15033_merged.png", labels(5))
    with pytest.raises(AreosegError, match="mask value 5 not in AI4Mars"):
        read_data(root)
