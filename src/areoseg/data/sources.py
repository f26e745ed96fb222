"""Opening a data set by what a user calls it: a path, or `synthetic`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from areoseg.data.readers import read_data
from areoseg.data.samples import LoadedData
from areoseg.synthetic import SyntheticMars
from areoseg.synthetic import draw_set
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy

SYNTHETIC = "synthetic"
SYNTHETIC_LABELED = 1200
SYNTHETIC_UNLABELED = 200


@dataclass(frozen=True)
class Source:
    """Where samples come from and how they are cut: all that is needed to read them again.

    Attributes:
        path: A file, a folder, or `synthetic`.
        format: A reader's name, or `auto`.
        groups: A file with the group of each labeled sample, or None.
        labels: Which labels of AI4Mars as distributed; see `read_data`.
        tile: Height and width of the tiles that frames are cut into, or None.
        scale: Factor by which frames are reduced.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # it is part of `run.json`

    path: str
    format: str = "auto"
    groups: str | None = None
    labels: str = "crowd"
    tile: tuple[int, int] | None = None
    scale: float = 1.0

    @property
    def options(self) -> list[str]:
        """The options of a command that reads the same files; a recipe has tile and scale."""
        words = ["--data", self.path]
        for option, value, usual in (
            ("--format", self.format, "auto"),
            ("--labels", self.labels, "crowd"),
            ("--groups", self.groups, None),
        ):
            if value is not None and value != usual:
                words += [option, value]
        return words


def read_source(
    source: Source,
    *,
    taxonomy: Taxonomy = MARS,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedData:
    """Read, or draw, the samples of a source.

    Raises:
        AreosegError: The data cannot be read.
    """
    if source.path == SYNTHETIC:
        settings = SyntheticMars()
        return LoadedData(
            labeled=draw_set(settings, SYNTHETIC_LABELED),
            unlabeled=draw_set(
                settings, SYNTHETIC_UNLABELED, first=SYNTHETIC_LABELED, labeled=False
            ),
        )
    return read_data(
        source.path,
        format=source.format,
        groups=source.groups,
        labels=source.labels,
        tile=source.tile,
        scale=source.scale,
        taxonomy=taxonomy,
        progress=progress,
    )


def companion_groups(path: Path) -> Path | None:
    """The groups file that lies beside a data set: `NAME_groups.txt` or `NAME_train_frames.txt`."""
    for ending in ("groups", "train_frames"):
        beside = path.with_name(f"{path.stem}_{ending}.txt")
        if beside.is_file():
            return beside
    return None
