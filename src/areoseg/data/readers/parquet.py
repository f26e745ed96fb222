"""Parquet files with an image per row, as Hugging Face Datasets write them: one file, or shards.

An image is the bytes of a PNG, JPEG or TIFF file, in a binary column or in a struct of `bytes` and
`path`. Row groups are read one at a time by each thread, so that memory stays bounded.
"""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.data.layout import Layout
from areoseg.data.readers.decode import decode_image, decode_mask
from areoseg.data.readers.described import read_described_mask
from areoseg.data.readers.files import IMAGE_SUFFIXES, by_unique_name, portable
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import read_ai4mars_mask, read_mask, read_not_ground
from areoseg.data.readers.raster import Raster
from areoseg.errors import AreosegError, one_line, shorten
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.extras import need
from areoseg.utils.images import Mask

SUFFIX = ".parquet"

_PLACES = ("*.parquet", "*/*.parquet", "*/*/*.parquet")

IMAGE_COLUMNS = ("image", "images", "img")
MASK_COLUMNS = ("mask", "masks", "label", "labels", "annotation", "label_mask", "segmentation")
HIDING_COLUMNS = ("rover_mask", "range_mask")
"""Columns with masks of the rover and of what is far, as AI4Mars has them."""

NAME_COLUMNS = ("name", "file_name", "filename", "image_id", "id")


@dataclass(frozen=True)
class Columns:
    """The columns of a Parquet file.

    Attributes:
        image: The column of images.
        mask: The column of masks, or None.
        hiding: The columns of masks of pixels that are not ground.
        name: The column of names; None: names are the paths of the images, if they have some.
        paths: Whether images are structs with a `path`.
    """

    image: str
    mask: str | None
    hiding: tuple[str, ...]
    name: str | None
    paths: bool


@dataclass
class Shards:
    """Parquet files that are opened on demand.

    Attributes:
        columns: Their columns.
    """

    columns: Columns
    _current: threading.local = field(default_factory=threading.local)

    def value(self, path: Path, group: int, row: int, column: str) -> bytes | None:
        """Return the file in a row of a row group, or None if there is none.

        Each thread keeps the row group that it read last.
        """
        key = (path, group)
        if getattr(self._current, "key", None) != key:
            self._current.key, self._current.table = None, None  # before the next one is read
            wanted = [self.columns.image, self.columns.mask, *self.columns.hiding]
            with opened(path) as file:
                self._current.table = file.read_row_group(
                    group, columns=[name for name in wanted if name is not None]
                )
            self._current.key = key
        value = self._current.table.column(column)[row].as_py()
        if isinstance(value, dict):
            if value.get("bytes") is None and value.get("path"):
                raise AreosegError(
                    f"{path}: {column} of row {row} of row group {group} is only the path"
                    f" {value['path']!r}: embed the files when the dataset is written"
                )
            value = value.get("bytes")
        return value or None


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a Parquet file; errors of pyarrow become one line.

    Raises:
        AreosegError: It cannot be read, or pyarrow is missing.
    """
    parquet, pyarrow = need("pyarrow.parquet", extra="parquet"), need("pyarrow", extra="parquet")
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (OSError, pyarrow.ArrowException) as error:
        raise AreosegError(
            f"{path}: cannot read this Parquet file ({one_line(error)}): copy it again"
        ) from None


def recognize_parquet(path: Path) -> bool:
    """Return whether a path is a Parquet file, or a folder that contains some."""
    return bool(list_shards(path))


def list_shards(path: Path) -> list[Path]:
    """Return the Parquet files at a path, at most two folders below it, sorted.

    Hidden files and folders are left out.
    """
    if path.is_file():
        return [path] if path.suffix.lower() == SUFFIX else []
    found = [file for pattern in _PLACES for file in path.glob(pattern) if file.is_file()]
    return sorted(
        file
        for file in found
        if not any(part.startswith(".") for part in file.relative_to(path).parts)
    )


def find_in_parquet(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the rows of Parquet files; see `find_described_parquet`."""
    return find_described_parquet(path, None, taxonomy)


