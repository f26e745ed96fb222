"""The values of a recipe, with their types, ranges and defaults.

A recipe is one experiment. Losses, optimizers, schedules, transforms and models are looked up in
their registries, so that those of plugins are valid too.
"""

import warnings
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from areoseg.errors import AreosegError, did_you_mean
from areoseg.losses import LOSSES, LossTerms, parse_loss
from areoseg.losses.class_weights import WeightScheme
from areoseg.optim import OPTIMIZERS, SCHEDULES, OptimizerOptions, ScheduleOptions
from areoseg.recipes.stages import complete_stage, expand_short_form
from areoseg.transforms.policies import AugmentSettings
from areoseg.utils.options import (
    Count,
    Decay,
    NonNegative,
    Options,
    Positive,
    PositiveShare,
    Seed,
    Share,
    check_values,
)
from areoseg.utils.registry import Registry

DEFAULT_OPTIMIZER = "adamw"
DEFAULT_SCHEDULE = "cosine"


class ModelChoice(BaseModel):
    """A model, given by its registered name; all other values are options of that model."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The model's own options."""
        return dict(self.model_extra or {})


class NetworkSettings(Options):
    """Initialization and regularization of any model; by default as the model defines it.

    A change that does not apply to the model is an error.
    """

    initialization: Literal["he", "xavier", "orthogonal"] | None = None
    """Initialization of all convolutions; null: the model's default, mostly `he`."""
    zero_last_gamma: bool = False
    """Start the last gamma of each residual branch at zero, so that each block starts as its
    shortcut."""
    weight_standardization: bool = False
    """Standardize each filter that is followed by a normalization to mean zero and variance one."""
    dropblock: Count | None = None
    """Edge in pixels of the squares that DropBlock drops instead of the model's dropout, at its
    rates (`model.dropout`), which are reached at the end of training; null: dropout."""
    drop_path: Decay | None = None
    """Probability of skipping the last residual branch in training; that of the others grows
    linearly towards it (stochastic depth). Null: the model's default."""


class DataSettings(Options):
    """Preparation of the dataset."""

    background: Literal["class", "void", "gate"] = "void"
    """`class`: background is a class like the others. `void`: its pixels are ignored in the loss,
    and background is never predicted. `gate`: an output of its own decides whether a pixel is
    background, learned from the unlabeled regions that are certainly not ground."""
    gate_weight: Positive = 1.0
    """Weight of the loss of the background gate; the loss of the terrain has 1."""
    scale: PositiveShare = 1.0
    """Factor by which frames are downscaled when they are read."""
    tile: tuple[Count, Count] | None = None
    """Height and width of the tiles that frames are cut into; null: whole frames."""
    audit: bool = True
    """Exclude samples that the audit rejects from training."""
    oversample_rare: Share = 0.0
    """Fraction of each batch that is drawn from samples with pixels of the rarest class."""
    crops: tuple[Count, ...] = ()
    """Sides in pixels of the random crops in the first parts of the training, for example
    `[64, 128]` for thirds: crops of 64x64, of 128x128, then whole samples. Batches of crops have
    more samples, and the same number of pixels."""
    max_background: Share | None = None
    """Training samples with a larger fraction of background are excluded; null: none."""


