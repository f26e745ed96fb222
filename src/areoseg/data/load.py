"""Load a dataset: detect its format, and read all its samples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

from rich.console import Console

from areoseg.data.description import describe, find_description, recognize_dataset
from areoseg.data.layout import Layout
from areoseg.data.missions.metadata import rover_stop
from areoseg.data.options import DataFormat, DataOptions, LabelSet, data_options
from areoseg.data.readers.ai4mars import AI4MARS
from areoseg.data.readers.ai4mars_flat import AI4MARS_FLAT
from areoseg.data.readers.described import find_described
from areoseg.data.readers.folder import FOLDER, IMAGES
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.frames import (
    check_tile_and_scale,
    mixed_depths,
    oddities,
    read_frames,
    to_dataset,
    white_levels,
)
from areoseg.data.readers.npz import NPZ
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError, did_you_mean, one_line, plural, shorten
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.plugins import load_entry_points

FORMATS: dict[str, DatasetFormat] = {
    data_format.name: data_format for data_format in (NPZ, AI4MARS, AI4MARS_FLAT, FOLDER, IMAGES)
}
"""The formats by name, the most specific first; the first that recognizes a path is used."""

_plugin_formats: dict[str, DatasetFormat] = {}


def register_format(data_format: DatasetFormat) -> None:
    """Register a dataset format of a plugin; it is tried before the formats of areoseg.

    Raises:
        ValueError: areoseg has a format of this name.
    """
    if data_format.name in FORMATS:
        raise ValueError(f"two dataset formats are called {data_format.name!r}")
    _plugin_formats[data_format.name] = data_format


def dataset_formats() -> dict[str, DatasetFormat]:
    """Return all formats by name, those of plugins first."""
    load_entry_points()
    return {**_plugin_formats, **FORMATS}


SYNTHETIC = "synthetic"
"""Name of the synthetic dataset, in place of a path."""

SYNTHETIC_LABELED = 1200
SYNTHETIC_UNLABELED = 200


@dataclass(frozen=True, kw_only=True)
class Source(DataOptions):
    """The path of a dataset and all options that are needed to read it again.

    Attributes:
        path: A file, a folder, or `synthetic`.
        tile: Height and width of the tiles that frames are cut into; None keeps them whole.
        scale: Factor for the sides of frames before they are cut, in (0, 1].
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # it is part of `run.json`

    path: str
    tile: tuple[int, int] | None = None
    scale: float = 1.0

    def cut(self, tile: tuple[int, int] | None, scale: float) -> "Source":
        """Return the source with this scale and tile size; 1 and None keep its own."""
        return replace(self, tile=tile or self.tile, scale=self.scale if scale == 1 else scale)

    @property
    def arguments(self) -> list[str]:
        """Return the command-line arguments for the same files; a recipe has tile and scale."""
        words = ["--data", self.path]
        for option, value, default in (
            ("--data-format", self.data_format, "auto"),
            ("--label-set", self.label_set, "crowd"),
            ("--missions", self.missions, None),
            ("--groups", self.groups, None),
            ("--classes", self.classes, None),
        ):
            if value != default:
                words += [option, str(value)]
        return words


def read(
    data: PathLike,
    *,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    console: Console | None = None,
) -> LoadedData:
    """Read a dataset.

    8-bit images are uint8; if any image of the dataset has more bits, all are float32 in 0..1.
    Frames with names of rover missions are grouped by rover stop.

    Args:
        data: An npz file, a folder of images and masks, a folder of AI4Mars, images without masks,
            or `synthetic`.
        groups: See `DataOptions`, also for the next four options.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        tile: Height and width of the tiles that frames are cut into; None keeps them whole. If the
            size of a frame is not a multiple of the tile, the last row and column of tiles are
            shifted inwards and overlap their neighbors. Tiles are named `frame@y000x128`, and
            have the group of their frame, or form a group per frame if it has none.
        scale: Factor for the sides of frames before they are cut, in (0, 1]: images are averaged
            over areas, and masks are resampled to the nearest pixel.
        console: Console for progress and warnings; None: standard error.

    Returns:
        Labeled and unlabeled samples with their classes.

    Raises:
        AreosegError: The data cannot be read; the message names the file and the remedy.

    Examples:
        >>> data = read("mars.npz", groups="frames.txt")  # doctest: +SKIP
        >>> data.labeled.images.shape  # doctest: +SKIP
        (2615, 64, 128)
    """
    console = console or standard_error()
    options = data_options(groups, data_format, label_set, missions, classes)
    source = find_source(data, options, console)
    return read_with_progress(source.cut(tile, scale), console)


