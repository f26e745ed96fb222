"""The homework's npz file: `training_set` with images and masks, `test_set` with images only."""

import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from areoseg.data.readers.files import physical_memory
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import check_classes
from areoseg.data.readers.raster import Raster
from areoseg.errors import AreosegError, one_line, plural, shorten
from areoseg.taxonomy import Taxonomy

TRAINING, TEST = "training_set", "test_set"

MAX_COMPRESSION = 1100
"""Upper limit of the ratio of sizes: deflate reaches 1032."""

# Encrypted members and unknown compressions raise RuntimeError.
_BROKEN = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def recognize_npz(path: Path) -> bool:
    """Return whether `path` is a file with the suffix .npz, or any other zip archive."""
    return path.is_file() and (path.suffix.lower() == ".npz" or zipfile.is_zipfile(path))


def find_in_npz(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the pairs of `training_set` (N, 2, H, W) and the images of `test_set` (M, H, W).

    Either array may be absent, but not both. Samples are named `training_set/0000` and so on. A
    warning names other arrays.

    Raises:
        AreosegError: The file is missing, empty, truncated or not an npz file; or its keys, shapes
            or types are wrong.
    """
    arrays, others = read_arrays(path)
    training, test = arrays.get(TRAINING), arrays.get(TEST)
    if training is not None and (training.ndim != 4 or training.shape[1] != 2):
        raise AreosegError(
            f"{path}: {TRAINING!r} has shape {training.shape}: it must be (N, 2, H, W), an image"
            " and a mask per pair"
        )
    if test is not None and test.ndim != 3:
        raise AreosegError(f"{path}: {TEST!r} has shape {test.shape}: it must be (M, H, W)")
    return Listing(
        labeled=[] if training is None else _pairs(path, training, taxonomy),
        unlabeled=[] if test is None else _images(path, test),
        warnings=[f"left out {plural(len(others), 'array')}: {shorten(others)}"] if others else [],
    )


def read_arrays(path: Path) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Return the arrays `training_set` and `test_set` of an npz file, and names of other arrays.

    Pickled objects are never loaded.

    Raises:
        AreosegError: The file or one of the arrays cannot be used.
    """
    _check_archive(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.removesuffix(".npy"): name for name in archive.namelist()}
            keys = [key for key in (TRAINING, TEST) if key in members]
            if not keys:
                raise AreosegError(
                    f"{path}: neither {TRAINING!r} nor {TEST!r} is in it, but"
                    f" {', '.join(map(repr, sorted(members))) or 'nothing'}: rename the arrays"
                )
            arrays = {key: _read_array(path, archive, members[key]) for key in keys}
            return arrays, sorted(members.keys() - arrays.keys())
    except _BROKEN as error:
        raise AreosegError(
            f"{path}: cannot open this npz file ({one_line(error)}): copy it again"
        ) from error


def _check_archive(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise AreosegError(
            f"{path}: cannot read this file ({one_line(error)}): check the path"
        ) from error
    if not start:
        raise AreosegError(f"{path}: the file is empty: copy it again")
    if not zipfile.is_zipfile(path):
        what = "is truncated" if start[:2] == b"PK" else "is not an npz archive"
        raise AreosegError(f"{path}: the file {what}: copy it again, or write it with numpy.savez")


def _read_array(path: Path, archive: zipfile.ZipFile, member: str) -> NDArray[Any]:
    """Read one array after checking its header."""
    key = member.removesuffix(".npy")
    try:
        with archive.open(member) as file:
            shape, dtype = _read_header(file)
        if dtype.kind not in "buif":
            raise AreosegError(
                f"{path}: {key!r} holds {dtype.name} values, which are not supported: save plain"
                " numbers, such as uint8"
            )
        if 0 in shape:
            raise AreosegError(f"{path}: {key!r} has shape {shape} and is empty: remove it")
        # A damaged header must not make numpy allocate more memory than the file can fill.
        size, info = int(np.prod(shape, dtype=object)) * dtype.itemsize, archive.getinfo(member)
        if size > min(info.file_size, MAX_COMPRESSION * max(info.compress_size, 1)):
            raise ValueError(f"too short for shape {shape}")
        if size > (memory := physical_memory()):
            raise AreosegError(
                f"{path}: {key!r} has {size / 1e9:.1f} GB, but this machine only"
                f" {memory / 1e9:.1f} GB of memory: split the file"
            )
        with archive.open(member) as file:
            return npy_format.read_array(file, allow_pickle=False)
    except MemoryError:
        raise AreosegError(f"{path}: {key!r} is too large for the memory: split it") from None
    except _BROKEN as error:
        raise AreosegError(
            f"{path}: {key!r} is damaged or truncated ({one_line(error)}): copy the file again"
        ) from error


def _read_header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy_format.read_magic(file)
    read = npy_format.read_array_header_1_0
    if version != (1, 0):
        read = npy_format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype


def _pairs(path: Path, training: NDArray[Any], taxonomy: Taxonomy) -> list[LazyFrame]:
    images, masks = training[:, 0], training[:, 1]
    return [
        LazyFrame(
            name=_name(TRAINING, index, len(training)),
            where=f"{path}: {TRAINING} pair {index}",
            read_image=partial(Raster, images[index]),
            file=str(path),
            read_mask=partial(
                check_classes, masks[index], taxonomy, f"{path}: {TRAINING} pair {index}"
            ),
        )
        for index in range(len(training))
    ]


def _images(path: Path, test: NDArray[Any]) -> list[LazyFrame]:
    return [
        LazyFrame(
            name=_name(TEST, index, len(test)),
            where=f"{path}: {TEST} image {index}",
            read_image=partial(Raster, test[index]),
            file=str(path),
        )
        for index in range(len(test))
    ]


def _name(key: str, index: int, count: int) -> str:
    return f"{key}/{index:0{max(4, len(str(count - 1)))}d}"


NPZ = DatasetFormat(
    name="npz",
    summary="the homework's npz file: training_set (N, 2, H, W) and test_set (M, H, W)",
    recognize=recognize_npz,
    find=find_in_npz,
)
