import pytest

from areoseg.data.missions.navcam import common_navcam_scale, navcam_scale

FRAME = "NLB_430335904EDR_F0130000NCAM07812M1"


@pytest.mark.parametrize(
    ("size", "name", "expected"),
    [
        ((1024, 1024), FRAME, 1.0),
        ((1024, 1024), f"sol/{FRAME}.IMG", 1.0),
        ((512, 512), FRAME, 0.5),
        ((256, 256), f"{FRAME}.jpg", 0.25),
        ((256, 1024), FRAME, 1.0),  # a part of a frame
        ((64, 128), None, 0.25),  # the homework's tile
        ((64, 128), "tile-17", 0.25),
        ((1024, 1024), None, None),
        ((1024, 1024), "holiday.png", None),
        ((300, 300), FRAME, None),
        ((2048, 1024), FRAME, None),
        ((1, 1), FRAME, None),
    ],
)
def test_size_and_name_tell_the_scale_or_nothing_does(size, name, expected):
    assert navcam_scale(size, name) == expected


def test_tiles_tell_the_scale_of_the_frame_that_they_cover():
    names = [f"{FRAME}@y{y:03d}x{x:03d}" for y in (0, 100, 156) for x in (0, 128)]
    assert common_navcam_scale(names, [(100, 128)] * len(names)) == 0.25


def test_samples_of_unknown_scale_do_not_count_but_two_scales_are_none():
    assert common_navcam_scale([FRAME, "photo"], [(256, 256), (256, 256)]) == 0.25
    assert common_navcam_scale(["photo"], [(256, 256)]) is None
    other = FRAME.replace("430335904", "430335905")
    assert common_navcam_scale([FRAME, other], [(256, 256), (1024, 1024)]) is None
    assert common_navcam_scale([], []) is None
