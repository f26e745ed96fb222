"""Load a dataset: detect its format, and read all its samples."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import ClassVar

from rich.console import Console

from areoseg.data.adjacency import group_tiles
from areoseg.data.described_splits import DescribedSplits
from areoseg.data.description import describe, find_description, recognize_dataset
from areoseg.data.groups import companion_groups, groups_from_file, groups_from_names
from areoseg.data.join import check_same_classes, join_datasets
from areoseg.data.layout import Layout
from areoseg.data.options import DataFormat, DataOptions, LabelSet, data_options
from areoseg.data.readers.ai4mars import AI4MARS
from areoseg.data.readers.ai4mars_flat import AI4MARS_FLAT
from areoseg.data.readers.described import find_described
from areoseg.data.readers.files import portable
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
from areoseg.data.readers.parquet import PARQUET, find_described_parquet, recognize_parquet
from areoseg.data.samples import LoadedData
from areoseg.errors import AreosegError, did_you_mean, shorten
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.files import PathLike, path_list
from areoseg.utils.plugins import load_entry_points

FORMATS: dict[str, DatasetFormat] = {
    data_format.name: data_format
    for data_format in (NPZ, AI4MARS, AI4MARS_FLAT, FOLDER, IMAGES, PARQUET)
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

NO_GROUPS = Path("none")
"""The value of `--groups` for a split without groups."""

SYNTHETIC_LABELED = 1200
SYNTHETIC_UNLABELED = 200


@dataclass(frozen=True, kw_only=True)
class Source(DataOptions):
    """The path of a dataset and all options that are needed to read it again.

    Attributes:
        path: A file, a folder, or `synthetic`.
        tile: Height and width of the tiles that frames are cut into; None keeps them whole.
        scale: Factor for the sides of frames before they are cut, in (0, 1].
        name: What the names of the samples begin with if several datasets are joined, else None.
        further: The other datasets that are joined with this one.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}  # it is part of `run.json`

    path: str
    tile: tuple[int, int] | None = None
    scale: float = 1.0
    name: str | None = None
    further: tuple["Source", ...] = ()

    @property
    def each(self) -> tuple["Source", ...]:
        """The sources of the single datasets."""
        return replace(self, further=()), *self.further

    @property
    def paths(self) -> str:
        """The paths of all datasets, for people."""
        return ", ".join(each.path for each in self.each)

    def changed(self, change: Callable[["Source"], "Source"]) -> "Source":
        """Return the source with a change to each dataset."""
        first, *further = (change(each) for each in self.each)
        return replace(first, further=tuple(further))

    def cut(self, tile: tuple[int, int] | None, scale: float) -> "Source":
        """Return the source with this scale and tile size; 1 and None keep its own."""
        return self.changed(
            lambda each: replace(
                each, tile=tile or each.tile, scale=each.scale if scale == 1 else scale
            )
        )

    @property
    def arguments(self) -> list[str]:
        """Return the command-line arguments for the same files; a recipe has tile and scale."""
        words = [word for each in self.each for word in ("--data", each.path)]
        default = DataOptions()
        for name in ("data_format", "label_set", "missions", "groups", "classes"):
            values = {getattr(each, name) for each in self.each}
            if len(values) == 1 and (value := values.pop()) != getattr(default, name):
                words += [f"--{name.replace('_', '-')}", str(value)]
        return words


