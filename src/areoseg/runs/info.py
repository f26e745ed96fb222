"""The content of `run.json`: the model, its data, and the outcome of the training."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from areoseg.data.load import Source
from areoseg.data.samples import DatasetPart
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import read_json, write_json


class _Info(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Versions(_Info):
    """Versions of the software that trained the run."""

    areoseg: str
    torch: str
    python: str


class DataInfo(_Info):
    """The dataset of a run.

    Attributes:
        source: Where the samples were read from, with paths as given by the user.
        working_directory: The absolute folder that relative paths in `source` start from; None in
            a bundle.
        fingerprint: Hash of all labeled samples.
        labeled: Number of labeled samples.
        unlabeled: Number of unlabeled samples.
        unlabeled_fingerprint: Their hash, or None if there are none or the run is older.
        rejected: Number of labeled samples rejected by the audit or manually.
        decisions: The file with manual decisions, or None.
        dropped: Number of labeled samples that are in no split.
        groups: Number of groups, or None if groups are unknown.
        found_groups: Whether the groups are tiles whose edges continue each other, and therefore
            incomplete.
        assigned_splits: Splits that the dataset description assigned.
        training_shares: Share of training pixels by class name, 0..1.
        parts: The datasets that were joined, in the order of `source`; empty for a single one.
        navcam_scale: Scale of the images relative to a full Navcam frame, or None.
        mean: Mean brightness of the training images, 0..1.
        std: Standard deviation of the training images.
    """

    source: Source
    working_directory: str | None = None
    fingerprint: str
    labeled: int
    unlabeled: int
    unlabeled_fingerprint: str | None = None
    rejected: int
    decisions: str | None = None
    dropped: int = 0
    groups: int | None
    found_groups: bool = False
    assigned_splits: list[str] = []
    training_shares: dict[str, float]
    parts: list[DatasetPart] = []
    navcam_scale: float | None = None
    mean: float
    std: float


class ModelInfo(_Info):
    """The network of a run.

    Attributes:
        size: Height and width of the training images.
        parameters: Number of trainable parameters.
        macs: Multiply-accumulate operations for one image.
    """

    size: tuple[int, int]
    parameters: int
    macs: int


class InitialWeights(_Info):
    """The run whose weights the training started from.

    Attributes:
        run: The run folder.
        weights_sha256: Hash of its weights file.
        commands: The command lines that produced it.
        training_seconds: Its training time, including that of the runs it started from.
        self_training: The pseudo-labeled samples that it was trained on, if any.
    """

    run: str
    weights_sha256: str
    commands: list[str]
    training_seconds: float
    self_training: "SelfTrainingInfo | None" = None


class TrainedOn(_Info):
    """Samples that the weights were trained on.

    Attributes:
        fingerprint: Hash of all labeled samples of the dataset.
        names: Names of the samples in its training split.
    """

    fingerprint: str
    names: list[str]


class PseudoLabelInfo(_Info):
    """The pseudo-labels of one class.

    Attributes:
        predicted: Share of all pixels that were predicted as the class.
        threshold: The lowest confidence that was kept, or None without predictions.
        kept: Share of the predictions that were kept, or None without predictions.
        share: Share of the class among all kept pixels.
    """

    predicted: float
    threshold: float | None
    kept: float | None
    share: float


class SelfTrainingInfo(_Info):
    """The pseudo-labeled samples that a run was trained on.

    Attributes:
        teachers: The run folders that labeled them.
        commands: The command lines that produced the teachers.
        training_seconds: Training time of all teachers.
        unlabeled: Where the images were read from.
        keep_fraction: Share of the predictions of each class that were kept.
        min_confidence: Confidence below which no prediction was kept.
        tta_flip: Whether the teachers predicted mirrored images as well.
        classes: The pseudo-labels by class name.
        samples: Number of samples.
        labeled_share: Share of labeled samples in each batch.
        fingerprint: Hash of the samples.
    """

    teachers: list[str]
    commands: list[str]
    training_seconds: float
    unlabeled: str
    keep_fraction: float
    min_confidence: float
    tta_flip: bool
    classes: dict[str, PseudoLabelInfo]
    samples: int
    labeled_share: float
    fingerprint: str


class RoundsInfo(_Info):
    """Rounds of self-training within one training.

    Attributes:
        samples: Number of unlabeled samples.
        classes: For each round, the pseudo-labels by class name; empty if none were kept.
    """

    samples: int
    classes: list[dict[str, PseudoLabelInfo]]


class SoupIngredient(_Info):
    """A run that was tried in a soup.

    Attributes:
        name: The run folder.
        score: Its own validation score.
        soup_score: Validation score of the soup that includes it, or None if it was not tried.
        selected: Whether its weights are in the soup.
    """

    name: str
    score: float
    soup_score: float | None
    selected: bool


class SoupInfo(_Info):
    """The runs whose weights were averaged; the best one first."""

    ingredients: list[SoupIngredient]


class ScoreChange(_Info):
    """The score that offsets were fitted to; None if undefined.

    Attributes:
        before: Without offsets.
        out_of_fold: With offsets that were fitted to other groups.
        after: With the stored offsets, on the samples that they were fitted to.
    """

    before: float | None
    out_of_fold: float | None
    after: float | None


class ErrorChange(_Info):
    """Expected calibration error before and after calibration."""

    before: float | None
    after: float | None


class ReliabilityCurve(_Info):
    """Share of pixels, mean confidence and accuracy per confidence bin; None in empty bins."""

    share: list[float | None]
    confidence: list[float | None]
    accuracy: list[float | None]


class ReliabilityChange(_Info):
    """Reliability before and after calibration."""

    before: ReliabilityCurve
    after: ReliabilityCurve


class CalibrationInfo(_Info):
    """The calibration of a run on its validation split.

    Attributes:
        temperature: Logits are divided by it.
        offsets: Added to the logits after that, by class name.
        offsets_help: Whether offsets raised the score out of fold; otherwise all are 0.
        protocol: The definition of the score.
        score: The score before and after.
        calibration_error: The error before and after.
        reliability: The curves before and after.
        groups: Number of groups.
        pixels: Number of pixels.
    """

    temperature: float
    offsets: dict[str, float]
    offsets_help: bool
    protocol: str
    score: ScoreChange
    calibration_error: ErrorChange
    reliability: ReliabilityChange
    groups: int
    pixels: int


class BackgroundInfo(_Info):
    """The calibration of a background gate, and its effect on the validation split.

    Attributes:
        scale: The network's log-odds of background are multiplied by it.
        offset: Added after that.
        threshold: Pixels with a higher probability of background are background.
        lost_ground: Share of the labeled ground that becomes background.
        found_background: Share of the pixels that are certainly not ground that become background;
            None without such pixels.
    """

    scale: float
    offset: float
    threshold: float
    lost_ground: float | None
    found_background: float | None


class BundleInfo(_Info):
    """The comparison of a bundle with the run that it was made from.

    Attributes:
        license: License of the weights.
        credit: Authors and license of the training data, or None.
        compared_on: The samples of the comparison.
        weights_sha256: Hash of the weights file of the run.
        max_probability_difference: Maximum absolute difference of a probability.
        equal_pixels: Share of pixels with the same predicted class, 0..1.
        terrain: `terrain` score of the bundle.
        terrain_of_run: `terrain` score of the run.
        images: Number of images compared.
    """

    license: str
    credit: str | None
    compared_on: str
    weights_sha256: str
    max_probability_difference: float
    equal_pixels: float
    terrain: float
    terrain_of_run: float
    images: int


class RunInfo(_Info):
    """The content of `run.json`.

    Attributes:
        versions: Versions of the software.
        command: The command line, or None for a run created from Python.
        status: Status of the training.
        data: The dataset.
        taxonomy: The classes.
        model: The network.
        device: The requested device: `cpu`, `cuda` or `auto`.
        threads: Number of CPU threads.
        precision: Precision of the training.
        budget_seconds: The time budget, or None.
        initial_weights: The run that the training started from, or None.
        previously_trained_on: The samples that the initial weights were trained on.
        self_training: The pseudo-labeled samples, or None.
        rounds: Rounds of self-training within the training, or None.
        soup: The runs whose weights were averaged, or None.
        steps: Number of training steps; None before the end.
        epochs: Number of validations.
        best_step: The step with the best validation score.
        validation_score: That score, or None if undefined.
        protocol: Definition of the validation score.
        training_seconds: Training time.
        calibration: The calibration, or None.
        background: The calibration of the background gate, or None without a gate.
        bundle: The comparison with the original run, or None if this is not a bundle.
        notes: What was left out, guessed, stopped early or not achieved.
    """

    versions: Versions
    command: str | None = None
    status: Literal["training", "finished", "interrupted"]
    data: DataInfo
    taxonomy: Taxonomy
    model: ModelInfo
    device: str
    threads: int
    precision: Literal["float32", "bfloat16"]
    budget_seconds: float | None = None
    initial_weights: InitialWeights | None = None
    previously_trained_on: list[TrainedOn] = []
    self_training: SelfTrainingInfo | None = None
    rounds: RoundsInfo | None = None
    soup: SoupInfo | None = None
    steps: int | None = None
    epochs: int | None = None
    best_step: int | None = None
    validation_score: float | None = None
    protocol: str | None = None
    training_seconds: float | None = None
    calibration: CalibrationInfo | None = None
    background: BackgroundInfo | None = None
    bundle: BundleInfo | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "RunInfo":
        """Read a `run.json`.

        Raises:
            AreosegError: The file cannot be read, or a field is missing, unknown or wrong.
        """
        values = read_json(path)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "content"
            problem = "is missing" if first["type"] == "missing" else f"is wrong ({first['msg']})"
            raise AreosegError(
                f"cannot read {path}: {field!r} {problem}; copy the whole run folder again"
            ) from None

    def write(self, path: Path) -> None:
        """Write a `run.json` atomically.

        Raises:
            AreosegError: The folder cannot be written.
        """
        write_json(path, self.model_dump(mode="json", exclude_unset=True))
