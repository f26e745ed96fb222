"""Run folders: all files that a training writes.

```
recipe.yaml           the recipe with every value; plugins/ has copies of its plugin files
run.json              data, versions, model size, time and outcome; see `RunInfo`
weights.safetensors   the best or last weights
split.json            names of the samples in train, val and test
plan.json             the planned steps, and every correction
audit.json            findings of the audit, or manual decisions; audit.html shows them
appearance.json       statistics of the training images, for warnings at prediction
metrics.csv           one row per epoch; the same curves for TensorBoard in tensorboard/
scores.json           scores of these weights on val and test
report.html           self-contained report of the run
pseudo_labels.npz     the pseudo-labeled samples of self-training
resume.pt             the state to resume from, until the run is finished
round.npz             the pseudo-labels of the current round, until the run is finished
```

The bundled models of `areoseg.weights` are run folders that are opened by name.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from areoseg.data.load import Source
from areoseg.data.split import SPLITS
from areoseg.errors import AreosegError, one_line
from areoseg.recipes import Recipe, load_recipe
from areoseg.runs.info import RunInfo, TrainedOn
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import ModelPath, PathLike, path_list, read_json, replacing
from areoseg.weights import bundled_names, located, misspelled

if TYPE_CHECKING:
    from torch import Tensor

    from areoseg.models.segmenter import Segmenter

RECIPE = "recipe.yaml"
RUN_INFO = "run.json"
WEIGHTS = "weights.safetensors"
SPLIT = "split.json"
PLAN = "plan.json"
AUDIT = "audit.json"
AUDIT_PAGE = "audit.html"
APPEARANCE = "appearance.json"
METRICS = "metrics.csv"
SCORES = "scores.json"
REPORT = "report.html"
RESUME = "resume.pt"

_NAMES = TypeAdapter(dict[str, list[str]])


@dataclass(frozen=True)
class Run:
    """A run folder with at least a recipe and run info; weights exist after the first validation.

    Attributes:
        path: The folder.
        recipe: The recipe that was trained.
        info: The content of `run.json`.
    """

    path: Path
    recipe: Recipe
    info: RunInfo

    def __fspath__(self) -> str:
        """The folder, so that a run is accepted wherever its path is."""
        return str(self.path)

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes that the run was trained on."""
        return self.info.taxonomy

    @property
    def source(self) -> Source:
        """The location of the run's data.

        Relative paths refer to the working directory of the training, if they exist there.
        """
        typed, folder = self.info.data.source, self.info.data.working_directory
        if folder is None:
            return typed
        return typed.changed(
            lambda each: replace(
                each,
                path=_from_folder(folder, each.path),
                groups=None if each.groups is None else Path(_from_folder(folder, each.groups)),
                classes=None if each.classes is None else _from_folder(folder, each.classes),
            )
        )

    @property
    def is_bundle(self) -> bool:
        """Whether the folder is a bundle, created by `areoseg bundle` from another run."""
        return self.info.bundle is not None

    @property
    def weights_sha256(self) -> str:
        """The hash of the weights file, in hexadecimal."""
        return hashlib.sha256((self.path / WEIGHTS).read_bytes()).hexdigest()

    @cached_property
    def split(self) -> dict[str, list[str]]:
        """The names of the samples in `train`, `val` and `test`."""
        path = self.path / SPLIT
        try:
            return _NAMES.validate_python(read_json(path))
        except ValidationError:
            raise AreosegError(
                f"{path}: not the names of the samples in {', '.join(SPLITS)}: copy the run again"
            ) from None

    @property
    def commands(self) -> list[str]:
        """The command lines that produced the run, initial weights and teachers first."""
        commands: list[str] = []
        for before in (self.info.initial_weights, self.info.self_training):
            commands += before.commands if before else []
        return [*commands, self.info.command] if self.info.command else commands

    @property
    def calibrated_later(self) -> bool:
        """Whether the run was calibrated by `areoseg calibrate`, not at the end of its training."""
        return self.info.calibration is not None and not self.recipe.calibration

    @property
    def trained_on(self) -> list[TrainedOn]:
        """The samples that the weights were trained on, those of this run last.

        If the run was trained on several datasets, each is listed alone too.
        """
        names = self.split["train"]
        own = [TrainedOn(fingerprint=self.info.data.fingerprint, names=names)]
        for part in self.info.data.parts:
            start = f"{part.name}/"
            alone = [name.removeprefix(start) for name in names if name.startswith(start)]
            own.append(TrainedOn(fingerprint=part.fingerprint, names=alone))
        return [*self.info.previously_trained_on, *own]

    def segmenter(self, *, fold: bool = True) -> "Segmenter":
        """Load the trained network in evaluation mode, on the CPU.

        Args:
            fold: Replace standardized weights by plain ones, which is faster with the same
                predictions; otherwise the weights are those in `weights.safetensors`.

        Raises:
            AreosegError: The weights cannot be read, or do not fit the recipe.
        """
        from safetensors.torch import load_file

        from areoseg.models.layers.normalization import fold_standardization

        segmenter = build_segmenter(self.recipe, self.taxonomy)
        path = self.path / WEIGHTS
        try:
            tensors = load_file(path)
            _check_weights(tensors, segmenter.state_dict())
            segmenter.load_state_dict(tensors)
        except Exception as error:  # safetensors and torch exceptions have no common base class
            reason = one_line(error)[:160]  # PyTorch lists every mismatching tensor
            raise AreosegError(f"cannot load {path}: it does not fit {RECIPE} ({reason})") from None
        if fold:
            fold_standardization(segmenter)
        return segmenter.eval()


