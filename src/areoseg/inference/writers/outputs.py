"""The table of what `predict` can write."""

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from areoseg.data.readers.planetary import require_rasterio
from areoseg.data.readers.rover_image import RoverImage
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.inference.writers.pictures import write_confidence
from areoseg.inference.writers.pictures import write_entropy
from areoseg.inference.writers.pictures import write_mask
from areoseg.inference.writers.pictures import write_overlay
from areoseg.inference.writers.polygons import write_polygons
from areoseg.inference.writers.probabilities import probabilities_suffix
from areoseg.inference.writers.probabilities import write_probabilities
from areoseg.inference.writers.rows import Rows
from areoseg.inference.writers.rows import Write
from areoseg.taxonomy import Taxonomy


@dataclass(frozen=True)
class Output:
    """One file an image.

    Attributes:
        summary: One line on what it holds.
        suffixes: The suffixes that it may have.
        write: Opens it: gives a function that takes the rows of an image from top to bottom.
        suffix: Which of the suffixes an image gets.
        from_probabilities: Whether it needs more than the mask.
        extra: Whether it needs the extra `planetary`.
    """

    summary: str
    suffixes: tuple[str, ...]
    write: Callable[[Path, RoverImage, Taxonomy], AbstractContextManager[Write]]
    suffix: Callable[[RoverImage], str]
    from_probabilities: bool = False
    extra: bool = False


def _picture(
    summary: str,
    write: Callable[[Path, RoverImage, Taxonomy], AbstractContextManager[Write]],
    *,
    from_probabilities: bool = False,
) -> Output:
    return Output(summary, (".png",), write, lambda image: ".png", from_probabilities)


OUTPUTS: dict[str, Output] = {
    "masks": _picture("PNG, the class index of each pixel", write_mask),
    "overlays": _picture("PNG, the image with the classes in color", write_overlay),
    "probabilities": Output(
        "npz (H, W, C) float16; GeoTIFF float16 where the image lies on a map",
        (".npz", ".tif"),
        write_probabilities,
        probabilities_suffix,
        from_probabilities=True,
    ),
    "confidence": _picture(
        "PNG, the probability of the class: 0 to 255", write_confidence, from_probabilities=True
    ),
    "entropy": _picture(
        "PNG, from certain, 0, to guessing, 255", write_entropy, from_probabilities=True
    ),
    "polygons": Output(
        "GeoJSON in map coordinates where the image lies on a map, else in pixels",
        (".geojson",),
        write_polygons,
        lambda image: ".geojson",
        extra=True,
    ),
}
"""The outputs of an image, by the name of their folder."""

SHARES = "shares"
"""The table of terrain shares, one row an image."""

OUTPUT_NAMES = (*OUTPUTS, SHARES)
DEFAULT_OUTPUTS = ("masks", "overlays", SHARES)


def checked_outputs(names: Sequence[str]) -> tuple[str, ...]:
    """The names of outputs, each once, in the order of the table.

    Raises:
        AreosegError: There is no such output, or none was named.
    """
    for name in names:
        if name not in OUTPUT_NAMES:
            raise AreosegError(f"no output {name!r}: {did_you_mean(name, OUTPUT_NAMES)}")
    if not names:
        raise AreosegError(f"no output to write: choose from {', '.join(OUTPUT_NAMES)}")
    return tuple(name for name in OUTPUT_NAMES if name in names)


def check_extras(names: Sequence[str]) -> None:
    """Refuse outputs that need the extra `planetary` where it is not installed.

    Raises:
        AreosegError: It is not installed.
    """
    for name in names:
        if name in OUTPUTS and OUTPUTS[name].extra:
            require_rasterio(name)


@contextmanager
def open_outputs(
    names: Sequence[str], out: Path, image_name: str, image: RoverImage, taxonomy: Taxonomy
) -> Iterator[Write]:
    """Open the outputs of an image, `out/OUTPUT/NAME.SUFFIX`, to be written row by row.

    Args:
        names: Names in `OUTPUTS`.
        out: The output folder.
        image_name: The image's name among the outputs, possibly with folders.
        image: The image.
        taxonomy: The classes.

    Raises:
        AreosegError: A file cannot be written.
    """
    with ExitStack() as files:
        writers = []
        for name in names:
            output = OUTPUTS[name]
            path = out / name / f"{image_name}{output.suffix(image)}"
            writers.append(files.enter_context(output.write(path, image, taxonomy)))

        def write(rows: Rows) -> None:
            for each in writers:
                each(rows)

        yield write
