"""The run folder: everything that one training made.

```
recipe.yaml           every value of the recipe
run.json              data, versions, size, time, and how the run ended
weights.safetensors   the weights that the run keeps
split.json            names of the samples in train, val and test
plan.json             the steps planned, and every correction
audit.json            what the audit found, or what a person decided about it; audit.html shows it
metrics.csv           one row an epoch; the same curves for TensorBoard in tensorboard/
scores.json           scores of the kept weights on val and test
report.html           all of it to look at
pseudo_labels.npz     what a self-training learns from besides the labeled samples
resume.pt             state to go on from, while the run is not finished
round.npz             pseudo-labels of the present round of self-training, while it is not finished
```

The bundled models of `areoseg.weights` are such folders, and are opened by name.
"""

import hashlib
from dataclasses import dataclass
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from areoseg.data.load import Source
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.runs.info import RunInfo
from areoseg.runs.info import TrainedOn
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import read_json
from areoseg.utils.files import replacing
from areoseg.weights import bundled_names
from areoseg.weights import located

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
METRICS = "metrics.csv"
SCORES = "scores.json"
REPORT = "report.html"
RESUME = "resume.pt"


@dataclass(frozen=True)
class Run:
    """A run folder: at least a recipe and info, and weights from its first validation on.

    Attributes:
        path: The folder.
        recipe: What was trained.
        info: The content of `run.json`.
    """

    path: Path
    recipe: Recipe
    info: RunInfo

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes that the run was trained for."""
        return self.info.taxonomy

    @property
    def source(self) -> Source:
        """Where the run's data are, from any working directory.

        Relative paths start from the folder that the run was started in, as long as they are there.
        """
        typed, folder = self.info.data.source, self.info.data.working_directory
        if folder is None:
            return typed
        return replace(
            typed,
            path=_from_folder(folder, typed.path),
            groups=None if typed.groups is None else Path(_from_folder(folder, str(typed.groups))),
            classes=None if typed.classes is None else _from_folder(folder, typed.classes),
        )

    @property
    def is_bundle(self) -> bool:
        """Whether `areoseg bundle` made this folder of another run."""
        return self.info.bundle is not None

    @property
    def weights_sha256(self) -> str:
        """The hash of the weights, in hexadecimal."""
        return hashlib.sha256((self.path / WEIGHTS).read_bytes()).hexdigest()

    @cached_property
    def split(self) -> dict[str, list[str]]:
        """Names of the samples in `train`, `val` and `test`."""
        names: dict[str, list[str]] = read_json(self.path / SPLIT)
        return names

    @property
    def commands(self) -> list[str]:
        """The command lines that made it, those of its start and of its teachers first."""
        commands: list[str] = []
        for before in (self.info.initial_weights, self.info.self_training):
            commands += before.commands if before else []
        return [*commands, self.info.command] if self.info.command else commands

    @property
    def calibrated_later(self) -> bool:
        """Whether it was calibrated by a command of its own, not at the end of its training."""
        return self.info.calibration is not None and not self.recipe.calibration

    @property
    def trained_on(self) -> list[TrainedOn]:
        """The samples that the weights were trained on, those of this run last."""
        own = TrainedOn(fingerprint=self.info.data.fingerprint, names=self.split["train"])
        return [*self.info.previously_trained_on, own]

    def segmenter(self, *, fold: bool = True) -> "Segmenter":
        """The trained network in evaluation mode, on the CPU.

        Args:
            fold: Take standardized weights as plain ones, which answers the same and faster;
                otherwise the weights are as `weights.safetensors` has them.
        """
        from safetensors.torch import load_file

        from areoseg.models.layers.normalization import fold_standardization

        segmenter = build_segmenter(self.recipe, self.taxonomy)
        path = self.path / WEIGHTS
        try:
            segmenter.load_state_dict(load_file(path))
        except Exception as error:  # safetensors and torch have no common root
            reason = one_line(error)[:160]  # PyTorch lists every tensor that differs
            raise AreosegError(f"{path}: these weights do not fit {RECIPE}: {reason}") from None
        if fold:
            fold_standardization(segmenter)
        return segmenter.eval()


def is_run(path: Path) -> bool:
    """Whether `path` is a folder that a training made, or the name of a bundled model."""
    path = located(path)
    return (path / RECIPE).is_file() and (path / RUN_INFO).is_file()


def open_run(path: str | Path, *, unfinished: bool = False) -> Run:
    """Open a run folder.

    Args:
        path: The folder, or the name of a bundled model.
        unfinished: Whether a run without weights will do.

    Raises:
        AreosegError: It is no run, or it has no weights yet.
    """
    path = located(path)
    if not is_run(path):
        bundled = ", ".join(bundled_names())
        raise AreosegError(
            f"{path}: not a run: it has no {RECIPE} and {RUN_INFO}; `areoseg train` makes one"
            + (f"; those that come with areoseg: {bundled}" if bundled else "")
        )
    if not (unfinished or (path / WEIGHTS).is_file()):
        raise AreosegError(
            f"{path}: no weights yet: the run ended before its first validation;"
            f" `areoseg train --resume {path}` goes on"
        )
    return Run(path, load_recipe(path / RECIPE), RunInfo.read(path / RUN_INFO))


def _from_folder(folder: str, path: str) -> str:
    """A path as seen from a folder if something is there, otherwise as it is."""
    joined = Path(folder, path)
    return str(joined) if joined.exists() else path


def build_segmenter(
    recipe: Recipe, taxonomy: Taxonomy, *, mean: float = 0.0, std: float = 1.0
) -> "Segmenter":
    """The recipe's model with fresh weights, changed as its section `network` says."""
    import torch

    from areoseg.models import create_model
    from areoseg.models.adjust import adjust_network
    from areoseg.models.segmenter import Segmenter

    classes = len(taxonomy)
    void = recipe.data.background == "void"
    network = create_model(recipe.model.name, classes=classes, **recipe.model.options)
    adjust_network(network, **recipe.network.model_dump())
    segmenter = Segmenter(
        network,
        mean=mean,
        std=std,
        classes=classes,
        masked_classes=(taxonomy.background,) if void else (),
    )
    segmenter.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stub
    return segmenter


def write_weights(path: Path, tensors: "dict[str, Tensor]") -> None:
    """Write weights as safetensors in one piece or not at all."""
    from safetensors.torch import save

    with replacing(path) as beside:
        beside.write_bytes(save({name: value.contiguous() for name, value in tensors.items()}))