def find_described_parquet(path: Path, layout: Layout | None, taxonomy: Taxonomy) -> Listing:
    """List the rows of Parquet files, those without a mask as unlabeled.

    Masks hold class indices, or what the layout says. Beside the columns `rover_mask` and
    `range_mask`, they hold the values of AI4Mars.

    Args:
        path: A file, or a folder of shards.
        layout: Columns of images and masks, and the coding of masks, from a dataset description.
        taxonomy: The classes.

    Raises:
        AreosegError: A file cannot be read, has no images, or other columns than the first; or two
            rows have one name.
    """
    shards = list_shards(path)
    if not shards:
        raise AreosegError(f"{path}: no Parquet file in this folder: check the path")
    root = path.parent if path.is_file() else path
    found: Shards | None = None
    frames: list[LazyFrame] = []
    without: list[LazyFrame] = []
    names: list[str] = []
    for shard in shards:
        with opened(shard) as file:
            columns = columns_of(file.schema_arrow, shard, layout)
            if found is None:
                found = Shards(columns)
            elif columns != found.columns:
                raise AreosegError(
                    f"{shard}: its columns differ from those of {shards[0]}: give shards of one"
                    " dataset"
                )
            stem = portable(shard.relative_to(root).with_suffix("").as_posix())
            first = 0
            for group in range(file.num_row_groups):
                listed = _names(file, group, columns, stem, first)
                labeled = _labeled(file, group, columns)
                first += len(listed)
                names += listed
                for row, name in enumerate(listed):
                    frame = _frame(found, shard, group, row, name, layout, taxonomy)
                    if columns.mask is not None and labeled[row]:
                        frames.append(frame)
                    else:
                        without.append(_unlabeled(frame))
    by_unique_name([Path(name) for name in names], names, str(path))
    return Listing(labeled=frames, unlabeled=without)


def stored_masks(path: Path, most: int) -> Iterator[NDArray[Any]]:
    """Yield masks as stored, all from a few row groups that are spread over the files.

    Args:
        path: A file, or a folder of shards.
        most: The largest number of masks.

    Raises:
        AreosegError: A file or a mask cannot be read, or there is no column of masks.
    """
    groups = []
    for shard in list_shards(path):
        with opened(shard) as file:
            columns = columns_of(file.schema_arrow, shard)
            groups += [(shard, group, file.metadata.row_group(group).num_rows)
                       for group in range(file.num_row_groups)]  # fmt: skip
    if not groups or columns.mask is None:
        raise AreosegError(f"{path}: no column of masks: name it `mask`")
    shards = Shards(columns)
    for shard, group, rows in spread(groups):
        for row in range(rows):
            content = shards.value(shard, group, row, columns.mask)
            if content is None:
                continue
            if most == 0:
                return
            most -= 1
            with _as_file(content, columns.mask, f"{shard}: row {row}") as mask:
                yield decode_mask(mask)


