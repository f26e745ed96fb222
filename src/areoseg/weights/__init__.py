"""The bundled models: trained models that come with areoseg, opened by name.

Each is a folder here that `areoseg bundle` made: a run folder with float16 weights and a model card
`card.md`. Its name is accepted wherever the path of a run is.
"""

import difflib
from os import PathLike
from pathlib import Path

FOLDER = Path(__file__).parent
"""The folder of the bundled models."""

CARD = "card.md"

DEFAULT = "flagship-256"
"""The model that predicts if none is named."""


def bundled_names() -> tuple[str, ...]:
    """Return the names of the bundled models, sorted; there may be none."""
    return tuple(sorted(card.parent.name for card in FOLDER.glob(f"*/{CARD}")))


def located(model: str | PathLike[str]) -> Path:
    """Return the folder of a bundled model by its name, and any other path as it is.

    A file or folder at the path takes precedence over a bundled model of that name.
    """
    path = Path(model)
    if not path.exists() and path.name == str(path) and path.name in bundled_names():
        return FOLDER / path
    return path


def misspelled(model: str | PathLike[str]) -> str:
    """Return the end of an error message about a path that may be a misspelled bundled model.

    Examples:
        >>> misspelled("flagship-265")
        "; did you mean the bundled model 'flagship-256'?"
        >>> misspelled("photos/sol-100")
        ''
    """
    near = [] if Path(model).exists() else difflib.get_close_matches(str(model), bundled_names())
    return f"; did you mean the bundled model {near[0]!r}?" if near else ""
