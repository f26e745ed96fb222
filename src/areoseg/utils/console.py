"""Consoles and bars for progress and warnings."""

from rich.console import Console
from rich.progress import Progress


def standard_error() -> Console:
    """Return the console for progress and warnings that functions use by default."""
    # Names of files may contain square brackets, which must never be taken as markup.
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def progress_bar(console: Console) -> Progress:
    """Return a bar that disappears when it is done; disabled if the console is not a terminal."""
    return Progress(console=console, transient=True, disable=not console.is_terminal)
