"""Results: one small JSON file for each training of a study, fit to be committed."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import ValidationError

from areoseg import __version__
from areoseg.audit import Exclusions
from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.experiments.study import Study
from areoseg.experiments.study import Trial
from areoseg.metrics.scores import Scores
from areoseg.recipes import Recipe
from areoseg.recipes import dump_recipe
from areoseg.runs.run import Run
from areoseg.utils.files import write_text


class SplitScores(BaseModel):
    """The scores of one part of the split; None stands for "not defined".

    Attributes:
        images: How many were scored.
        protocols: Mean IoU by protocol.
        iou: IoU by class, under the protocol `terrain`.
    """

    model_config = ConfigDict(frozen=True)

    images: int
    protocols: dict[str, float | None]
    iou: dict[str, float | None]

    @classmethod
    def of(cls, scores: Scores) -> "SplitScores":
        """Return the part of an evaluation that a study compares, rounded to six digits."""
        return cls(
            images=scores.images,
            protocols={name: _rounded(found.score) for name, found in scores.protocols.items()},
            iou={name: _rounded(value) for name, value in scores.protocols["terrain"].iou.items()},
        )


class Result(BaseModel):
    """What came out of one training.

    Attributes:
        section: Name of the section.
        row: Name of the row.
        seed: `training.seed`.
        data: `data_identity` of what it was trained on.
        budget_seconds: The time that it was given, or None.
        scores: By part of the split: `train`, `val` and `test`.
        steps: Training steps done.
        best_step: The step whose weights were the best in validation.
        seconds: Time of the training.
        parameters: Trainable numbers.
        macs: Multiply-accumulates for one image of `size`.
        size: Height and width of the training images.
        device: What it was computed on.
        threads: Cores.
        precision: `float32` or `bfloat16`.
        areoseg: Version.
        torch: Version.
        recipe: Every value of the recipe.
        baseline: The baseline that was scored in place of a network, or None.
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
        """The result of a trial from its finished run."""
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
        """The result of a trial that scores a baseline: nothing is trained, nothing multiplied."""
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
        """The same result under the name of another row."""
        return self.model_copy(update={"section": trial.section, "row": trial.row})

    def answers(self, trial: Trial) -> bool:
        """Whether it comes from the trial's recipe, seed and budget, or is of its baseline."""
        try:
            recipe = Recipe.model_validate(self.recipe)
        except ValidationError:  # a recipe of an earlier version
            return False
        return trial.same_experiment(recipe, self.budget_seconds, self.baseline)


def data_identity(samples: SegmentationDataset, decisions: Exclusions | None = None) -> str:
    """A hash of names, images, masks and groups: equal where a split and its scores are equal.

    Args:
        samples: Labeled samples.
        decisions: What a person decided to leave out of them, or None.
    """
    digest = hashlib.blake2b(fingerprint(samples).encode(), digest_size=16)
    digest.update("\n".join(samples.groups or ()).encode())
    if decisions is not None:
        digest.update(f"kept {decisions.kept_indices}".encode())
    return digest.hexdigest()


def result_path(study: Study, trial: Trial) -> Path:
    """The file of a trial's result."""
    return study.results / trial.place.parent / f"{trial.place.name}.json"


def read_result(study: Study, trial: Trial) -> Result | None:
    """The result that lies in a trial's file, or None where there is none.

    Raises:
        AreosegError: The file is no result.
    """
    path = result_path(study, trial)
    if not path.is_file():
        return None
    try:
        return Result.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise AreosegError(
            f"{path}: no result of a study: {error.errors()[0]['msg']}; remove it to train anew"
        ) from None


def write_result(study: Study, trial: Trial, result: Result) -> None:
    """Write a trial's result in one piece or not at all."""
    write_text(result_path(study, trial), result.model_dump_json(indent=2) + "\n")


def read_results(
    study: Study, data_of: Callable[[Trial], str] | None = None
) -> dict[Trial, Result]:
    """The results that answer the study as it is now.

    Args:
        study: The study.
        data_of: Says the `data_identity` of what a trial is trained on; None: results of any data
            will do, if they all come from the same.

    Raises:
        AreosegError: Results of different data, or a file that is no result.
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
            f"{study.results}: these results come from different data: give --data, and rows of"
            " other data are trained again"
        )
    return results


def _rounded(value: float) -> float | None:
    """Round to six digits, finer than any meaningful difference; NaN becomes None."""
    return None if math.isnan(value) else round(float(value), 6)
