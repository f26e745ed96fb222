"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.errors import AreosegError

Data = Annotated[Path, Parameter(name="--data")]
"""A data set: an npz file, a folder, or `synthetic`."""

Groups = Annotated[Path | None, Parameter(name="--groups")]
Decisions = Annotated[Path | None, Parameter(name="--decisions")]
Format = Annotated[str, Parameter(name="--format")]
Labels = Annotated[str, Parameter(name="--labels")]
Out = Annotated[Path, Parameter(name="--out")]
Device = Annotated[str, Parameter(name="--device")]
Threads = Annotated[int | None, Parameter(name="--threads")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]


def height_and_width(text: str, option: str) -> tuple[int, int]:
    """The sides in a text such as `64x128`.

    Raises:
        AreosegError: It is no such text; the message names the option.
    """
    height, _, width = text.partition("x")
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise AreosegError(f"{option} {text}: write it as HEIGHTxWIDTH, such as 64x128")
    return int(height), int(width)
