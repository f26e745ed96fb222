import pytest

from areoseg.data.missions.metadata import Metadata, metadata_from_name, sol_of_clock


def test_a_curiosity_name_tells_camera_clock_site_and_drive():
    assert metadata_from_name("images/edr/NLB_430335904EDR_F0130000NCAM07812M1.JPG") == Metadata(
        mission="MARS SCIENCE LABORATORY",
        camera="NAV_LEFT_B",
        sol=370,
        site=13,
        drive=0,
        clock="430335904",
    )


@pytest.mark.parametrize(
    ("mission", "clock", "sol"),
    [
        ("MARS SCIENCE LABORATORY", "397502344", 0),  # the landing
        ("MARS SCIENCE LABORATORY", "397586928", 1),  # the mast was raised
        ("MARS SCIENCE LABORATORY", "430335904.000", 370),
        ("MARS SCIENCE LABORATORY", "12", None),
        ("MARS 2020", "0667035657", None),
        (None, "430335904", None),
    ],
)
def test_the_clock_of_curiosity_tells_the_sol(mission, clock, sol):
    assert sol_of_clock(mission, clock) == sol


def test_a_perseverance_name_tells_the_sol_as_well():
    assert metadata_from_name("NLF_0002_0667035657_113ECM_N0010052AUT_04096_00_2I3J01.png") == (
        Metadata(
            mission="MARS 2020",
            camera="NAVCAM_LEFT",
            sol=2,
            site=1,
            drive=52,
            clock="0667035657",
        )
    )


def test_an_exploration_rover_name_keeps_letters_of_long_counters():
    found = metadata_from_name("2N128287181EFFA327P1973L0M1")
    assert (found.mission, found.camera) == ("MARS EXPLORATION ROVER 2", "NAVCAM_LEFT")
    assert (found.site, found.drive, found.clock) == ("A3", 27, "128287181")


@pytest.mark.parametrize("name", ["", "photo.png", "NLB_43", "NLB_430335904EDR", "火星 12.png"])
def test_other_names_tell_nothing(name):
    assert metadata_from_name(name) == Metadata()


def test_a_label_goes_before_the_name():
    label = Metadata(camera="NAV_LEFT_B", sol=0)
    name = Metadata(camera="other", sol=5, site=3)
    assert label.otherwise(name) == Metadata(camera="NAV_LEFT_B", sol=0, site=3)
