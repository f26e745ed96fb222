"""Results: one small JSON file per training of a study, suitable for version control."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from areoseg import __version__
from areoseg.audit import Exclusions
from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.experiments.study import Study, Trial
from areoseg.metrics.scores import Scores
from areoseg.recipes import Recipe, dump_recipe
from areoseg.runs.run import Run
from areoseg.utils.files import write_text


class SplitScores(BaseModel):
    """The scores of one split; None if undefined.

    Attributes:
        images: Number of scored images.
        protocols: Mean IoU by protocol.
        iou: IoU by class, under the protocol `terrain`.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    protocols: dict[str, float | None]
    iou: dict[str, float | None]

    @classmethod
    def of(cls, scores: Scores) -> "SplitScores":
        """Extract the scores that a study compares, rounded to six digits."""
        return cls(
            images=scores.images,
            protocols={
                name: _rounded(protocol.score) for name, protocol in scores.protocols.items()
            },
            iou={name: _rounded(value) for name, value in scores.protocols["terrain"].iou.items()},
        )


class Result(BaseModel):
    """The result of one training.

    Attributes:
        section: Name of the section.
        row: Name of the row.
        seed: `training.seed`.
        data: `data_identity` of the data.
        budget_seconds: Time budget of the training, or None.
        scores: By split: `train`, `val` and `test`.
        steps: Training steps done.
        best_step: Step of the best validation score.
        seconds: Training time.
        parameters: Number of trainable parameters.
        macs: Multiply-accumulates for one image of `size`.
        size: Height and width of the training images.
        device: Compute device.
        threads: CPU threads.
        precision: `float32` or `bfloat16`.
        areoseg: Version.
        torch: Version.
        recipe: Every value of the recipe.
        baseline: The baseline that was scored instead of a network, or None.
    """

    model_config = ConfigDict(frozen=True)

    section: str
    row: str
    seed: int
    data: str
    budget_seconds: float | None
    scores: dict[str, SplitScores]
    steps: int
    best_step: int
    seconds: float
    parameters: int
    macs: int
    size: tuple[int, int]
    device: str
    threads: int
    precision: str
    areoseg: str
    torch: str
    recipe: dict[str, Any]
    baseline: str | None = None

    @classmethod
    def of(cls, trial: Trial, run: Run, scores: Mapping[str, SplitScores], data: str) -> "Result":
        """Create the result of a finished run."""
        info = run.info
        assert info.steps is not None
        assert info.best_step is not None
        assert info.training_seconds is not None
        return cls(
            section=trial.section,
            row=trial.row,
            seed=trial.seed,
            data=data,
            budget_seconds=trial.budget_seconds,
            scores=dict(scores),
            steps=info.steps,
            best_step=info.best_step,
            seconds=info.training_seconds,
            parameters=info.model.parameters,
            macs=info.model.macs,
            size=info.model.size,
            device=info.device,
            threads=info.threads,
            precision=info.precision,
            areoseg=info.versions.areoseg,
            torch=info.versions.torch,
            recipe=yaml.safe_load(dump_recipe(trial.recipe)),
        )

    @classmethod
    def of_baseline(
        cls,
        trial: Trial,
        scores: Mapping[str, SplitScores],
        data: str,
        *,
        size: tuple[int, int],
        seconds: float,
    ) -> "Result":
        """Create the result of a baseline, which has no steps and no parameters."""
        return cls(
            section=trial.section,
            row=trial.row,
            seed=trial.seed,
            data=data,
            budget_seconds=None,
            scores=dict(scores),
            steps=0,
            best_step=0,
            seconds=round(seconds, 2),
            parameters=0,
            macs=0,
            size=size,
            device="cpu",
            threads=1,
            precision="float32",
            areoseg=__version__,
            torch=torch.__version__,
            recipe=yaml.safe_load(dump_recipe(trial.recipe)),
            baseline=trial.baseline,
        )

    def under(self, trial: Trial) -> "Result":
        """Return a copy under the name of another row."""
        return self.model_copy(update={"section": trial.section, "row": trial.row})

    def answers(self, trial: Trial) -> bool:
        """Return whether recipe, seed, budget and baseline are those of the trial."""
        try:
            recipe = Recipe.model_validate(self.recipe)
        except ValidationError:  # a recipe of an earlier version
            return False
        return trial.same_experiment(recipe, self.budget_seconds, self.baseline)


def data_identity(samples: SegmentationDataset, decisions: Exclusions | None = None) -> str:
    """Hash names, images, masks and groups: everything that determines a split and its scores.

    Args:
        samples: Labeled samples.
        decisions: Decisions on which samples to exclude, or None.
    """
    digest = hashlib.blake2b(fingerprint(samples).encode(), digest_size=16)
    digest.update("\n".join(samples.groups or ()).encode())
    if decisions is not None:
        digest.update(f"kept {decisions.kept_indices}".encode())
    return digest.hexdigest()


def result_path(study: Study, trial: Trial) -> Path:
    """Return the path of a trial's result."""
    return study.results / trial.place.parent / f"{trial.place.name}.json"


def read_result(study: Study, trial: Trial) -> Result | None:
    """Read the result of a trial, or return None if there is none.

    Raises:
        AreosegError: The file is not a result.
    """
    path = result_path(study, trial)
    if not path.is_file():
        return None
    try:
        return Result.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise AreosegError(
            f"{path}: not a result of a study: {error.errors()[0]['msg']}; remove it to train again"
        ) from None


def write_result(study: Study, trial: Trial, result: Result) -> None:
    """Write the result of a trial atomically."""
    write_text(result_path(study, trial), result.model_dump_json(indent=2) + "\n")


def read_results(
    study: Study, data_of: Callable[[Trial], str] | None = None
) -> dict[Trial, Result]:
    """Read the results that match the current study.

    Args:
        study: The study.
        data_of: Returns the `data_identity` of a trial's data; None: accept results of any data, if
            all have the same.

    Raises:
        AreosegError: Results of different data, or a file that is not a result.
    """
    results = {}
    cuts: dict[object, set[str]] = defaultdict(set)
    for trial in study.trials:
        result = read_result(study, trial)
        if result is None or not result.answers(trial):
            continue
        if data_of is None:
            cuts[trial.recipe.data.tile, trial.recipe.data.scale].add(result.data)
        elif result.data != data_of(trial):
            continue
        results[trial] = result
    if any(len(identities) > 1 for identities in cuts.values()):
        raise AreosegError(
            f"{study.results}: these results come from different data; give --data to train the"
            " rows of other data again"
        )
    return results


def _rounded(value: float) -> float | None:
    """Round to six digits, finer than any meaningful difference; NaN becomes None."""
    return None if math.isnan(value) else round(float(value), 6)
