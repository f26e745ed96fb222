"""The options that several commands share."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Data = Annotated[Path, Parameter(name="--data")]
"""A data set: an npz file, a folder, or `synthetic`."""

Groups = Annotated[Path | None, Parameter(name="--groups")]
Decisions = Annotated[Path | None, Parameter(name="--audit")]
Format = Annotated[str, Parameter(name="--format")]
Labels = Annotated[str, Parameter(name="--labels")]
Out = Annotated[Path, Parameter(name="--out")]
Device = Annotated[str, Parameter(name="--device")]
Threads = Annotated[int | None, Parameter(name="--threads")]
AsJson = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]
