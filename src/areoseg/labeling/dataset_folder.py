"""A dataset folder that grows image by image: `images`, `masks` and `dataset.yaml`."""

import shutil
from filecmp import cmp
from pathlib import Path

import numpy as np
import yaml

from areoseg.data.description import describe, find_description
from areoseg.data.readers.files import IMAGE_SUFFIXES
from areoseg.data.readers.masks import check_classes
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError
from areoseg.inference.writers.images import Palette, png_rows
from areoseg.taxonomy import VOID, Taxonomy
from areoseg.utils.files import replacing, write_text
from areoseg.utils.images import VOID_COLOR, Mask

IMAGES, MASKS, DESCRIPTION = "images", "masks", "dataset.yaml"


class DatasetFolder:
    """A folder of images and masks that `areoseg train` reads.

    Args:
        path: The folder; it is created with the first image.
        taxonomy: The classes of the masks.

    Raises:
        AreosegError: The folder has a description of other classes.
    """

    def __init__(self, path: Path, taxonomy: Taxonomy) -> None:
        self.path = path
        self.taxonomy = taxonomy
        found = find_description(path)
        if found is not None:
            earlier = describe(str(found)).taxonomy
            if earlier.identity != taxonomy.identity:
                raise AreosegError(
                    f"{found}: this dataset has the classes {', '.join(earlier.names)} instead of"
                    f" {', '.join(taxonomy.names)}: choose another folder"
                )

    def save(self, image: Path, mask: Mask) -> str:
        """Copy an image to the dataset and write its mask; an earlier mask of it is replaced.

        Args:
            image: The image file, whose name is kept.
            mask: Class indices (H, W) of the same size; `VOID` where there is no label.

        Returns:
            The name of the image, without suffix.

        Raises:
            AreosegError: The image cannot be read or has another size, a value is no class, the
                dataset has another image of this name, or the folder cannot be written.
        """
        if image.suffix.lower() not in IMAGE_SUFFIXES:
            kinds = ", ".join(IMAGE_SUFFIXES)
            raise AreosegError(f"{image.name}: a dataset folder has images as {kinds}: convert it")
        height, width = read_raster(image).levels.shape
        if mask.shape != (height, width):
            raise AreosegError(
                f"{image.name}: the mask is {mask.shape[1]}x{mask.shape[0]} and the image"
                f" {width}x{height} pixels: give a mask of the same size"
            )
        void = mask == VOID
        check_classes(np.where(void, 0, mask), self.taxonomy, image.name)
        self._add_image(image)
        with png_rows(
            self.path / MASKS / f"{image.stem}.png", mask.shape, palette=self._palette()
        ) as write:
            write(mask)
        if find_description(self.path) is None:
            write_text(self.path / DESCRIPTION, self._description())
        return image.stem

    def _add_image(self, image: Path) -> None:
        target = self.path / IMAGES / image.name
        for other in (self.path / IMAGES).glob("*"):
            if other.stem != image.stem:
                continue
            if other.name == image.name and cmp(other, image, shallow=False):
                return
            raise AreosegError(
                f"{image.name}: {self.path} has another image of this name: rename one of them"
            )
        with replacing(target) as beside:
            shutil.copyfile(image, beside)

    def _palette(self) -> Palette:
        """Return the colors of all mask values; those that are no class have that of void."""
        return [*self.taxonomy.colors, *([VOID_COLOR] * (VOID + 1 - len(self.taxonomy)))]

    def _description(self) -> str:
        values = {
            "classes": list(self.taxonomy.names),
            "background": self.taxonomy.names[self.taxonomy.background],
            "colors": [list(color) for color in self.taxonomy.colors],
            "void": VOID,
            "images": IMAGES,
            "masks": MASKS,
        }
        return yaml.safe_dump(values, sort_keys=False, default_flow_style=None)


def labeled_names(folder: Path) -> set[str]:
    """Return the names of the images of a dataset folder that have a mask."""
    return {path.stem for path in (folder / MASKS).glob("*.png")}
