"""The homework's submission: a CSV file with one row per image and one digit per pixel."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from rich.console import Console

from areoseg.data.load import Source, read_with_progress
from areoseg.errors import AreosegError, plural
from areoseg.inference.engines.exported import ExportedEngine
from areoseg.inference.load import load, model_paths, note_unfinished
from areoseg.inference.predictor import Predictor
from areoseg.recipes import parse_recipe
from areoseg.runs.run import open_run
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike, check_not_input, replacing
from areoseg.utils.images import Mask

PREFETCH_PIXELS = 1 << 21
"""Number of pixels that are predicted ahead while rows are being written."""

ZERO, COMMA = b"0,"

Item = TypeVar("Item")


def submit(
    models: ModelPath | Sequence[ModelPath],
    data: PathLike,
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment the unlabeled images of a dataset and write the homework's CSV file.

    Each row has the pixels of one image at its original size. The models see images scaled like the
    training data of the first model. Models with a background gate answer terrain classes only,
    because the homework counts background on a labeled pixel as an error.

    Args:
        models: A run folder, the name of a bundled model or an exported file, or several of these,
            whose probabilities are averaged.
        data: An npz file with a `test_set`.
        out: The CSV file to write.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        console: Console for progress; None: standard error.

    Returns:
        The number of rows.

    Raises:
        AreosegError: A model cannot be used, there are no unlabeled images, or the file cannot be
            written.

    Examples:
        >>> areoseg.submit("flagship-64", "mars.npz", "submission.csv")  # doctest: +SKIP
        6000
    """
    use_threads(threads)
    console = console or standard_error()
    paths = model_paths(models)
    check_not_input(out, data, *paths)
    note_unfinished(paths, console)
    loaded = load(paths, device=device)
    first = loaded.engines[0]
    if isinstance(first, ExportedEngine):
        recipe = parse_recipe(first.metadata.recipe, source=str(paths[0]))
    else:
        recipe = open_run(paths[0]).recipe
    predictor = Predictor(
        loaded.engines,
        scale=recipe.data.scale,
        batch_size=loaded.batch_size,
        background=loaded.background_threshold is None,
    )
    images = read_with_progress(Source(path=str(data)), console).unlabeled.images
    if not len(images):
        raise AreosegError(f"{data}: no unlabeled images to submit: it needs a test_set")
    console.print(
        f"predicting {plural(len(images), 'image')} with {' and '.join(paths)}", markup=False
    )
    with progress_bar(console) as progress:
        masks = prefetched(predictor.masks(images), max(1, PREFETCH_PIXELS // images[0].size))
        tracked = progress.track(masks, total=len(images), description="predicting")
        return write_submission(Path(out), tracked)


def prefetched(items: Iterable[Item], count: int) -> Iterator[Item]:
    """Yield the items in order while a thread computes up to `count` of the following items.

    Work that releases the interpreter lock (PyTorch, OpenVINO, writing files) runs in parallel. An
    exception is raised at the position of its item.
    """
    source = iter(items)
    with ThreadPoolExecutor(max_workers=1) as thread:
        following = thread.submit(lambda: list(islice(source, count)))
        while batch := following.result():
            following = thread.submit(lambda: list(islice(source, count)))
            yield from batch


def write_submission(path: Path, masks: Iterable[Mask]) -> int:
    """Write masks as rows `id,0,1,...`: the index of the image, then its pixels in row-major order.

    Rows are written as they arrive, so memory does not grow with their number.

    Args:
        path: The CSV file.
        masks: Masks (H, W) of one size, with classes 0 to 9.

    Returns:
        The number of rows.

    Raises:
        AreosegError: The masks differ in size or have a class above 9, or the file cannot be
            written.
    """
    rows = 0
    size = None
    with replacing(path) as beside, beside.open("wb", buffering=1 << 20) as file:
        for row, mask in enumerate(masks):
            if size is None:
                size = mask.shape
                file.write(",".join(["id", *map(str, range(mask.size))]).encode() + b"\n")
            if mask.shape != size:
                raise AreosegError(
                    f"{path}: image {row} has {mask.shape[0]}x{mask.shape[1]} pixels, but earlier"
                    f" images have {size[0]}x{size[1]}: a submission needs images of one size"
                )
            if mask.max(initial=0) > 9:
                raise AreosegError(f"{path}: a submission supports only classes 0 to 9")
            text = np.full(2 * mask.size, COMMA, dtype=np.uint8)
            text[1::2] = mask.ravel() + ZERO
            file.write(b"%d" % row + text.tobytes() + b"\n")
            rows += 1
    return rows