def find_source(data: PathLike, options: DataOptions | None, console: Console) -> Source:
    """Return the source of a dataset, completed with the files beside it.

    These are a dataset description, whose values replace the defaults in `options`, and a groups
    file. Each is reported on the console.

    Raises:
        AreosegError: The description cannot be read.
    """
    options = options or DataOptions()
    source = Source(
        path=str(data),
        **{field.name: getattr(options, field.name) for field in fields(DataOptions)},
    )
    if str(data) == SYNTHETIC:
        return source
    if source.classes is None and (description := find_description(Path(data))) is not None:
        console.print(f"note: classes from {description}, beside the data")
        source = replace(source, classes=str(description))
    elif source.classes is None and (known := recognize_dataset(Path(data))) is not None:
        title = describe(known).about["name"]
        if describe(known).undocumented:
            raise AreosegError(
                f"{data}: this looks like {title}, whose mask values are not published: write a"
                f" dataset.yaml with `map`; `areoseg data describe {data}` writes a draft"
            )
        console.print(f"note: {title}, recognized by its folders; a dataset.yaml replaces this")
        source = replace(source, classes=known)
    described = describe(source.classes)
    default = DataOptions()
    for field in ("groups", "data_format", "label_set"):
        if getattr(source, field) == getattr(default, field):
            source = replace(source, **{field: getattr(described.options, field)})
    if source.groups is None and (groups := companion_groups(Path(data))) is not None:
        console.print(f"note: groups from {groups}, beside the data")
        source = replace(source, groups=groups)
    return replace(source, tile=described.tile, scale=described.scale)


