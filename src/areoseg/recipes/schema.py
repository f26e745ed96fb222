"""What a recipe may say: every value with its type, range and default.

A recipe is one experiment. Constructors elsewhere take plain keyword arguments and never see it.
"""

from collections.abc import Mapping
from typing import Annotated
from typing import Any
from typing import Literal

from pydantic import AfterValidator
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import ValidationInfo
from pydantic import field_validator
from pydantic import model_validator

from areoseg.losses.terms import CrossEntropy
from areoseg.losses.terms import LossTerms
from areoseg.losses.terms import WeightScheme
from areoseg.recipes.errors import check_values
from areoseg.recipes.network import NetworkSettings
from areoseg.recipes.optimizers import AdamW
from areoseg.recipes.optimizers import Optimizer
from areoseg.recipes.schedules import Cosine
from areoseg.recipes.schedules import Schedule
from areoseg.recipes.section import Count
from areoseg.recipes.section import Decay
from areoseg.recipes.section import NonNegative
from areoseg.recipes.section import Section
from areoseg.recipes.section import Share
from areoseg.recipes.short_forms import expand_short_forms
from areoseg.recipes.short_forms import fill_in_names
from areoseg.recipes.stages import complete_stage
from areoseg.recipes.unlabeled import UnlabeledSettings
from areoseg.transforms.settings import AugmentSettings


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
    """`class`: background is learned like the others. `void`: its pixels are left out of the loss,
    and prediction never answers background."""
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Factor by which frames are reduced on the way in."""
    tile: tuple[Count, Count] | None = None
    """Height and width of the tiles that frames are cut into; none: whole frames."""
    audit: bool = True
    """Leave out of training what the audit rejects."""
    rare_share: Share = 0.0
    """Share of each batch drawn from the samples that hold the rarest class."""
    drop_background_over: Share | None = None
    """Training samples with a larger share of background are not trained on; none: all are."""


class SplitSettings(Section):
    """How labeled samples are divided; the values are those of `areoseg.data.split.split_samples`.

    Whole groups stay together, and two kinds of samples are spread evenly over the parts.
    """

    strategy: Literal["rare", "dispersion"] = "rare"
    """The two kinds. `rare`: samples that hold the rarest class, and the others. `dispersion`:
    well-segmented and mostly unsegmented samples."""
    threshold: NonNegative | None = None
    """The dispersion from which on a sample is mostly unsegmented; none: the median."""
    val: Share = 0.15
    test: Share = 0.10
    folds: Annotated[int, Field(ge=2)] | None = None
    """Into how many folds train and validation together are dealt; none: `val` says how much
    validation takes. The test part does not depend on it."""
    fold: Annotated[int, Field(ge=0)] = 0
    """The fold that is the validation part, from 0."""
    seed: int = 0

    @field_validator("test")
    @classmethod
    def _check_rest(cls, test: float, info: ValidationInfo) -> float:
        val = info.data.get("val", 0.0)
        if 1 - val - test <= 0:
            raise ValueError(f"with split.val={val} it leaves nothing to train on: lower them")
        return test

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


def _check_background(loss: LossTerms, info: ValidationInfo) -> LossTerms:
    """Terms that price errors on background need a background that is learned."""
    data = info.data.get("data")
    if data is not None and data.background == "void":
        check_values(
            {
                (name,): "needs data.background=class: where background is void it has no pixels in"
                " the loss"
                for name in ("background", "report-code")
                if name in loss.chosen
            }
        )
    return loss


Loss = Annotated[LossTerms, AfterValidator(_check_background)]
"""Terms that go with the section `data` before them."""


class ClassWeightSettings(Section):
    """How classes are weighed in the loss, by their share of the training pixels."""

    scheme: WeightScheme = "sqrt"
    cap: Annotated[float, Field(ge=1)] | None = None
    """The largest weight over the smallest; none: no limit."""


class Stage(Section):
    """A part of the training. What it does not say is as in the recipe.

    A section changes single values of the recipe's; but one that names its optimizer, schedule,
    policy or scheme stands for itself, and so does `loss`.

    Schedule and loss ramps run from 0 to 1 within each stage. The average of the weights goes on
    through all of them. The optimizer goes on where its section is that of the stage before, and
    begins anew where it is not.
    """

    epochs: Count
    """Passes over the training samples. With `training.steps`, `training.epochs` or a time budget,
    stages have shares of that length as their epochs say."""
    data: DataSettings
    """Only `background`, `rare_share` and `drop_background_over` can differ between stages."""
    loss: Loss
    class_weights: ClassWeightSettings
    augment: AugmentSettings
    optimizer: Optimizer
    schedule: Schedule


class TrainingSettings(Section):
    """Length and manner of the training."""

    epochs: Count = 40
    """Passes over the training samples; a time budget takes its place. With stages it is the sum of
    theirs, unless the recipe says another: then they are stretched to it."""
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
    """Both parameters of the Beta distribution by which pairs of samples are mixed, such as 0.2; 0:
    none."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where the processor convolves faster in it."""


