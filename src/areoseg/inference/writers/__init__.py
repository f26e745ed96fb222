"""Writers of predictions, which receive an image in blocks of rows from top to bottom."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from areoseg.data.readers.georeference import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.errors import AreosegError, did_you_mean
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers.geotiff import image_suffix
from areoseg.inference.writers.images import (
    write_confidence,
    write_entropy,
    write_mask,
    write_overlay,
)
from areoseg.inference.writers.polygons import write_polygons
from areoseg.inference.writers.probabilities import probabilities_suffix, write_probabilities
from areoseg.taxonomy import Taxonomy

Write = Callable[[RowBlock], None]
"""Writes the next rows."""

Open = Callable[[Path, RoverImage, Taxonomy], AbstractContextManager[Write]]
"""Opens a file for an image of some classes, to be written row by row."""


@dataclass(frozen=True)
class Output:
    """A kind of output, one file per image.

    Attributes:
        summary: One line about its content.
        open: Opens a file of this kind.
        suffixes: The suffixes that its files may have.
        suffix: Chooses the suffix for an image.
        planetary: Whether the output needs the extra `planetary`.
    """

    summary: str
    open: Open
    suffixes: tuple[str, ...]
    suffix: Callable[[RoverImage], str]
    planetary: bool = False


def _image(summary: str, open: Open) -> Output:
    return Output(f"{summary}; PNG, or GeoTIFF on a map", open, (".png", ".tif"), image_suffix)


OUTPUTS: dict[str, Output] = {
    "masks": _image("the class index of each pixel, shown in color", write_mask),
    "overlays": _image("the image with the classes in color", write_overlay),
    "probabilities": Output(
        "npz (H, W, C) float16; GeoTIFF float16 for georeferenced images",
        write_probabilities,
        (".npz", ".tif"),
        probabilities_suffix,
    ),
    "confidence": _image("the probability of the class: 0 to 255", write_confidence),
    "entropy": _image("the entropy of the probabilities: 0 to 255", write_entropy),
    "polygons": Output(
        "GeoJSON in map coordinates for georeferenced images, else in pixels",
        write_polygons,
        (".geojson",),
        lambda image: ".geojson",
        planetary=True,
    ),
}
"""The outputs of an image by the name of their folder."""

SHARES = "shares"
"""The table of terrain shares, one row per image."""

GALLERY = "gallery"
"""The pages that show the images and their predictions."""

OUTPUT_NAMES = (*OUTPUTS, SHARES, GALLERY)
DEFAULT_OUTPUTS = ("masks", "overlays", SHARES, GALLERY)


def checked_outputs(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of outputs, each once, in the order of the table.

    Raises:
        AreosegError: A name is unknown, none is given, or one needs the extra `planetary`, which is
            not installed.
    """
    for name in names:
        if name not in OUTPUT_NAMES:
            raise AreosegError(f"no output {name!r}: {did_you_mean(name, OUTPUT_NAMES)}")
        if name in OUTPUTS and OUTPUTS[name].planetary:
            require_rasterio(name)
    if not names:
        raise AreosegError(f"no output to write: choose from {', '.join(OUTPUT_NAMES)}")
    return tuple(name for name in OUTPUT_NAMES if name in names)


def output_paths(
    names: Sequence[str], out: Path, image_name: str, image: RoverImage
) -> dict[str, Path]:
    """Return the files of an image, `out/OUTPUT/NAME.SUFFIX`, by output."""
    return {
        name: out / name / f"{image_name}{OUTPUTS[name].suffix(image)}"
        for name in names
        if name in OUTPUTS
    }


@contextmanager
def open_outputs(
    paths: Mapping[str, Path], image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Write]:
    """Open the outputs of an image to be written row by row.

    Args:
        paths: The files to write, by names in `OUTPUTS`.
        image: The image.
        taxonomy: The classes.

    Raises:
        AreosegError: A file cannot be written.
    """
    with ExitStack() as files:
        writers = [
            files.enter_context(OUTPUTS[name].open(path, image, taxonomy))
            for name, path in paths.items()
        ]

        def write(block: RowBlock) -> None:
            for writer in writers:
                writer(block)

        yield write
