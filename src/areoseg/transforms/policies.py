"""Policies, the named tables of transforms, and the section `augment` of a recipe.

    augment: flips
    augment: {policy: mild, original: 0.3, elastic: {alpha: 4}, cutmix: {probability: 0.3}}

A transform of the policy has the policy's options unless the recipe changes them; any other has its
own defaults. `null` removes a transform: `{policy: mild, vertical_flip: null}`.

The policies `mild` and `complex` follow the homework report, with two differences. The displacement
of its elastic transform cannot be derived from its numbers (alpha 10 to 50, sigma 50; libraries
scale them differently), so `mild` defines it in pixels. Pixels that rotations bring in from outside
the tile are void here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from areoseg.errors import AreosegError, did_you_mean
from areoseg.taxonomy import MARS, VOID
from areoseg.transforms.registry import TRANSFORMS, TransformOptions, order_of_application
from areoseg.utils.options import Options, Share, validate_items

TransformUse = tuple[str, float, Mapping[str, float]]
"""A transform's name, its probability, and the options that differ from its defaults."""


@dataclass(frozen=True)
class Policy:
    """A named augmentation policy.

    Attributes:
        summary: One line that describes it.
        transforms: The transforms that it uses.
        original: The fraction of each batch that is left unmodified, 0 to 1.
    """

    summary: str
    transforms: tuple[TransformUse, ...]
    original: float = 0.0


_MILD: tuple[TransformUse, ...] = (
    ("horizontal_flip", 0.5, {}),
    ("vertical_flip", 0.5, {}),
    ("quarter_turn", 0.5, {}),
    ("elastic", 0.5, {"alpha": 2, "sigma": 8}),
    ("grid_distortion", 0.5, {"steps": 5, "limit": 0.3}),
)

_ADDED_BY_COMPLEX: tuple[TransformUse, ...] = (
    ("shift_scale_rotate", 0.5, {"shift": 0.1, "scale": 0.1, "rotation": 45}),
    ("optical_distortion", 0.5, {"limit": 0.1}),
    ("brightness_contrast", 0.5, {"brightness": 0.2, "contrast": 0.2}),
    ("blur", 0.5, {"sigma": 0.8}),
    ("coarse_dropout", 0.5, {"holes": 4, "size": 16}),
)

POLICIES: dict[str, Policy] = {
    "none": Policy("no augmentation", ()),
    "flips": Policy(
        "horizontal flips only, which keep the sky at the top",
        (("horizontal_flip", 0.5, {}),),
    ),
    "mild": Policy(
        "the best policy of the AN2DL report: flips, quarter turns, elastic and grid distortion,"
        " beside originals",
        _MILD,
        original=0.5,
    ),
    "rigid": Policy(
        "flips, rotations and shifts, beside originals",
        (
            ("horizontal_flip", 0.5, {}),
            ("vertical_flip", 0.5, {}),
            ("shift_scale_rotate", 0.8, {"shift": 0.1, "scale": 0, "rotation": 15}),
        ),
        original=0.5,
    ),
    "complex": Policy(
        "all transforms of the AN2DL report, beside originals",
        (*_MILD, *_ADDED_BY_COMPLEX),
        original=0.5,
    ),
}
"""The policies by name."""


class AugmentSettings(Options):
    """An augmentation: a policy with the changes of a recipe applied.

    All other values map the name of a transform to its options, or to None to remove it from the
    policy. The options of the policy are filled in, so that a dump is complete, and
    validating the dump gives the same settings.
    """

    model_config = ConfigDict(extra="allow")

    policy: str = "none"
    """The policy to start from."""
    original: Share = 0
    """Fraction of each batch that is left unmodified; by default that of the policy."""
    rare_class: int = Field(MARS.names.index("big rock"), ge=0, lt=VOID)
    """Class index that `rare_paste` and `rare_cutmix` favor: by default big rock; if the data have
    other classes than Mars, the rarest one."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_policy(cls, value: Any) -> Any:
        """Interpret a bare name as a policy, and fill in the policy's values if none are given."""
        given = {"policy": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping):
            return given
        name = given.get("policy", "none")
        policy = POLICIES.get(name) if isinstance(name, str) else None
        if policy is None:  # rejected by the validator of the field
            policy = POLICIES["none"]
        changes = {name: given[name] for name in given if name not in cls.model_fields}
        uses: dict[str, Any] = {}
        for transform, probability, options in policy.transforms:
            change = changes.pop(transform, {})
            uses[transform] = (
                {"probability": probability, **options, **change}
                if isinstance(change, Mapping)
                else change
            )
        uses |= {name: change for name, change in changes.items() if change is not None}
        settings = {name: given[name] for name in given if name in cls.model_fields}
        return {"original": policy.original, **settings, **validate_items(uses, _validate_options)}

    @field_validator("policy")
    @classmethod
    def _check_policy(cls, policy: str) -> str:
        if policy not in POLICIES:
            raise ValueError(f"there is no policy {policy!r}: {did_you_mean(policy, POLICIES)}")
        return policy

    @property
    def transforms(self) -> dict[str, TransformOptions]:
        """Return the options of transforms with nonzero probability, in order of application."""
        uses = self.model_extra or {}
        return {
            transform.name: uses[transform.name]
            for transform in order_of_application()
            if uses.get(transform.name) and uses[transform.name].probability > 0
        }

    @property
    def needs_rare_bank(self) -> bool:
        """Whether `build_augmentation` needs a `RareBank`."""
        return any("rare_bank" in TRANSFORMS[name].parameters for name in self.transforms)


def _validate_options(name: str, value: Any) -> TransformOptions | None:
    """Validate the options of one transform; None removes it."""
    if name not in TRANSFORMS:
        raise ValueError(f"there is no transform {name!r}: {did_you_mean(name, TRANSFORMS)}")
    if value is None:
        return None
    options = TRANSFORMS[name].options.model_validate(value)
    assert isinstance(options, TransformOptions)
    return options


def parse_augment(value: str | Mapping[str, Any]) -> AugmentSettings:
    """Validate the section `augment` of a recipe.

    Args:
        value: A policy's name, or a mapping with `policy`, `original`, `rare_class` and transforms.

    Raises:
        AreosegError: A name is unknown or a value is invalid; the message names the field.

    Examples:
        >>> list(parse_augment({"policy": "flips", "gamma": {"limit": 0.2}}).transforms)
        ['horizontal_flip', 'gamma']
    """
    try:
        return AugmentSettings.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["augment", *map(str, first["loc"])])
        message = first["msg"].removeprefix("Value error, ")
        raise AreosegError(f"{field}: {message} (got {first['input']!r})") from error
