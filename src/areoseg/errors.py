"""The one error that users can cause, and helpers to word messages."""

import difflib
from collections.abc import Iterable, Sequence


class AreosegError(Exception):
    """Raised when areoseg cannot use an input: a file, a recipe, a shape or a name.

    The message is one line that says what is wrong, where (file, field, shape), and what to do
    next, without a final period, so that messages can contain others. The command line prints it
    without a traceback and exits with code 2.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message))


class UnavailableError(AreosegError, AttributeError):
    """A public name that needs a package that is not installed.

    It is an AttributeError too, so that `help(areoseg)` and tools that try every name go on.
    """


_CONTROL = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
    if chr(code) not in "\t\n"
}
"""Characters that terminals obey instead of showing them, and those that reverse the text."""


def printable(text: str) -> str:
    """Return text that can be encoded and shown by any terminal.

    Bytes that are not UTF-8 and control characters, which names of files may contain, become
    hexadecimal.
    """
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.translate(_CONTROL)


def did_you_mean(wrong: str, known: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return the end of a message about an unknown name: the nearest known one.

    Args:
        wrong: The name that was given.
        known: The names that exist.
        otherwise: Text if no known name is near; None: list all of them.
    """
    names = list(known)
    near = difflib.get_close_matches(wrong, names, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise or f"choose from {', '.join(names)}"


def one_line(error: BaseException) -> str:
    """Return an exception's text as one line; for an `OSError`, its reason without the path."""
    reason = getattr(error, "strerror", None) or str(error)
    return " ".join(reason.split()) or type(error).__name__


def shorten(items: Sequence[object], limit: int = 5) -> str:
    """Return the first `limit` items as text, and the number of further ones.

    Examples:
        >>> shorten("abcdefg")
        'a, b, c, d, e and 2 more'
    """
    shown = ", ".join(str(item) for item in items[:limit])
    rest = len(items) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


def plural(count: int, noun: str) -> str:
    """Return a count with its noun, such as "1 image" or "2 images"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
