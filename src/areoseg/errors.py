"""The one error that a user can cause."""


class AreosegError(Exception):
    """Input that areoseg cannot use: a file, a recipe, a shape, a name.

    The message is one line that says what is wrong, where (file, field, shape), and what to do
    next. The command line prints it and ends with exit code 2; it never shows a traceback for it.
    """