def spread(groups: Sequence[Any]) -> list[Any]:
    """Return at most three row groups, evenly spaced."""
    return list(groups[:: max(1, -(-len(groups) // 3))])


def columns_of(schema: Any, path: Path, layout: Layout | None = None) -> Columns:
    """Return the columns of a file by their names and types.

    Raises:
        AreosegError: There is no column of images.
    """
    types = need("pyarrow.types", extra="parquet")
    files = {}
    for column in schema:
        kind = column.type
        if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            files[column.name] = kind.get_field_index("path") >= 0
        elif types.is_binary(kind) or types.is_large_binary(kind):
            files[column.name] = False
    described = ((), ()) if layout is None else ((layout.images,), (layout.masks,))
    image = next((name for name in (*described[0], *IMAGE_COLUMNS) if name in files), None)
    if image is None:
        raise AreosegError(
            f"{path}: no column of images among {shorten(schema.names)}: name the column of image"
            " files `image`, or say its name as `images` in a dataset description"
        )
    texts = [column.name for column in schema if types.is_string(column.type)
             or types.is_large_string(column.type) or types.is_integer(column.type)]  # fmt: skip
    return Columns(
        image=image,
        mask=next((name for name in (*described[1], *MASK_COLUMNS) if name in files), None),
        hiding=tuple(name for name in HIDING_COLUMNS if name in files),
        name=next((name for name in NAME_COLUMNS if name in texts), None),
        paths=files[image],
    )


def _names(file: Any, group: int, columns: Columns, stem: str, first: int) -> list[str]:
    """Return the names of the rows of a row group: as given, or by shard and number."""
    rows = file.metadata.row_group(group).num_rows
    given: list[Any] = [None] * rows
    if columns.name is not None:
        given = file.read_row_group(group, columns=[columns.name]).column(0).to_pylist()
    elif columns.paths:
        table = file.read_row_group(group, columns=[f"{columns.image}.path"])
        given = [None if value is None else value["path"] for value in table.column(0).to_pylist()]
    return [
        f"{stem}/{first + row:06d}" if value is None else _name(str(value))
        for row, value in enumerate(given)
    ]


def _name(text: str) -> str:
    """Return a name without the suffix of an image file."""
    path = Path(text)
    short = path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path
    return portable(short.as_posix())


def _labeled(file: Any, group: int, columns: Columns) -> list[bool]:
    """Return which rows of a row group have a mask, from its statistics if possible."""
    metadata = file.metadata.row_group(group)
    rows = metadata.num_rows
    if columns.mask is None:
        return [False] * rows
    wanted = (columns.mask, f"{columns.mask}.bytes")
    for index in range(metadata.num_columns):
        chunk = metadata.column(index)
        statistics = chunk.statistics
        if chunk.path_in_schema in wanted and statistics is not None and statistics.has_null_count:
            if statistics.null_count == 0:
                return [True] * rows
            if statistics.null_count == rows:
                return [False] * rows
    values = file.read_row_group(group, columns=[columns.mask]).column(0).combine_chunks()
    if hasattr(values, "field"):
        values = values.field("bytes")
    found: list[bool] = values.is_valid().to_pylist()
    return found


def _frame(
    shards: Shards,
    path: Path,
    group: int,
    row: int,
    name: str,
    layout: Layout | None,
    taxonomy: Taxonomy,
) -> LazyFrame:
    columns = shards.columns
    where = f"{path}: {name}"
    value = partial(shards.value, path, group, row)
    return LazyFrame(
        name=name,
        where=where,
        read_image=partial(_image, value, columns.image, where),
        read_mask=partial(_mask, value, columns, layout, taxonomy, where),
        read_not_ground=partial(_not_ground, value, columns.hiding, where)
        if columns.hiding and taxonomy.names == MARS.names
        else None,
        batch=(path, group),
    )


def _unlabeled(frame: LazyFrame) -> LazyFrame:
    return LazyFrame(frame.name, frame.where, frame.read_image, batch=frame.batch)


@contextmanager
def _as_file(content: bytes | None, column: str, where: str) -> Iterator[Path]:
    """Yield a temporary file with the bytes of a column, which the decoders of files can read."""
    if content is None:
        raise AreosegError(f"{where}: {column} is empty: remove the row")
    with tempfile.NamedTemporaryFile(suffix=".png") as file:
        file.write(content)
        file.flush()
        try:
            yield Path(file.name)
        except AreosegError as error:
            text = str(error).replace(file.name, f"{where}: {column}")
            raise AreosegError(text) from None


def _image(value: Any, column: str, where: str) -> Raster:
    with _as_file(value(column), column, where) as path:
        return decode_image(path)


def _mask(
    value: Any, columns: Columns, layout: Layout | None, taxonomy: Taxonomy, where: str
) -> Mask:
    column = str(columns.mask)
    with _as_file(value(column), column, where) as path:
        if layout is not None:
            return read_described_mask(path, layout, taxonomy)
        if columns.hiding and taxonomy.names == MARS.names:
            return read_ai4mars_mask(path)
        return read_mask(path, taxonomy)


def _not_ground(
    value: Any, columns: Sequence[str], where: str, size: tuple[int, ...]
) -> NDArray[np.bool_]:
    not_ground = np.zeros(size, np.bool_)
    for column in columns:
        content = value(column)
        if content is not None:
            with _as_file(content, column, where) as path:
                not_ground |= read_not_ground([path], size)
    return not_ground


PARQUET = DatasetFormat(
    name="parquet",
    summary="Parquet with an image and a mask per row, as Hugging Face Datasets; needs pyarrow",
    recognize=recognize_parquet,
    find=find_in_parquet,
)
