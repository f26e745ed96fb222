"""The trained models that come with areoseg, by name.

Each is a folder here that `areoseg bundle` made: a run folder with weights of 16 bits, and with a
model card `card.md`. Its name stands wherever the path of a run may stand.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the bundled models lie."""

CARD = "card.md"

DEFAULT = "flagship-256"
"""The model that predicts where none is named."""


def bundled_names() -> tuple[str, ...]:
    """The names of the bundled models, sorted; there may be none."""
    return tuple(sorted(card.parent.name for card in FOLDER.glob(f"*/{CARD}")))


def located(model: str | Path) -> Path:
    """The folder of a bundled model by its name; any other path as it is.

    What lies at the path goes before a bundled model of that name.
    """
    path = Path(model)
    if not path.exists() and str(model) in bundled_names():
        return FOLDER / path
    return path
