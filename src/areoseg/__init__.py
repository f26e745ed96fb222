"""Mars terrain segmentation, trained from scratch on a CPU.

Predict:

- `load`: load a model to segment images in Python
- `predict`: segment images to files
- `gather`: join the parts of a prediction that several jobs wrote
- `submit`: write the homework's submission

Train:

- `train`, `resume`: train a recipe on a dataset, and continue an interrupted training
- `self_train`: train on pseudo-labels of unlabeled images
- `soup`: average the weights of runs
- `calibrate`: fit the temperature and class offsets of a run

Evaluate and compare:

- `evaluate`, `evaluate_each`: score models on labeled samples
- `baselines`, `baseline_score`: score simple baselines
- `compare`: run a study of several recipes
- `search`: search hyperparameters

Data:

- `read`: read a dataset
- `audit`: find label errors, duplicates and outliers
- `augment`: draw the augmentation of a recipe
- `suggest`: rank unlabeled images by how much their labels would help
- `export_labels`, `import_labels`: exchange masks with labeling tools

Deploy:

- `export`: write a run as an ONNX or OpenVINO file
- `bundle`: create a small run folder for distribution
- `bench`: time backends

Objects: `Recipe` and `load_recipe`, `Run` and `open_run`, `Taxonomy`, `MARS`, `VOID`,
`AreosegError`, and `load_plugin` and `allow_plugins` for models, losses and transforms of your
own.

Names are imported when they are first used, so `import areoseg` is quick.
"""

import sys as _sys
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from areoseg.audit.audit import audit as audit
    from areoseg.data.load import read as read
    from areoseg.errors import AreosegError as AreosegError
    from areoseg.evaluation.baselines import baseline_score as baseline_score
    from areoseg.evaluation.evaluate import evaluate as evaluate
    from areoseg.evaluation.evaluate import evaluate_each as evaluate_each
    from areoseg.experiments.compare import compare as compare
    from areoseg.experiments.search import search as search
    from areoseg.export.benchmark import bench as bench
    from areoseg.export.bundle import bundle as bundle
    from areoseg.export.export import export as export
    from areoseg.inference.load import load as load
    from areoseg.inference.parallel.gather import gather as gather
    from areoseg.inference.predict import predict as predict
    from areoseg.inference.submission import submit as submit
    from areoseg.labeling.exchange import export_labels as export_labels
    from areoseg.labeling.exchange import import_labels as import_labels
    from areoseg.labeling.suggest import suggest as suggest
    from areoseg.recipes import Recipe as Recipe
    from areoseg.recipes import load_recipe as load_recipe
    from areoseg.report.augmentation import augment as augment
    from areoseg.runs.run import Run as Run
    from areoseg.runs.run import open_run as open_run
    from areoseg.taxonomy import MARS as MARS
    from areoseg.taxonomy import VOID as VOID
    from areoseg.taxonomy import Taxonomy as Taxonomy
    from areoseg.training.baselines import baselines as baselines
    from areoseg.training.calibration.calibrate import calibrate as calibrate
    from areoseg.training.self_training.self_train import self_train as self_train
    from areoseg.training.soup import soup as soup
    from areoseg.training.train import resume as resume
    from areoseg.training.train import train as train
    from areoseg.utils.plugins import allow_plugins as allow_plugins
    from areoseg.utils.plugins import load_plugin as load_plugin

    __version__: str

_HOMES = {
    "MARS": "areoseg.taxonomy",
    "VOID": "areoseg.taxonomy",
    "AreosegError": "areoseg.errors",
    "Recipe": "areoseg.recipes",
    "Run": "areoseg.runs.run",
    "Taxonomy": "areoseg.taxonomy",
    "allow_plugins": "areoseg.utils.plugins",
    "audit": "areoseg.audit.audit",
    "augment": "areoseg.report.augmentation",
    "baseline_score": "areoseg.evaluation.baselines",
    "baselines": "areoseg.training.baselines",
    "bench": "areoseg.export.benchmark",
    "bundle": "areoseg.export.bundle",
    "calibrate": "areoseg.training.calibration.calibrate",
    "compare": "areoseg.experiments.compare",
    "evaluate": "areoseg.evaluation.evaluate",
    "evaluate_each": "areoseg.evaluation.evaluate",
    "export": "areoseg.export.export",
    "export_labels": "areoseg.labeling.exchange",
    "gather": "areoseg.inference.parallel.gather",
    "import_labels": "areoseg.labeling.exchange",
    "load": "areoseg.inference.load",
    "load_plugin": "areoseg.utils.plugins",
    "load_recipe": "areoseg.recipes",
    "open_run": "areoseg.runs.run",
    "predict": "areoseg.inference.predict",
    "read": "areoseg.data.load",
    "resume": "areoseg.training.train",
    "search": "areoseg.experiments.search",
    "self_train": "areoseg.training.self_training.self_train",
    "soup": "areoseg.training.soup",
    "submit": "areoseg.inference.submission",
    "suggest": "areoseg.labeling.suggest",
    "train": "areoseg.training.train",
}
"""The module of each public name."""

__all__ = [*_HOMES, "__version__"]


class _FrontDoor(_ModuleType):
    """The module `areoseg`, which imports public names when they are first used.

    Some public functions have the name of a subpackage, such as `areoseg.audit`. Importing the
    subpackage does not replace the function; `from areoseg.audit import ...` finds the subpackage.
    """

    def __getattr__(self, name: str) -> object:
        from importlib import import_module
        from importlib.metadata import version

        if name == "__version__":
            return version("areoseg")
        if name not in _HOMES:
            raise AttributeError(f"module 'areoseg' has no attribute {name!r}")
        from areoseg.errors import AreosegError, UnavailableError

        try:
            value = getattr(import_module(_HOMES[name]), name)
        except AreosegError as error:  # a package is missing
            raise UnavailableError(str(error)) from None
        setattr(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, _ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(__all__)


_sys.modules[__name__].__class__ = _FrontDoor