def read_with_progress(source: Source, console: Console) -> LoadedData:
    """Read a source, with a progress bar and one line per warning."""
    with progress_bar(console) as progress:
        task = progress.add_task("reading", total=None)
        data = read_source(
            source,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    for warning in data.warnings:
        console.print(f"warning: {warning}")
    return data


def read_source(
    source: Source, *, progress: Callable[[int, int], None] | None = None
) -> LoadedData:
    """Read the samples of a source, or draw those of the synthetic one.

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
    described = describe(source.classes)
    return read_data(
        source.path,
        data_format=source.data_format,
        groups=source.groups,
        label_set=source.label_set,
        missions=source.missions,
        tile=source.tile,
        scale=source.scale,
        taxonomy=described.taxonomy,
        layout=described.layout,
        progress=progress,
    )


def read_data(
    path: PathLike,
    *,
    data_format: str = "auto",
    groups: PathLike | None = None,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    label_set: str = "crowd",
    missions: str | None = None,
    taxonomy: Taxonomy = MARS,
    layout: Layout | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedData:
    """Read the dataset at a path without looking for files beside it; see `read`.

    Args:
        path: A file or folder.
        data_format: One of `FORMATS`, or `auto` to detect it.
        groups: A text file with one line per labeled sample.
        tile: Height and width of the tiles that frames are cut into.
        scale: Factor for the sides of frames.
        label_set: The label set.
        missions: The missions to read, separated by commas; None: all.
        taxonomy: The classes of the masks.
        layout: Folders and coding of masks from a dataset description, or None.
        progress: Called repeatedly with the numbers of frames read and of all frames.

    Raises:
        AreosegError: The data cannot be read.
    """
    path = Path(path)
    check_tile_and_scale(tile, scale)
    if layout is not None and data_format in ("auto", "folder") and path.is_dir():
        listing = find_described(path, layout, taxonomy)
    else:
        listing = _find(path, data_format, label_set, taxonomy)
    if missions is not None:
        listing = of_missions(listing, missions, path)
    pairs = [frame.name for frame in listing.labeled]
    pair_groups = (
        groups_from_names(pairs) if groups is None else groups_from_file(Path(groups), len(pairs))
    )
    frames = read_frames(
        listing.labeled + listing.unlabeled, tile=tile, scale=scale, progress=progress
    )
    whites = white_levels(frames)
    warnings = (*listing.warnings, *oddities(frames), *mixed_depths(frames, whites))
    labeled = to_dataset(
        frames[: len(pairs)], pair_groups, whites[: len(pairs)], tiled=tile is not None
    )
    names = [frame.name for frame in listing.unlabeled]
    unlabeled = to_dataset(
        frames[len(pairs) :],
        groups_from_names(names),
        whites[len(pairs) :],
        tiled=tile is not None,
    )
    return LoadedData(labeled, unlabeled, taxonomy=taxonomy, warnings=warnings)


def _find(path: Path, data_format: str, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the frames of a dataset of a known format."""
    name = recognize_format(path) if data_format == "auto" else _checked(path, data_format)
    reader = dataset_formats()[name]
    if label_set not in reader.label_sets:
        raise AreosegError(
            f"{path}: format {name!r} has no {label_set!r} labels:"
            f" {did_you_mean(label_set, reader.label_sets)}"
        )
    return reader.find(path, label_set, taxonomy)


def of_missions(listing: Listing, missions: str, path: Path) -> Listing:
    """Return the frames of some missions only.

    Args:
        listing: The frames of all missions.
        missions: Names separated by commas; `msl` includes `msl/ncam` and `msl/mcam`.
        path: The dataset, for messages.

    Raises:
        AreosegError: The dataset has no frames of one of them.
    """
    names = [name.strip() for name in missions.split(",")]
    chosen: dict[str, LazyFrame] = {}
    present = sorted({frame.mission for frame in listing.labeled if frame.mission is not None})
    for name in names:
        found = [
            frame
            for frame in listing.labeled
            if frame.mission is not None and f"{frame.mission}/".startswith(f"{name}/")
        ]
        if not found:
            known = shorten(present) if present else "none: only AI4Mars as distributed has some"
            raise AreosegError(
                f"{path}: --missions {missions}: no frames of {name!r}; there are {known}"
            )
        chosen.update((frame.name, frame) for frame in found)
    return Listing(list(chosen.values()), listing.unlabeled, listing.warnings)


def recognize_format(path: PathLike) -> str:
    """Detect the format of the dataset at a path.

    Raises:
        AreosegError: The path does not exist, or its format is unknown.
    """
    path = Path(path)
    _check_exists(path)
    for data_format in dataset_formats().values():
        if data_format.recognize(path):
            return data_format.name
    raise AreosegError(
        f"{path}: unknown dataset format: give an npz file, a folder with images/ and masks/,"
        " the folder msl of AI4Mars, or images"
    )


def companion_groups(path: Path) -> Path | None:
    """Return the file `NAME_groups.txt` or `NAME_train_frames.txt` beside a dataset, if any."""
    for ending in ("groups", "train_frames"):
        beside = path.with_name(f"{path.stem}_{ending}.txt")
        if beside.is_file():
            return beside
    return None


def groups_from_file(path: Path, pairs: int) -> list[str | None]:
    """Read the groups of labeled samples from a text file with one line per sample, in order.

    Lines that are names of rover frames become rover stops; other lines are used as group names.

    Raises:
        AreosegError: The file cannot be read, has the wrong number of lines, or has an empty line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AreosegError(
            f"{path}: cannot read the groups file ({one_line(error)}): give a text file with one"
            " line per pair"
        ) from error
    if len(lines) != pairs:
        raise AreosegError(
            f"{path}: {plural(len(lines), 'line')} for {plural(pairs, 'pair')}: a groups file has"
            " one line per pair of image and mask, in their order"
        )
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            raise AreosegError(f"{path}: line {number} is empty: name the group of every pair")
    return [rover_stop(line.strip()) or line.strip() for line in lines]


def groups_from_names(names: Sequence[str]) -> list[str | None]:
    """Return the rover stop of each frame, or None if its name does not contain one."""
    return [rover_stop(name) for name in names]


def _checked(path: Path, name: str) -> str:
    """Check the name of a format and that the path exists."""
    known = dataset_formats()
    if name not in known:
        raise AreosegError(f"there is no format {name!r}: {did_you_mean(name, ['auto', *known])}")
    _check_exists(path)
    return name


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise AreosegError(f"{path}: no such file or folder: check the path")
