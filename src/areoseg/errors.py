"""The one error that a user can cause."""

import difflib
from collections.abc import Iterable


class AreosegError(Exception):
    """Input that areoseg cannot use: a file, a recipe, a shape, a name.

    The message is one line that says what is wrong, where (file, field, shape), and what to do
    next. The command line prints it and ends with exit code 2; it never shows a traceback for it.
    """


def did_you_mean(wrong: str, known: Iterable[str], *, otherwise: str | None = None) -> str:
    """The end of a message about a name that does not exist: the nearest one that does.

    Args:
        wrong: The name that was given.
        known: The names that exist.
        otherwise: What to say where none is near; None: list them all.
    """
    names = list(known)
    near = difflib.get_close_matches(wrong, names, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise or f"choose from {', '.join(names)}"


def one_line(error: BaseException) -> str:
    """What a library's exception says, as one line; of an `OSError` its reason without the path."""
    reason = getattr(error, "strerror", None) or str(error)
    return " ".join(reason.split()) or type(error).__name__