class SplitSettings(Options):
    """Split of the labeled samples, as in `areoseg.data.split.split_samples`.

    Whole groups stay together, and two kinds of samples are spread evenly over the splits.
    """

    strategy: Literal["rare", "dispersion"] = "rare"
    """The two kinds. `rare`: samples with the rarest class, and the others. `dispersion`:
    well-segmented and mostly unsegmented samples."""
    threshold: NonNegative | None = None
    """The dispersion from which a sample is mostly unsegmented; null: the median."""
    val: Share = 0.15
    """Fraction of samples for validation."""
    test: Share = 0.10
    """Fraction of samples for testing."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Number of cross-validation folds of train and val together; null: `val` gives the fraction of
    validation. The test split does not depend on it."""
    fold: Annotated[int, Field(ge=0)] = 0
    """Index of the fold that is the validation split, from 0."""
    seed: Seed = 0
    """Seed of the split."""

    @field_validator("test")
    @classmethod
    def _check_rest(cls, test: float, info: ValidationInfo) -> float:
        val = info.data.get("val", 0.0)
        if 1 - val - test <= 0:
            raise ValueError(f"with split.val={val} nothing is left to train on: lower them")
        return test

    @field_validator("threshold")
    @classmethod
    def _check_threshold(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        if threshold is not None and info.data.get("strategy") == "rare":
            raise ValueError("only split.strategy=dispersion has a threshold")
        return threshold

    @field_validator("fold")
    @classmethod
    def _check_fold(cls, fold: int, info: ValidationInfo) -> int:
        if "folds" not in info.data:  # folds are invalid themselves
            return fold
        folds = info.data["folds"]
        if folds is None and fold:
            raise ValueError("there are no folds: set split.folds")
        if folds is not None and fold >= folds:
            raise ValueError(f"{folds} folds are counted 0 to {folds - 1}")
        return fold


class ClassWeightSettings(Options):
    """Class weights in the loss, by the fraction of training pixels of each class."""

    scheme: WeightScheme = "sqrt"
    """See `areoseg.losses.class_weights`."""
    cap: Annotated[float, Field(ge=1)] | None = None
    """Maximum ratio of the largest to the smallest weight; null: no limit."""


class PseudoLabelSettings(Options):
    """Self-training within one training, on the unlabeled images of the dataset.

    From `start` on, a fraction of each batch is unlabeled samples with pseudo-labels. In each round
    the averaged weights predict them, and the most confident pixels of each class are kept. Without
    unlabeled samples this section has no effect.
    """

    batch_fraction: Decay = 0.0
    """Fraction of each batch that is pseudo-labeled samples; 0: none."""
    start: Share = 0.4
    """Progress of training at which the first round begins."""
    rounds: Count = 3
    """Number of rounds, at equal distances from `start` to the end."""
    keep_fraction: PositiveShare = 0.6
    """Fraction of the predicted pixels of each class that become labels: the most confident."""
    min_confidence: Decay = 0.5
    """Confidence below which no pixel becomes a label."""

    def round_at(self, progress: float) -> int:
        """Return the current round at a progress of training, from 0; -1 before the first."""
        if not self.batch_fraction or progress < self.start:
            return -1
        done = (progress - self.start) / (1 - self.start) if self.start < 1 else 0.0
        return min(self.rounds - 1, int(done * self.rounds))


class TrainingSettings(Options):
    """Length and method of training."""

    epochs: Count = 40
    """Passes over the training samples; ignored with a time budget. With stages, the default is the
    sum of their epochs; another value rescales them."""
    steps: Count | None = None
    """Training steps, for a length that is not a whole number of passes; null: as `epochs`."""
    batch_size: Count = 32
    """Samples per batch."""
    seed: Seed = 0
    """Seed of weights, batches and augmentation."""
    ema: Decay = 0.995
    """Decay of the moving average of the weights, which is validated and saved; 0: no average."""
    swa: Share = 0.0
    """Fraction of training, at its end, over which the weights are averaged uniformly (stochastic
    weight averaging) instead of the moving average; 0: none."""
    patience: Annotated[int, Field(ge=0)] = 12
    """Epochs without a better validation score before training stops; 0: never. Ignored with a
    time budget."""
    checkpoint: Literal["best", "last"] = "best"
    """The weights that the run saves: those of the best validation score, or the last."""
    trainable: tuple[str, ...] = ()
    """Modules of the network that are trained, for example `[gate]`; the others keep their initial
    weights and batch statistics, so they need `--init-from`. Empty: all."""
    mixup: NonNegative = 0.0
    """Both parameters of the Beta distribution of mixup, for example 0.2; 0: none."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` is bfloat16 if convolutions are faster in it on this processor."""


def _choice(registry: Registry, default: str) -> BeforeValidator:
    """Return a validator for the options of a component that is chosen by its name."""

    def validate(value: Any) -> Any:
        if isinstance(value, registry.base):
            return value
        if isinstance(value, str):
            value = {"name": value}
        if not isinstance(value, Mapping):
            raise ValueError("input should be a mapping of values by their names")
        name = value.get("name", default)
        if not isinstance(name, str) or name not in registry:
            hint = did_you_mean(str(name), registry)
            check_values({("name",): f"there is no {registry.kind} {name!r}: {hint}"})
        return registry[name].options.model_validate(value)

    return BeforeValidator(validate)


def _check_background(loss: LossTerms, info: ValidationInfo) -> LossTerms:
    """Check that terms that depend on the background class are used with `background: class`."""
    data = info.data.get("data")
    if data is not None and data.background != "class":
        check_values(
            {
                (name,): "needs data.background=class, since void pixels are ignored in the loss"
                for name in loss.terms
                if "background" in LOSSES[name].parameters
            }
        )
    return loss


Loss = Annotated[LossTerms, AfterValidator(_check_background)]
"""Terms of the loss, checked against the section `data`."""

Optimizer = Annotated[SerializeAsAny[OptimizerOptions], _choice(OPTIMIZERS, DEFAULT_OPTIMIZER)]
"""The options of an optimizer, chosen by its name."""

Schedule = Annotated[SerializeAsAny[ScheduleOptions], _choice(SCHEDULES, DEFAULT_SCHEDULE)]
"""The options of a schedule, chosen by its name."""


class Stage(Options):
    """A stage of training; values that it does not set are those of the recipe.

    A section changes single values of the recipe's section. One that names its optimizer, schedule,
    policy or scheme replaces it, and so does `loss`.

    The optimizer keeps its state if its section equals that of the previous stage; otherwise it
    starts without state.
    """

    epochs: Count
    """Passes over the training samples. With `training.steps`, `training.epochs` or a time budget,
    the stages divide that length in proportion to their epochs."""
    data: DataSettings
    """`scale`, `tile` and `audit`, and a background gate, cannot differ between stages."""
    loss: Loss
    class_weights: ClassWeightSettings
    augment: AugmentSettings
    optimizer: Optimizer
    schedule: Schedule


class Recipe(Options):
    """A whole experiment."""

    summary: str = ""
    """One line for `areoseg recipes`."""
    plugins: tuple[str, ...] = ()
    """Python files that register models, losses and other components; relative to the recipe. They
    are run, with all your permissions, before the recipe is validated."""
    model: ModelChoice
    network: NetworkSettings = NetworkSettings()
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    loss: Loss = parse_loss("ce")
    class_weights: ClassWeightSettings = ClassWeightSettings()
    augment: AugmentSettings = AugmentSettings.model_validate("flips")
    optimizer: Optimizer = OPTIMIZERS[DEFAULT_OPTIMIZER].options()  # type: ignore[assignment]
    schedule: Schedule = SCHEDULES[DEFAULT_SCHEDULE].options()  # type: ignore[assignment]
    pseudo_labels: PseudoLabelSettings = PseudoLabelSettings()
    stages: tuple[Stage, ...] = ()
    """Successive parts of the training; if empty, the training has a single part."""
    training: TrainingSettings = TrainingSettings()
    protocol: Literal["terrain", "keras", "all-pixels", "five-class"] = "terrain"
    """The definition of mean IoU that selects the weights and is reported first."""
    calibration: bool = False
    """Fit temperature and class offsets on the validation split at the end of training, as
    `areoseg calibrate` does."""

    @model_validator(mode="before")
    @classmethod
    def _expand_short_forms(cls, values: Any) -> Any:
        """Expand short forms, for example `model: unet` to `model: {name: unet}`."""
        if not isinstance(values, dict):
            return values
        sections = {name: expand_short_form(name, value) for name, value in values.items()}
        return {"training": {}, **sections}

    @field_validator("model")
    @classmethod
    def _check_model(cls, model: ModelChoice, info: ValidationInfo) -> ModelChoice:
        """Check that the model exists, has these options, and can be built."""
        if (info.context or {}).get("check_model", True):
            check_values(_model_errors(model))
        return model

    @field_validator("network")
    @classmethod
    def _check_network(cls, network: NetworkSettings, info: ValidationInfo) -> NetworkSettings:
        """Check that the settings apply to the model."""
        from areoseg.models.adjust import adjust_network

        model = info.data.get("model")
        checked = (info.context or {}).get("check_model", True)
        if checked and model is not None and network != NetworkSettings():
            try:
                adjust_network(_build(model), **network.model_dump())
            except AreosegError as error:
                name, _, message = str(error).removeprefix("network.").partition(": ")
                check_values({(name,): message})
        return network

    @field_validator("data")
    @classmethod
    def _check_gate(cls, data: DataSettings, info: ValidationInfo) -> DataSettings:
        """Check that a network with a gate head is trained as a gate."""
        if "model" in info.data:
            check_values(_gate_errors(info.data["model"], data))
        return data

    @field_validator("training")
    @classmethod
    def _check_trainable(cls, training: TrainingSettings, info: ValidationInfo) -> TrainingSettings:
        """Check that the modules to train exist."""
        checked = (info.context or {}).get("check_model", True)
        if training.trainable and checked and "model" in info.data:
            check_values(_trainable_errors(info.data["model"], training))
        return training

    @field_validator("stages", mode="before")
    @classmethod
    def _complete_stages(cls, stages: Any, info: ValidationInfo) -> Any:
        """Fill in the values that a stage does not set from the recipe."""
        if not isinstance(stages, list | tuple):
            raise ValueError("write a list, such as [{epochs: 40}, {epochs: 8, augment: rigid}]")
        names = Stage.model_fields.keys() - {"epochs"}
        own = {name: info.data[name] for name in names & info.data.keys()}
        # A section that is invalid in the recipe is reported there, not again for each stage.
        invalid = {name: cls.model_fields[name].default for name in names - info.data.keys()}
        return [
            complete_stage(stage, own, invalid) if isinstance(stage, Mapping) else stage
            for stage in stages
        ]

    @field_validator("stages")
    @classmethod
    def _check_samples(cls, stages: tuple[Stage, ...], info: ValidationInfo) -> tuple[Stage, ...]:
        """Check that stages change only how batches are drawn, not which samples are used."""
        own = info.data.get("data")
        fixed = ["scale", "tile", "audit"]
        if own is not None and "gate" in {own.background, *(s.data.background for s in stages)}:
            fixed.append("background")  # a gate is a part of the model
        check_values(
            {
                (number, "data", name): f"stages cannot change this: set data.{name} for all"
                for number, stage in enumerate(stages)
                for name in fixed
                if own is not None and getattr(stage.data, name) != getattr(own, name)
            }
        )
        return stages

    @field_validator("training", mode="before")
    @classmethod
    def _add_up_epochs(cls, training: Any, info: ValidationInfo) -> Any:
        """Set the default length of training to the sum of its stages."""
        stages = info.data.get("stages")
        if stages and isinstance(training, Mapping):
            return {"epochs": sum(stage.epochs for stage in stages), **training}
        return training


def _gate_errors(model: ModelChoice, data: DataSettings) -> dict[tuple[str | int, ...], str]:
    """Return the error of a gate head whose output nothing uses."""
    if model.options.get("gate_width") and data.background != "gate":
        return {("background",): "model.gate_width needs data.background=gate"}
    return {}


def _trainable_errors(
    model: ModelChoice, training: TrainingSettings
) -> dict[tuple[str | int, ...], str]:
    """Return the errors in the names of the modules to train."""
    if training.swa and training.trainable:
        return {("swa",): "recomputes the batch statistics of all modules: remove swa or trainable"}
    known = [name for name, module in _build(model).named_children() if list(module.parameters())]
    return {
        ("trainable", number): f"{model.name} has no module {name!r}: {did_you_mean(name, known)}"
        for number, name in enumerate(training.trainable)
        if name not in known
    }


def _model_errors(model: ModelChoice) -> dict[tuple[str | int, ...], str]:
    """Return the errors in a model section, by their location in it."""
    from areoseg.models import record
    from areoseg.models.registry import FROM_DATA

    try:
        known = record(model.name).options
    except AreosegError as error:
        return {("name",): str(error)}
    errors: dict[tuple[str | int, ...], str] = {}
    for option in model.options:
        if option in FROM_DATA:
            errors[option,] = "this follows from the data: remove it"
        elif option not in known:
            errors[option,] = f"model {model.name!r} has no such option: " + did_you_mean(
                option, known, otherwise=f"`areoseg models {model.name}` lists them"
            )
    if errors:
        return errors
    try:
        _build(model)
    except AreosegError as error:
        return {(): str(error)}
    return {}


def _build(model: ModelChoice) -> Any:
    """Build a model without allocating its weights.

    Raises:
        AreosegError: The model cannot be built.
    """
    import torch

    from areoseg.models import create_model

    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # errors are raised
        return create_model(model.name, **model.options)
