"""Mars terrain segmentation, trained from scratch.

What the command line does, in Python; see `areoseg.api`. Names are loaded when they are first
used, so that `import areoseg` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from areoseg.api import compare
    from areoseg.api import evaluate
    from areoseg.api import predict
    from areoseg.api import read
    from areoseg.api import resume
    from areoseg.api import submit
    from areoseg.api import train
    from areoseg.errors import AreosegError
    from areoseg.recipes import Recipe
    from areoseg.recipes import load_recipe
    from areoseg.runs.run import Run
    from areoseg.runs.run import open_run
    from areoseg.taxonomy import MARS
    from areoseg.taxonomy import VOID
    from areoseg.taxonomy import Taxonomy
    from areoseg.utils.plugins import allow_plugins
    from areoseg.utils.plugins import load_plugin
    from areoseg.version import __version__

_HOMES = {
    "areoseg.api": ("compare", "evaluate", "predict", "read", "resume", "submit", "train"),
    "areoseg.errors": ("AreosegError",),
    "areoseg.recipes": ("Recipe", "load_recipe"),
    "areoseg.runs.run": ("Run", "open_run"),
    "areoseg.taxonomy": ("MARS", "VOID", "Taxonomy"),
    "areoseg.utils.plugins": ("allow_plugins", "load_plugin"),
    "areoseg.version": ("__version__",),
}

__all__ = [
    "MARS",
    "VOID",
    "AreosegError",
    "Recipe",
    "Run",
    "Taxonomy",
    "__version__",
    "allow_plugins",
    "compare",
    "evaluate",
    "load_plugin",
    "load_recipe",
    "open_run",
    "predict",
    "read",
    "resume",
    "submit",
    "train",
]


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'areoseg' has no attribute {name!r}")
