"""What a reader is: a record in the table of formats."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from areoseg.data.readers.frames import Frame
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Found:
    """What a format found at a place, before any pixel is read.

    Attributes:
        labeled: Frames with masks.
        unlabeled: Frames without.
        warnings: One line for each thing that is odd but usable.
    """

    labeled: list[Frame] = field(default_factory=list)
    unlabeled: list[Frame] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Format:
    """One way in which samples lie on disk.

    Attributes:
        name: What `read_data(format=...)` calls it.
        summary: One line on what it is.
        recognize: Whether a path looks like it; never raises on readable paths.
        find: Lists the frames at a path, given which labels to take and the classes; raises
            AreosegError.
        labels: The kinds of labels it offers; the first is the default.
    """

    name: str
    summary: str
    recognize: Callable[[Path], bool]
    find: Callable[[Path, str, Taxonomy], Found]
    labels: tuple[str, ...] = ("crowd",)
