"""Read a data set of any known format."""

from collections.abc import Callable
from pathlib import Path

from areoseg.data.readers.ai4mars import AI4MARS
from areoseg.data.readers.ai4mars_flat import AI4MARS_FLAT
from areoseg.data.readers.assemble import oddities
from areoseg.data.readers.assemble import to_dataset
from areoseg.data.readers.depth import white_levels
from areoseg.data.readers.folder import FOLDER
from areoseg.data.readers.format import Format
from areoseg.data.readers.frames import read_frames
from areoseg.data.readers.groups import groups_from_file
from areoseg.data.readers.groups import groups_from_names
from areoseg.data.readers.images import IMAGES
from areoseg.data.readers.npz import NPZ
from areoseg.data.readers.tiles import check_tile_and_scale
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy

FORMATS: dict[str, Format] = {
    each.name: each for each in (NPZ, AI4MARS, AI4MARS_FLAT, FOLDER, IMAGES)
}
"""All formats by name. The first to recognize a path reads it, so the vaguest come last."""


def read_data(
    path: str | Path,
    *,
    format: str = "auto",
    groups: str | Path | None = None,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    labels: str = "crowd",
    taxonomy: Taxonomy = MARS,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedData:
    """Read the data set at a path.

    Images keep their 8 bits, or become float32 in 0..1 where they have more; the module `depth`
    has the rule. Frames with AI4Mars names are grouped by site and drive.

    Args:
        path: A file or folder; `FORMATS` lists what it may be.
        format: One of `FORMATS`, or `"auto"` to find out by looking.
        groups: A text file with one line a labeled pair, in their order: the group of the pair,
            or the AI4Mars frame that it was cut from.
        tile: Height and width of the tiles that frames are cut into; None keeps them whole. Where
            a frame is no multiple of the tile, the last row and column of tiles are shifted
            inwards and overlap their neighbors. Tiles are called `frame@y000x128`, and a tile
            has the group of its frame, or the frame's name for want of a group.
        scale: What the sides of frames are multiplied by before they are cut, in (0, 1]: images
            by area averaging, masks by taking the nearest pixel.
        labels: Which labels of AI4Mars as distributed: `"crowd"`, or `"expert-1"`, `"expert-2"`,
            `"expert-3"` for pixels on which at least that many experts agree.
        taxonomy: The classes that masks may hold.
        progress: Called now and then with the number of frames read and of all frames.

    Raises:
        AreosegError: Something is wrong with the data; the message names file and remedy.
    """
    path = Path(path)
    check_tile_and_scale(tile, scale)
    chosen = FORMATS[recognize_format(path) if format == "auto" else _checked(path, format)]
    if labels not in chosen.labels:
        raise AreosegError(
            f"{path}: no {labels!r} labels in format {chosen.name!r}:"
            f" {did_you_mean(labels, chosen.labels)}"
        )
    found = chosen.find(path, labels, taxonomy)
    pairs = [frame.name for frame in found.labeled]
    pair_groups = (
        groups_from_names(pairs) if groups is None else groups_from_file(Path(groups), len(pairs))
    )

    cuts = read_frames(found.labeled + found.unlabeled, tile=tile, scale=scale, progress=progress)
    whites = white_levels((cut.range for cut in cuts), str(path))
    labeled = to_dataset(cuts[: len(pairs)], pair_groups, whites, tiled=tile is not None)
    singles = [frame.name for frame in found.unlabeled]
    unlabeled = to_dataset(
        cuts[len(pairs) :], groups_from_names(singles), whites, tiled=tile is not None
    )
    return LoadedData(labeled, unlabeled, warnings=(*found.warnings, *oddities(cuts)))


def recognize_format(path: str | Path) -> str:
    """The name of the format at a path, found by looking.

    Raises:
        AreosegError: There is nothing at the path, or nothing known.
    """
    path = Path(path)
    if not path.exists():
        raise AreosegError(f"{path}: no such file or folder: check the path")
    for each in FORMATS.values():
        if each.recognize(path):
            return each.name
    raise AreosegError(
        f"{path}: no known data set: give an npz file, a folder with images/ and masks/, the"
        " folder msl of AI4Mars, or images"
    )


def _checked(path: Path, name: str) -> str:
    """The name of a format, once it is known to be one and the path to exist."""
    if name not in FORMATS:
        raise AreosegError(f"there is no format {name!r}: {did_you_mean(name, ['auto', *FORMATS])}")
    if not path.exists():
        raise AreosegError(f"{path}: no such file or folder: check the path")
    return name