def read(
    data: PathLike | Sequence[PathLike],
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
    Frames with names of rover missions are grouped by rover stop, and other samples by
    `areoseg.data.adjacency`.

    Args:
        data: An npz file, a folder of images and masks, a folder of AI4Mars, images without masks,
            or `synthetic`; or several of these with the same classes, which are joined.
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


def find_source(
    data: PathLike | Sequence[PathLike], options: DataOptions | None, console: Console
) -> Source:
    """Return the source of one or several datasets, completed with the files beside them.

    These are a dataset description, whose values replace the defaults in `options`, and a groups
    file. Each is reported on the console.

    Raises:
        AreosegError: A description cannot be read, or several datasets have different classes, or a
            dataset is given twice.
    """
    paths = path_list(data)
    options = options or DataOptions()
    if len(paths) == 1:
        return _find_one(paths[0], options, console)
    if options.groups is not None:
        raise AreosegError(
            f"--groups {options.groups}: one file cannot have the groups of {len(paths)} datasets:"
            " name it as `groups` in the dataset.yaml of its dataset"
        )
    names = dataset_names(paths)
    sources = [replace(_find_one(path, options, console), name=name)
               for path, name in zip(paths, names, strict=True)]  # fmt: skip
    check_same_classes({each.path: describe(each.classes).taxonomy for each in sources})
    return replace(sources[0], further=tuple(sources[1:]))


def dataset_names(paths: Sequence[str]) -> list[str]:
    """Return a distinct name for each of several datasets: its folder or file without suffix.

    If two are equal, the folders above are added.

    Raises:
        AreosegError: There is no path, or a dataset is given twice.

    Examples:
        >>> dataset_names(["mars/a.npz", "b/images", "c/images"])
        ['a', 'b-images', 'c-images']
    """
    if not paths:
        raise AreosegError("no dataset given: name at least one")
    resolved = [Path(path).resolve() for path in paths]
    for path, times in Counter(resolved).items():
        if times > 1:
            raise AreosegError(f"{path}: this dataset is given twice: name each dataset once")
    whole = [path if path.is_dir() else path.with_suffix("") for path in resolved]
    names = [""] * len(paths)
    for depth in range(1, max(len(path.parts) for path in whole) + 1):
        names = [
            portable("-".join(path.parts[-depth:])) if names.count(name) > 1 or not name else name
            for path, name in zip(whole, names, strict=True)
        ]
    return names


def _find_one(data: str, options: DataOptions, console: Console) -> Source:
    source = Source(
        path=data,
        **{field.name: getattr(options, field.name) for field in fields(DataOptions)},
    )
    if data == SYNTHETIC:
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
    """Read the samples of a source, or draw those of the synthetic one; join several datasets.

    Raises:
        AreosegError: The data cannot be read.
    """
    if source.further:
        return join_datasets(
            {str(each.name): read_source(each, progress=progress) for each in source.each}
        )
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
        splits=described.splits,
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
    splits: DescribedSplits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LoadedData:
    """Read the dataset at a path without looking for files beside it; see `read`.

    Args:
        path: A file or folder.
        data_format: One of `FORMATS`, or `auto` to detect it.
        groups: A text file with one line per labeled sample, `none` for no groups, or None for
            those of rover stops in names, else of tiles that continue each other.
        tile: Height and width of the tiles that frames are cut into.
        scale: Factor for the sides of frames.
        label_set: The label set.
        missions: The missions to read, separated by commas; None: all.
        taxonomy: The classes of the masks.
        layout: Folders and coding of masks from a dataset description, or None.
        splits: The splits of a dataset description, or None.
        progress: Called repeatedly with the numbers of frames read and of all frames.

    Raises:
        AreosegError: The data cannot be read.
    """
    path = Path(path)
    check_tile_and_scale(tile, scale)
    if layout is not None and data_format in ("auto", "parquet") and recognize_parquet(path):
        listing = find_described_parquet(path, layout, taxonomy)
    elif layout is not None and data_format in ("auto", "folder") and path.is_dir():
        listing = find_described(path, layout, taxonomy)
    else:
        listing = _find(path, data_format, label_set, taxonomy)
    assigned: dict[str, str] = {}
    unlisted: list[str] = []
    if splits is not None:
        every = (*listing.labeled, *listing.unlabeled)
        assigned, unlisted = splits.assign({frame.name: frame.where for frame in every})
    if missions is not None:
        listing = of_missions(listing, missions, path)
    pairs = [frame.name for frame in listing.labeled]
    if groups is None:
        pair_groups = groups_from_names(pairs)
    elif Path(groups) == NO_GROUPS:
        pair_groups = [None] * len(pairs)
    else:
        pair_groups = groups_from_file(Path(groups), len(pairs))
    frames = read_frames(
        listing.labeled + listing.unlabeled, tile=tile, scale=scale, progress=progress
    )
    whites = white_levels(frames)
    warnings = (*listing.warnings, *unlisted, *oddities(frames), *mixed_depths(frames, whites))
    labeled = to_dataset(
        frames[: len(pairs)],
        pair_groups,
        whites[: len(pairs)],
        tiled=tile is not None,
        splits=None if splits is None else [assigned.get(name) for name in pairs],
    )
    note = None
    if groups is None and labeled.groups is None:
        labeled, note = group_tiles(labeled)
        warnings += (note,) if note else ()
    names = [frame.name for frame in listing.unlabeled]
    unlabeled = to_dataset(
        frames[len(pairs) :],
        groups_from_names(names),
        whites[len(pairs) :],
        tiled=tile is not None,
    )
    return LoadedData(
        labeled,
        unlabeled,
        taxonomy=taxonomy,
        warnings=warnings,
        found_groups=note is not None,
    )


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
        " the folder msl of AI4Mars, images, or Parquet files"
    )


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
