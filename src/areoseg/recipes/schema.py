"""What a recipe may say: every value with its type, range and default.

A recipe is one experiment. Constructors elsewhere take plain keyword arguments and never see it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from areoseg.data.augmentation.settings import AugmentSettings
from areoseg.losses.terms import CrossEntropy, LossTerms, WeightScheme

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """Base of all parts of a recipe: immutable, and unknown values are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelChoice(BaseModel):
    """A model by its registry name; any further value is an option of that model."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The model's own options."""
        return dict(self.model_extra or {})


class DataSettings(Section):
    """How the data set is prepared."""

    background: Literal["class", "void"] = "void"
    """`class`: background is learnt like the others. `void`: its pixels are left out of the loss,
    and prediction never answers background."""
    scale: Positive = 1.0
    """Factor by which frames are reduced on the way in."""
    tile: tuple[Count, Count] | None = None
    """Height and width of the tiles that frames are cut into; none: whole frames."""
    audit: bool = True
    """Leave out of training what the audit rejects."""
    rare_share: Share = 0.0
    """Share of each batch drawn from the scenes that hold the rarest class."""


class SplitSettings(Section):
    """How labelled scenes are divided."""

    val: Share = 0.15
    test: Share = 0.10
    seed: int = 0


class ClassWeightSettings(Section):
    """How classes are weighed in the loss, by their share of the training pixels."""

    scheme: WeightScheme = "sqrt"
    cap: Annotated[float, Field(ge=1)] | None = None
    """The largest weight over the smallest; none: no limit."""


class OptimizerSettings(Section):
    """The optimiser."""

    name: Literal["adamw"] = "adamw"
    lr: Positive = 2e-3
    """The peak learning rate."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-2
    """Decoupled weight decay; never applied to normalisation and bias."""
    l2: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the squared norm of the convolution weights in the loss."""
    clip: Positive | None = 1.0
    """Largest norm of the gradient; none: no clipping."""


class ScheduleSettings(Section):
    """The learning rate over the course of training."""

    name: Literal["cosine"] = "cosine"
    warmup: Share = 0.05
    """Share of the training in which the learning rate rises from zero to its peak."""


class TrainingSettings(Section):
    """Length and manner of the training."""

    epochs: Count = 40
    """Passes over the training scenes; a time budget takes its place."""
    batch_size: Count = 32
    seed: int = 0
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.995
    """Decay of the moving average of the weights, which is what is kept; 0: no average."""
    patience: Annotated[int, Field(ge=0)] = 12
    """Epochs without a better validation score before training stops; 0: never. A time budget
    switches it off."""
    keep: Literal["best", "last"] = "best"
    """Which weights the run keeps: those of the best validation score, or the last."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the processor multiplies it natively."""


class Recipe(Section):
    """A whole experiment."""

    summary: str = ""
    """One line for `areoseg recipes`."""
    model: ModelChoice
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    loss: LossTerms = LossTerms(ce=CrossEntropy())
    class_weights: ClassWeightSettings = ClassWeightSettings()
    augment: AugmentSettings = AugmentSettings.model_validate("flips")
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    training: TrainingSettings = TrainingSettings()
    protocol: Literal["terrain", "keras", "all-pixels", "five-class"] = "terrain"
    """The definition of mean IoU that chooses the weights and heads the report."""

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, values: Any) -> Any:
        """`model: unet` is short for `model: {name: unet}`; see `SHORT_FORMS`."""
        if not isinstance(values, dict):
            return values
        return {
            section: {SHORT_FORMS[section]: value}
            if section in SHORT_FORMS and isinstance(value, str)
            else value
            for section, value in values.items()
        }


SHORT_FORMS = {"model": "name", "class_weights": "scheme", "augment": "policy"}
"""The value that a bare word stands for, by section."""