def is_run(path: Path) -> bool:
    """Return whether `path` is a run folder or the name of a bundled model."""
    path = located(path)
    return (path / RECIPE).is_file() and (path / RUN_INFO).is_file()


def open_run(path: ModelPath, *, unfinished: bool = False) -> Run:
    """Open a run folder.

    Args:
        path: The folder, or the name of a bundled model.
        unfinished: Also accept a run without weights.

    Raises:
        AreosegError: `path` is not a run, it has no weights yet, or it needs plugin files that
            are neither allowed nor already loaded (see `areoseg.utils.plugins`).

    Examples:
        >>> run = open_run("flagship-64")
        >>> run.taxonomy.names
        ('background', 'soil', 'bedrock', 'sand', 'big rock')
    """
    path = located(path)
    if not is_run(path):
        hint = misspelled(path) or (
            f". Train one with `areoseg train`, or use one of: {', '.join(bundled_names())}"
        )
        raise AreosegError(
            f"cannot open {path}: not a run, since {RECIPE} or {RUN_INFO} is missing{hint}"
        )
    if not (unfinished or (path / WEIGHTS).is_file()):
        raise AreosegError(
            f"cannot use {path}: it has no weights yet, since its training stopped before the first"
            f" validation; continue it with `areoseg train --resume {path}`"
        )
    return Run(
        path, load_recipe(path / RECIPE, plugins="if-allowed"), RunInfo.read(path / RUN_INFO)
    )


def open_runs(paths: ModelPath | Sequence[ModelPath]) -> list[Run]:
    """Open one or more distinct run folders.

    Raises:
        AreosegError: There is no path, a path is not a run, or two are the same.
    """
    paths = path_list(paths)
    if not paths:
        raise AreosegError("no run given: name at least one run folder")
    runs = [open_run(path) for path in paths]
    if len({run.path.resolve() for run in runs}) < len(runs):
        raise AreosegError("a run is given twice: name each run once")
    return runs


