"""Options for reading a dataset, shared by the commands and the functions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DataFormat = Literal["auto", "npz", "ai4mars", "ai4mars-flat", "folder", "images", "parquet"]
"""Name of a dataset format, or `auto` to detect it."""

LabelSet = Literal["crowd", "expert-1", "expert-2", "expert-3"]
"""Label sets of AI4Mars: by the crowd, or agreed on by at least one, two or three experts."""


@dataclass(frozen=True)
class DataOptions:
    """Options for reading a dataset.

    Attributes:
        groups: Text file with one line per labeled sample: its group, or the AI4Mars frame it was
            cut from. A group is never split between train, val and test. Default: the file
            NAME_groups.txt or NAME_train_frames.txt beside the dataset, if there is one, else rover
            stops in the names, else tiles whose edges continue each other. none: no groups.
        data_format: Format of the dataset; auto detects it.
        label_set: Labels to read from AI4Mars as distributed: crowd, or those that at least 1, 2 or
            3 experts agree on.
        missions: Missions of AI4Mars to read, separated by commas: msl, mer, m2020, or one camera,
            msl/ncam or msl/mcam. Default: all that are there.
        classes: Classes of the masks: a dataset description (a YAML or JSON file), class names
            separated by commas, or the number of classes. Default: dataset.yaml in the folder of
            the dataset or NAME_dataset.yaml beside its file, if there is one, else the classes of
            Mars.
    """

    groups: Path | None = None
    data_format: DataFormat = "auto"
    label_set: LabelSet = "crowd"
    missions: str | None = None
    classes: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.groups, str):  # the usual form in Python code
            object.__setattr__(self, "groups", Path(self.groups))


def data_options(
    groups: str | Path | None,
    data_format: DataFormat,
    label_set: LabelSet,
    missions: str | None,
    classes: str | None,
) -> DataOptions:
    """Return the options that were passed to a function as keyword arguments."""
    path = None if groups is None else Path(groups)
    return DataOptions(path, data_format, label_set, missions, classes)
