"""The images to segment, from files or from memory, and how they are read one at a time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from areoseg.data.missions.metadata import metadata_from_name
from areoseg.data.readers.rover_image import RoverImage, as_rover_image
from areoseg.errors import AreosegError
from areoseg.inference.ignore_masks import read_ignored


@dataclass(frozen=True)
class InputImage(RoverImage):
    """An image to segment.

    Attributes:
        name: Path of its outputs below the output folder, without suffix.
        path: Its file, or file and member of an npz file; None for an array.
        ignored: (H, W) bool, pixels that are background by definition; None: no pixels.
    """

    name: str = "image"
    path: Path | None = None
    ignored: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Input:
    """An image that has not been read yet.

    Attributes:
        name: Path of its outputs below the output folder, without suffix.
        path: Its file, or file and member of an npz file.
        load: Reads the image; raises AreosegError.
        ignore_masks: Files of masks whose nonzero pixels are background by definition.
    """

    name: str
    path: Path
    load: Callable[[], RoverImage]
    ignore_masks: tuple[Path, ...] = ()

    def read(self) -> InputImage:
        """Read the image.

        Raises:
            AreosegError: The image cannot be read.
        """
        image = self.load()
        return InputImage(
            image.pixels,
            image.valid,
            image.metadata,
            image.georeference,
            image.warnings,
            name=self.name,
            path=self.path,
            ignored=read_ignored(self.ignore_masks, image.size),
        )


@dataclass(frozen=True)
class InMemory:
    """An image in memory.

    Attributes:
        name: Path of its outputs below the output folder, if the image has no file.
        image: See `as_input`.
        where: Names it in messages.
    """

    name: str
    image: Any
    where: str = "the image"

    def read(self) -> InputImage:
        """Convert the image.

        Raises:
            AreosegError: It is no image, or has no pixel with a measurement.
        """
        image = as_input(self.image, self.where)
        return replace(image, name=self.name) if image.path is None else image


class Readable(Protocol):
    """An image that can be read."""

    def read(self) -> InputImage:
        """Read the image; raises AreosegError."""
        ...


R = TypeVar("R", bound=Readable)


def read_images(
    inputs: Iterable[R], failed: Callable[[R, str], None] | None = None
) -> Iterator[InputImage]:
    """Read images one at a time.

    Args:
        inputs: The images.
        failed: Called with each image that cannot be read and the reason; None: raise the error.

    Raises:
        AreosegError: An image cannot be read.
    """
    for each in inputs:
        try:
            image = each.read()
        except AreosegError as error:
            if failed is None:
                raise
            failed(each, str(error))
        except MemoryError:
            if failed is None:
                raise
            failed(each, "too large for the memory: split it into parts")
        else:
            yield image


def as_input(image: Any, where: str = "the image") -> InputImage:
    """Convert an image in memory to an input; color is converted to luminance, as for files.

    Args:
        image: An array (H, W), (H, W, 3) RGB or (H, W, 4) RGBA of any number type, a PIL image, or
            an image from `read_rover_image`. Fully transparent pixels count as missing data.
        where: Names it in messages.

    Raises:
        AreosegError: The type or shape is not supported, or the image has no pixels.
    """
    if isinstance(image, InputImage):
        return image
    if isinstance(image, RoverImage):
        return InputImage(
            image.pixels, image.valid, image.metadata, image.georeference, image.warnings
        )
    found = as_rover_image(image, where)
    filename = getattr(image, "filename", "")  # file name of images that PIL opened
    if not filename:
        return InputImage(found.pixels, found.valid)
    path = Path(filename)
    metadata = metadata_from_name(path.name)
    return InputImage(found.pixels, found.valid, metadata, name=path.stem, path=path)
