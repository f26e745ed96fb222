"""Mars terrain segmentation, trained from scratch.

What the command line does, in Python; see `areoseg.api`. Names are loaded when they are first
used, so that `import areoseg` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from areoseg.api import compare, evaluate, predict, read, resume, submit, train
    from areoseg.errors import AreosegError
    from areoseg.recipes import Recipe, load_recipe
    from areoseg.run import Run, open_run
    from areoseg.taxonomy import MARS, VOID, Taxonomy
    from areoseg.version import __version__

_HOMES = {
    "areoseg.api": ("compare", "evaluate", "predict", "read", "resume", "submit", "train"),
    "areoseg.errors": ("AreosegError",),
    "areoseg.recipes": ("Recipe", "load_recipe"),
    "areoseg.run": ("Run", "open_run"),
    "areoseg.taxonomy": ("MARS", "VOID", "Taxonomy"),
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
    "compare",
    "evaluate",
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