class Recipe(Section):
    """A whole experiment."""

    summary: str = ""
    """One line for `areoseg recipes`."""
    model: ModelChoice
    network: NetworkSettings = NetworkSettings()
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    loss: Loss = LossTerms(ce=CrossEntropy())
    class_weights: ClassWeightSettings = ClassWeightSettings()
    augment: AugmentSettings = AugmentSettings.model_validate("flips")
    optimizer: Optimizer = AdamW()
    schedule: Schedule = Cosine()
    unlabeled: UnlabeledSettings = UnlabeledSettings()
    stages: tuple[Stage, ...] = ()
    """Parts of the training, one after the other; none: a single one, as the recipe says it."""
    training: TrainingSettings = TrainingSettings()
    protocol: Literal["terrain", "keras", "all-pixels", "five-class"] = "terrain"
    """The definition of mean IoU that chooses the weights and heads the report."""
    calibration: bool = False
    """Fit temperature and class offsets to the validation part at the end of the training, as
    `areoseg calibrate` does."""

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, values: Any) -> Any:
        """`model: unet` is short for `model: {name: unet}`; see `recipes.short_forms`."""
        if not isinstance(values, dict):
            return values
        return {"training": {}, **fill_in_names(expand_short_forms(values))}

    @field_validator("stages", mode="before")
    @classmethod
    def _complete_stages(cls, stages: Any, info: ValidationInfo) -> Any:
        """What a stage leaves open is the recipe's."""
        if not isinstance(stages, list | tuple):
            raise ValueError("write a list, such as [{epochs: 40}, {epochs: 8, augment: rigid}]")
        names = Stage.model_fields.keys() - {"epochs"}
        own = {name: info.data[name] for name in names & info.data.keys()}
        # A section that is wrong in the recipe itself is told there, and not in each stage again.
        faulty = {name: cls.model_fields[name].default for name in names - info.data.keys()}
        return [
            complete_stage(stage, own, faulty) if isinstance(stage, Mapping) else stage
            for stage in stages
        ]

    @field_validator("stages")
    @classmethod
    def _check_samples(cls, stages: tuple[Stage, ...], info: ValidationInfo) -> tuple[Stage, ...]:
        """Stages differ in what they draw, not in the samples that were read, audited and split."""
        own = info.data.get("data")
        check_values(
            {
                (number, "data", name): f"no stage can change it: set data.{name} for all of them"
                for number, stage in enumerate(stages)
                for name in ("scale", "tile", "audit")
                if own is not None and getattr(stage.data, name) != getattr(own, name)
            }
        )
        return stages

    @field_validator("training", mode="before")
    @classmethod
    def _add_up_epochs(cls, training: Any, info: ValidationInfo) -> Any:
        """Without a length of its own, a training is as long as its stages."""
        stages = info.data.get("stages")
        if stages and isinstance(training, Mapping):
            return {"epochs": sum(stage.epochs for stage in stages), **training}
        return training
