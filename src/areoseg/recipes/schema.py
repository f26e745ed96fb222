"""What a recipe may say: every value with its type, range and default.

A recipe is one experiment. Constructors elsewhere take plain keyword arguments and never see it.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from areoseg.data.augmentation.settings import AugmentSettings
from areoseg.losses.terms import CrossEntropy, LossTerms, WeightScheme
from areoseg.recipes.network import NetworkSettings
from areoseg.recipes.optimizers import AdamW, Optimizer
from areoseg.recipes.schedules import Cosine, Schedule
from areoseg.recipes.section import Count, Decay, NonNegative, Section, Share


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
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor by which frames are reduced on the way in."""
    tile: tuple[Count, Count] | None = None
    """Height and width of the tiles that frames are cut into; none: whole frames."""
    audit: bool = True
    """Leave out of training what the audit rejects."""
    rare_share: Share = 0.0
    """Share of each batch drawn from the scenes that hold the rarest class."""
    drop_background_over: Share | None = None
    """Training scenes with a larger share of background are not trained on; none: all are."""


class SplitSettings(Section):
    """How labelled scenes are divided; the values are those of `areoseg.data.split.split_scenes`.

    Whole groups stay together, and two kinds of scenes are spread evenly over the parts.
    """

    strategy: Literal["rare", "dispersion"] = "rare"
    """The two kinds. `rare`: scenes that hold the rarest class, and the others. `dispersion`:
    well-segmented and mostly unsegmented scenes."""
    threshold: NonNegative | None = None
    """The dispersion from which on a scene is mostly unsegmented; none: the median."""
    val: Share = 0.15
    test: Share = 0.10
    folds: Annotated[int, Field(ge=2)] | None = None
    """Into how many folds train and validation together are dealt; none: `val` says how much
    validation takes. The test part does not depend on it."""
    fold: Annotated[int, Field(ge=0)] = 0
    """The fold that is the validation part, from 0."""
    seed: int = 0

    @field_validator("threshold")
    @classmethod
    def _check_threshold(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        if threshold is not None and info.data.get("strategy") == "rare":
            raise ValueError("only split.strategy=dispersion takes a threshold")
        return threshold

    @field_validator("fold")
    @classmethod
    def _check_fold(cls, fold: int, info: ValidationInfo) -> int:
        if "folds" not in info.data:  # they are wrong themselves
            return fold
        folds = info.data["folds"]
        if folds is None and fold:
            raise ValueError("there are no folds: set split.folds")
        if folds is not None and fold >= folds:
            raise ValueError(f"{folds} folds are counted 0 to {folds - 1}")
        return fold


class ClassWeightSettings(Section):
    """How classes are weighed in the loss, by their share of the training pixels."""

    scheme: WeightScheme = "sqrt"
    cap: Annotated[float, Field(ge=1)] | None = None
    """The largest weight over the smallest; none: no limit."""


class TrainingSettings(Section):
    """Length and manner of the training."""

    epochs: Count = 40
    """Passes over the training scenes; a time budget takes its place."""
    steps: Count | None = None
    """Training steps, for a length that is no whole number of passes; none: `epochs` says it."""
    batch_size: Count = 32
    seed: int = 0
    ema: Decay = 0.995
    """Decay of the moving average of the weights, which is what is kept; 0: no average."""
    swa: Share = 0.0
    """Share of the training, at its end, whose weights are averaged alike (stochastic weight
    averaging); the moving average ends where it begins. 0: none."""
    patience: Annotated[int, Field(ge=0)] = 12
    """Epochs without a better validation score before training stops; 0: never. A time budget
    switches it off."""
    keep: Literal["best", "last"] = "best"
    """Which weights the run keeps: those of the best validation score, or the last."""
    mixup: NonNegative = 0.0
    """Both parameters of the Beta distribution by which pairs of scenes are mixed, such as 0.2; 0:
    none."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the processor multiplies it natively."""


class Recipe(Section):
    """A whole experiment."""

    summary: str = ""
    """One line for `areoseg recipes`."""
    model: ModelChoice
    network: NetworkSettings = NetworkSettings()
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    loss: LossTerms = LossTerms(ce=CrossEntropy())
    class_weights: ClassWeightSettings = ClassWeightSettings()
    augment: AugmentSettings = AugmentSettings.model_validate("flips")
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Cosine()
    training: TrainingSettings = TrainingSettings()
    protocol: Literal["terrain", "keras", "all-pixels", "five-class"] = "terrain"
    """The definition of mean IoU that chooses the weights and heads the report."""

    @model_validator(mode="after")
    def _check_background(self) -> Self:
        """Terms that price errors on background need a background that is learnt."""
        if self.data.background == "void":
            for name in ("background", "report-code"):
                if name in self.loss.chosen:
                    raise ValueError(
                        f"loss.{name} needs data.background=class: where background is void it has"
                        " no pixels in the loss"
                    )
        return self

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, values: Any) -> Any:
        """`model: unet` is short for `model: {name: unet}`; see `SHORT_FORMS`.

        An optimiser or a schedule without a name is the default one.
        """
        if not isinstance(values, dict):
            return values
        expanded = dict(values)
        for section, value in values.items():
            if section in SHORT_FORMS and isinstance(value, str):
                expanded[section] = {SHORT_FORMS[section]: value}
            elif section in DEFAULT_NAMES and isinstance(value, dict):
                expanded[section] = {"name": DEFAULT_NAMES[section], **value}
        return expanded


SHORT_FORMS = {
    "model": "name",
    "split": "strategy",
    "class_weights": "scheme",
    "augment": "policy",
    "optimizer": "name",
    "schedule": "name",
}
"""The value that a bare word stands for, by section."""

DEFAULT_NAMES = {"optimizer": AdamW().name, "schedule": Cosine().name}
"""The name that a section has where the recipe says none."""
