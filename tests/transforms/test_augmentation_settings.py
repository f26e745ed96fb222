import pytest
import torch

from areoseg.errors import AreosegError
from areoseg.transforms.compose import build_augmentation
from areoseg.transforms.policies import POLICIES, AugmentSettings, parse_augment
from areoseg.transforms.registry import TRANSFORMS, order_of_application

NAMES = [transform.name for transform in order_of_application()]


def test_the_five_policies_are_listed():
    assert set(POLICIES) == {"none", "flips", "mild", "rigid", "complex"}


def test_transforms_are_applied_in_a_fixed_order():
    assert [
        "rare_paste",
        *("horizontal_flip", "vertical_flip"),
        *("quarter_turn", "random_crop", "shift_scale_rotate"),
        *("elastic", "grid_distortion", "optical_distortion"),
        *("cutmix", "rare_cutmix"),
        *("brightness_contrast", "gamma", "blur", "sensor_noise"),
        *("coarse_dropout", "grid_mask"),
    ] == NAMES
    assert list(parse_augment({name: {} for name in reversed(NAMES)}).transforms) == NAMES


def test_a_transform_from_outside_is_an_option_of_recipes_and_warps_stay_together(monkeypatch):
    monkeypatch.setattr(TRANSFORMS, "_components", dict(TRANSFORMS._components))

    @TRANSFORMS.register("shift_right", probability=1.0)
    def shift_right(positions, *, generator, pixels: float = 1.0):
        """Shift the tile to the right."""
        return positions - positions.new_tensor([pixels, 0])

    names = [transform.name for transform in order_of_application()]
    assert names.index("shift_right") == names.index("optical_distortion") + 1
    settings = parse_augment({"policy": "flips", "shift_right": {"pixels": 2}})
    assert settings.shift_right.model_dump() == {"probability": 1.0, "pixels": 2}
    assert parse_augment(settings.model_dump()) == settings
    images, masks = torch.rand(2, 1, 4, 6), torch.arange(48).view(2, 4, 6)
    augment = build_augmentation(parse_augment({"shift_right": {"pixels": 2}}))
    _, new_masks = augment(images, masks, torch.Generator())
    assert torch.equal(new_masks[..., 2:], masks[..., :-2])
    with pytest.raises(AreosegError, match=r"augment\.shift_right\.pixel: .*'pixels'"):
        parse_augment({"shift_right": {"pixel": 2}})


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_has_valid_defaults_a_summary_and_described_options(name):
    transform = TRANSFORMS[name]
    assert transform.options.model_validate(transform.defaults) == transform.options()
    assert callable(transform.function)
    assert transform.summary
    assert all(field.description for field in transform.options.model_fields.values())


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