def check_no_run_in(out: PathLike) -> None:
    """Check that a new run can be written to a folder.

    Raises:
        AreosegError: `out` is a file, or the folder of a run.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise AreosegError(f"cannot write a run to {out}: it is a file; choose another --out")
    if (out / RECIPE).exists():
        resume = f", or continue it with `areoseg train --resume {out}`"
        raise AreosegError(
            f"cannot write a run to {out}: it already contains a run; choose another --out"
            + (resume if (out / RESUME).exists() or not (out / REPORT).exists() else "")
        )


def check_resumable(run: Run) -> None:
    """Check that a training can be resumed.

    Raises:
        AreosegError: The training has finished, or its state was not saved.
    """
    if (run.path / RESUME).is_file():
        return
    reason = "its training is finished" if run.info.status == "finished" else f"it has no {RESUME}"
    raise AreosegError(
        f"cannot resume {run.path}: {reason}; to train its weights further,"
        f" start a new run with `areoseg train {run.path}/{RECIPE} --init-from {run.path}`"
    )


def _check_weights(tensors: "dict[str, Tensor]", expected: "dict[str, Tensor]") -> None:
    """Check what `load_state_dict` would convert or take without a word.

    Raises:
        ValueError: A tensor has another kind of numbers, or is not finite.
    """
    for name, tensor in tensors.items():
        known = expected.get(name, tensor)
        if tensor.is_floating_point() != known.is_floating_point() or tensor.is_complex():
            raise ValueError(f"{name} has numbers of type {tensor.dtype} instead of {known.dtype}")
        if tensor.is_floating_point() and not tensor.float().isfinite().all():
            raise ValueError(f"{name} contains NaN or infinite weights")


def _from_folder(folder: str, path: PathLike) -> str:
    """Return the path within the folder if it exists there, otherwise the unchanged path."""
    joined = Path(folder, path)
    return str(joined) if joined.exists() else str(path)


def build_segmenter(
    recipe: Recipe, taxonomy: Taxonomy, *, mean: float = 0.0, std: float = 1.0
) -> "Segmenter":
    """Build the model of a recipe with random weights, adjusted by its section `network`.

    Args:
        recipe: The recipe.
        taxonomy: The classes.
        mean: Mean brightness for normalizing images, 0..1.
        std: Standard deviation for normalizing images.
    """
    import torch

    from areoseg.models import create_model
    from areoseg.models.adjust import adjust_network, reset_output
    from areoseg.models.segmenter import Segmenter

    classes, background = len(taxonomy), taxonomy.background
    options = recipe.model.options
    if options.get("gate_width"):
        options["gate_class"] = background
    network = create_model(recipe.model.name, classes=classes, **options)
    adjust_network(network, **recipe.network.model_dump())
    if recipe.data.background == "gate":
        reset_output(network, classes=classes, index=background)  # every pixel is undecided
    segmenter = Segmenter(
        network,
        mean=mean,
        std=std,
        classes=classes,
        masked_classes=(background,) if recipe.data.background == "void" else (),
        gated_class=background if recipe.data.background == "gate" else None,
    )
    segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    return segmenter


def initial_segmenter(start: Run, recipe: Recipe) -> "Segmenter":
    """Build the model of a recipe with the weights of a run, without its calibration.

    Images are normalized with the mean and standard deviation that the weights were trained with.
    """
    from areoseg.models.adjust import reset_output

    trained = start.segmenter(fold=False)
    segmenter = build_segmenter(
        recipe, start.taxonomy, mean=float(trained.mean), std=float(trained.std)
    )
    missing, unexpected = segmenter.network.load_state_dict(
        trained.network.state_dict(), strict=False
    )
    # Only a new gate head may keep its random weights; `check_initial_weights` refuses the rest.
    assert not unexpected
    assert all(name.startswith("gate.") for name in missing)
    if segmenter.gated_class is not None and trained.gated_class is None:
        reset_output(segmenter.network, classes=len(start.taxonomy), index=segmenter.gated_class)
    return segmenter.train()


def write_weights(path: Path, tensors: "dict[str, Tensor]") -> None:
    """Write weights as safetensors atomically."""
    from safetensors.torch import save

    with replacing(path) as beside:
        beside.write_bytes(save({name: value.contiguous() for name, value in tensors.items()}))
