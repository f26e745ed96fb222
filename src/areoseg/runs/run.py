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
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from areoseg.data.sources import Source
from areoseg.errors import AreosegError, one_line
from areoseg.utils.files import read_json, replacing
from areoseg.recipes import Recipe, load_recipe
from areoseg.taxonomy import Taxonomy
from areoseg.weights import bundled_names, located

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

REQUIRED_INFO = (
    "status",
    "data.source",
    "data.fingerprint",
    "taxonomy.names",
    "taxonomy.colors",
    "taxonomy.background",
    "device",
    "threads",
    "precision",
    "budget_seconds",
)


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
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes that the run was trained for."""
        classes = self.info["taxonomy"]
        return Taxonomy(
            names=tuple(classes["names"]),
            colors=tuple(tuple(color) for color in classes["colors"]),
            background=classes["background"],
        )

    @property
    def source(self) -> Source:
        """Where the run's data came from."""
        return Source.from_json(self.info["data"]["source"])

    @property
    def is_bundle(self) -> bool:
        """Whether `areoseg bundle` made this folder of another run."""
        return "bundle" in self.info

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
        before: list[str] = [
            *self.info.get("start", {}).get("commands", ()),
            *self.info.get("self_training", {}).get("commands", ()),
        ]
        return [*before, self.info["command"]] if self.info.get("command") else before

    @property
    def calibrated_later(self) -> bool:
        """Whether it was calibrated by a command of its own, not at the end of its training."""
        return "calibration" in self.info and not self.recipe.calibration

    @property
    def trained_on(self) -> list[dict[str, Any]]:
        """The data that its weights have been trained on, its own last, as JSON values.

        Of each the `fingerprint` of all labeled samples, and the names of those in `train`.
        """
        before: list[dict[str, Any]] = self.info.get("previously_trained_on", [])
        own = {"fingerprint": self.info["data"]["fingerprint"], "train": self.split["train"]}
        return [*before, own]

    def segmenter(self, *, fold: bool = True) -> "Segmenter":
        """The trained network in evaluation mode, on the CPU.

        Args:
            fold: Take standardized weights as plain ones, which answers the same and faster;
                otherwise the weights are as `weights.safetensors` has them.
        """
        from safetensors.torch import load_file

        from areoseg.models.layers.standardized import fold_standardization

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
    info = read_json(path / RUN_INFO)
    missing = [name for name in REQUIRED_INFO if not _is_there(info, name)]
    if missing:
        raise AreosegError(f"{path / RUN_INFO}: no {missing[0]!r} in it: take the whole run folder")
    return Run(path, load_recipe(path / RECIPE), info)


def _is_there(info: Any, dotted: str) -> bool:
    """Whether info that were read have a value of this name."""
    for key in dotted.split("."):
        if not isinstance(info, dict) or key not in info:
            return False
        info = info[key]
    return True


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
