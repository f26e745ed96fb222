"""Records that describe a dataset format and what it finds on disk."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

from areoseg.data.readers.decode import DecodedImage
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import Mask


@dataclass(frozen=True)
class LazyFrame:
    """An image, and its mask if it has one, that is listed but not decoded yet.

    Attributes:
        name: Unique within its dataset.
        where: Name of the frame in messages, usually the path of its image.
        read_image: Decodes the image.
        read_mask: Decodes and checks the mask; None for a frame without one.
    """

    name: str
    where: str
    read_image: Callable[[], DecodedImage]
    read_mask: Callable[[], Mask] | None = None


@dataclass(frozen=True)
class Listing:
    """The frames of a dataset, before any pixel is read.

    Attributes:
        labeled: Frames with masks.
        unlabeled: Frames without masks.
        warnings: One line for each thing that is odd but usable.
    """

    labeled: list[LazyFrame] = field(default_factory=list)
    unlabeled: list[LazyFrame] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DatasetFormat:
    """A layout of datasets on disk.

    Attributes:
        name: Name of the format in options and messages.
        summary: One line about it.
        recognize: Whether a path looks like this format; never raises on readable paths.
        find: Lists the frames at a path, for a label set and the classes; raises AreosegError.
        label_sets: The label sets it offers; the first is the default.
    """

    name: str
    summary: str
    recognize: Callable[[Path], bool]
    find: Callable[[Path, str, Taxonomy], Listing]
    label_sets: tuple[str, ...] = ("crowd",)
