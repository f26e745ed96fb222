import subprocess
import sys
import typing

import pytest

from areoseg.errors import AreosegError
from areoseg.transforms.policies import POLICIES
from areoseg.transforms.registry import TRANSFORMS
from areoseg.transforms.settings import AugmentSettings
from areoseg.transforms.settings import PolicyName
from areoseg.transforms.settings import parse_augment

NAMES = [record.name for record in TRANSFORMS]


def test_settings_are_read_without_torch():
    code = (
        "import sys\n"
        "import areoseg.transforms.rare_objects\n"
        "from areoseg.transforms.settings import parse_augment\n"
        "parse_augment('complex')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_five_policies_are_listed():
    assert set(POLICIES) == {"none", "flips", "mild", "rigid", "complex"}
    assert set(typing.get_args(PolicyName)) == set(POLICIES)


def test_every_transform_has_a_field_in_the_order_of_the_registry():
    fields = [
        n for n in AugmentSettings.model_fields if n not in ("policy", "original", "rare_class")
    ]
    assert fields == NAMES


@pytest.mark.parametrize("record", TRANSFORMS, ids=NAMES)
def test_a_record_gives_defaults_that_its_options_take_and_a_function(record):
    assert record.options.model_validate(record.defaults) == record.options()
    assert callable(record.load())
    assert record.summary


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_holds_exactly_its_table(name):
    settings = parse_augment(name)
    table = {
        transform: (share, strengths) for transform, share, strengths in POLICIES[name].transforms
    }
    assert list(settings.transforms) == [n for n in NAMES if n in table]
    assert settings.original == POLICIES[name].original
    for transform, chosen in settings.transforms.items():
        share, strengths = table[transform]
        assert chosen.probability == share
        assert chosen.model_dump() | strengths == chosen.model_dump()


def test_flips_keep_the_sky_above():
    assert list(parse_augment("flips").transforms) == ["horizontal_flip"]


def test_an_override_keeps_the_policys_other_values():
    settings = parse_augment({"policy": "mild", "original": 0.25, "elastic": {"alpha": 20}})
    assert settings.original == 0.25
    assert settings.elastic.alpha == 20
    assert settings.elastic.sigma == 8
    assert settings.elastic.probability == 0.5
    assert settings.vertical_flip is not None


def test_a_transform_is_added_with_its_own_defaults():
    settings = parse_augment({"policy": "flips", "cutmix": {"probability": 0.3}})
    assert list(settings.transforms) == ["horizontal_flip", "cutmix"]
    assert settings.cutmix.largest == 0.5


@pytest.mark.parametrize("removal", [None, {"probability": 0}])
def test_a_transform_of_the_policy_can_be_removed(removal):
    settings = parse_augment({"policy": "mild", "vertical_flip": removal})
    assert "vertical_flip" not in settings.transforms
    assert "horizontal_flip" in settings.transforms


@pytest.mark.parametrize(
    "value", ["complex", {"policy": "mild", "vertical_flip": None, "cutmix": {"largest": 0.2}}]
)
def test_a_dump_reads_back_as_the_same_settings(value):
    settings = parse_augment(value)
    assert parse_augment(settings.model_dump()) == settings
    assert AugmentSettings.model_validate_json(settings.model_dump_json()) == settings


def test_the_bank_is_needed_only_for_pasting():
    assert not parse_augment("complex").needs_rare_bank
    assert parse_augment({"rare_paste": {}}).needs_rare_bank
    assert not parse_augment({"rare_paste": {"probability": 0}}).needs_rare_bank


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("mid", "augment.policy"),
        ({"policy": 3}, "augment.policy"),
        ({"policy": ["mild"]}, "augment.policy"),
        ({"original": 1.5}, "augment.original"),
        ({"original": float("nan")}, "augment.original"),
        ({"rare_class": 255}, "augment.rare_class"),
        ({"elastik": {}}, "augment.elastik"),
        ({"elastic": {"alfa": 3}}, "augment.elastic.alfa"),
        ({"elastic": {"alpha": -1}}, "augment.elastic.alpha"),
        ({"policy": "mild", "elastic": {"sigma": 0}}, "augment.elastic.sigma"),
        ({"policy": "mild", "elastic": 3}, "augment.elastic"),
        ({"cutmix": {"probability": 2}}, "augment.cutmix.probability"),
        (7, "augment"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_that_names_the_field(value, field):
    with pytest.raises(AreosegError) as caught:
        parse_augment(value)
    assert str(caught.value).startswith(f"{field}: ")
    assert "\n" not in str(caught.value)
