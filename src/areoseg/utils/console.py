"""Consoles and bars for progress and warnings."""

from typing import Any

from rich.console import Console
from rich.progress import Progress

from areoseg.errors import printable


class PlainConsole(Console):
    """A console that shows strings as they are: no markup, and no control characters.

    Names of files may contain square brackets and sequences that terminals obey.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print objects; see `rich.console.Console.print`."""
        shown = (printable(each) if isinstance(each, str) else each for each in objects)
        super().print(*shown, **options)


def standard_error() -> Console:
    """Return the console for progress and warnings that functions use by default."""
    return PlainConsole(stderr=True)


def progress_bar(console: Console) -> Progress:
    """Return a bar that disappears when it is done; disabled if the console is not a terminal."""
    return Progress(console=console, transient=True, disable=not console.is_terminal)
