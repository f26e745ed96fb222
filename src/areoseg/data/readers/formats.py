"""Records that describe a dataset format and the frames that it finds on disk."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from areoseg.data.readers.raster import Raster
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask


@dataclass(frozen=True)
class LazyFrame:
    """An image and its mask, if any, that are listed but not decoded yet.

    Attributes:
        name: Name of the frame, unique within its dataset.
        where: Name of the frame in messages, usually the path of its image.
        read_image: Decodes the image.
        read_mask: Decodes and checks the mask; None for a frame without one.
        read_not_ground: Decodes which pixels are certainly not ground (H, W) bool, such as the
            rover, given the size of the mask; they become background in it. None if this is
            unknown.
        file: The file that contains several frames, which share one white level; None: a file of
            its own.
        batch: Frames of one batch, such as a row group, are read by one thread, one after another;
            None: no batch.
        mission: Mission and camera, such as `msl/ncam`, if the dataset has several.
    """

    name: str
    where: str
    read_image: Callable[[], Raster]
    read_mask: Callable[[], Mask] | None = None
    read_not_ground: Callable[[tuple[int, ...]], NDArray[np.bool_]] | None = None
    file: str | None = None
    mission: str | None = None
    batch: Hashable = None


@dataclass(frozen=True)
class Listing:
    """The frames of a dataset, before any pixel is read.

    Attributes:
        labeled: Frames with masks.
        unlabeled: Frames without masks.
        warnings: One line for each anomaly that does not prevent reading.
    """

    labeled: list[LazyFrame] = field(default_factory=list)
    unlabeled: list[LazyFrame] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DatasetFormat:
    """A layout of datasets on disk.

    Attributes:
        name: Name of the format in options and messages.
        summary: One-line description.
        recognize: Returns whether a path has this format; never raises on readable paths.
        find: Lists the frames at a path, given a label set and the classes; raises AreosegError.
        label_sets: The available label sets; the first is the default.
    """

    name: str
    summary: str
    recognize: Callable[[Path], bool]
    find: Callable[[Path, str, Taxonomy], Listing]
    label_sets: tuple[str, ...] = ("crowd",)
