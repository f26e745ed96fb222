"""What a recipe says under `augment`: a policy's name, or a policy with changes.

    augment: flips
    augment: {policy: mild, original: 0.3, elastic: {alpha: 4}, cutmix: {probability: 0.3}}

A transform that the policy has takes the policy's values where the recipe is silent; any other
takes its own defaults. `null` removes a transform: `{policy: mild, vertical_flip: null}`.
"""

from collections.abc import Mapping
from typing import Any
from typing import Literal

from pydantic import Field
from pydantic import ValidationError
from pydantic import model_validator

from areoseg.errors import AreosegError
from areoseg.taxonomy import MARS
from areoseg.taxonomy import VOID
from areoseg.transforms import options
from areoseg.transforms.options import TransformOptions
from areoseg.transforms.policies import POLICIES
from areoseg.transforms.registry import TRANSFORMS
from areoseg.utils.options import Options

PolicyName = Literal["none", "flips", "mild", "rigid", "complex"]


class AugmentSettings(Options):
    """An augmentation in full: a policy with the recipe's changes worked in.

    The values of the policy are filled in, so that a dump says everything, and validating the dump
    gives the same settings.

    Attributes:
        policy: The policy that it started from.
        original: Share of each batch left unmodified, 0 to 1; the policy's own by default.
        rare_class: Class index that `rare_paste` and `rare_cutmix` favor.
    """

    policy: PolicyName = "none"
    original: float = Field(0, ge=0, le=1)
    rare_class: int = Field(MARS.names.index("big rock"), ge=0, lt=VOID)

    rare_paste: options.RarePaste | None = None
    horizontal_flip: options.HorizontalFlip | None = None
    vertical_flip: options.VerticalFlip | None = None
    quarter_turn: options.QuarterTurn | None = None
    random_crop: options.RandomCrop | None = None
    shift_scale_rotate: options.ShiftScaleRotate | None = None
    elastic: options.Elastic | None = None
    grid_distortion: options.GridDistortion | None = None
    optical_distortion: options.OpticalDistortion | None = None
    cutmix: options.CutMix | None = None
    rare_cutmix: options.RareCutMix | None = None
    brightness_contrast: options.BrightnessContrast | None = None
    gamma: options.Gamma | None = None
    blur: options.Blur | None = None
    sensor_noise: options.SensorNoise | None = None
    coarse_dropout: options.CoarseDropout | None = None
    grid_mask: options.GridMask | None = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in_policy(cls, value: Any) -> Any:
        """Read a bare name as a policy, and put the policy's values under the given ones."""
        given = {"policy": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping):
            return given
        name = given.get("policy", "none")
        if not isinstance(name, str) or name not in POLICIES:
            return given  # the field's own check refuses it
        policy = POLICIES[name]
        filled = {"original": policy.original, **given}
        for transform, probability, strengths in policy.transforms:
            changes = given.get(transform, {})
            if isinstance(changes, Mapping):
                filled[transform] = {"probability": probability, **strengths, **changes}
        return filled

    @property
    def transforms(self) -> dict[str, TransformOptions]:
        """The transforms that can happen, by name, in the order of application."""
        used = {record.name: getattr(self, record.name) for record in TRANSFORMS}
        return {name: chosen for name, chosen in used.items() if chosen and chosen.probability > 0}

    @property
    def needs_rare_bank(self) -> bool:
        """Whether `build_augmentation` must be given a `RareBank`."""
        return "rare_paste" in self.transforms


def parse_augment(value: str | Mapping[str, Any]) -> AugmentSettings:
    """Read what a recipe or a caller says of augmentation.

    Args:
        value: A policy's name, or a mapping with `policy`, `original`, `rare_class` and transforms.

    Raises:
        AreosegError: A name or value that there is not; names the field.
    """
    try:
        return AugmentSettings.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["augment", *map(str, first["loc"])])
        if first["type"] == "extra_forbidden":
            names = ", ".join(record.name for record in TRANSFORMS)
            raise AreosegError(f"{field}: no such field; the transforms are {names}") from error
        raise AreosegError(f"{field}: {first['msg']}, not {first['input']!r}") from error
