"""Predicting images, and writing submissions."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg.api.reading import (
    PathLike,
    progress_bar,
    read_with_progress,
    standard_error,
)
from areoseg.data.sources import Source
from areoseg.errors import AreosegError
from areoseg.run import open_run

if TYPE_CHECKING:
    pass


def predict(
    models: Sequence[PathLike],
    inputs: Sequence[PathLike],
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment images into `masks/`, `overlays/` and `shares.csv`.

    Args:
        models: Run folders; the probabilities of several are averaged.
        inputs: Image files, folders of images, or npz files.
        out: The folder to write to.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show the progress; None: standard error.

    Returns:
        The number of images.

    Raises:
        AreosegError: A model or an input cannot be used.
    """
    from areoseg.device import use_threads
    from areoseg.inference import Predictor
    from areoseg.inference.folders import predict_to_folder
    from areoseg.inference.inputs import find_inputs

    use_threads(threads)
    console = console or standard_error()
    found = find_inputs(inputs, out=Path(out))
    predictor = Predictor.load(*models, device=device)
    with progress_bar(console) as progress:
        for each in progress.track(found, description="checking"):
            each.read()  # an image that cannot be read shows before anything is written
        images = progress.track(found, description="predicting")
        return predict_to_folder(predictor, images, Path(out))


def submit(
    run: PathLike,
    data: PathLike,
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment the unlabelled images of a data set into the homework's CSV.

    Returns:
        The number of rows.

    Raises:
        AreosegError: There are no unlabelled images, or the file cannot be written.
    """
    from areoseg.device import use_threads
    from areoseg.inference import Predictor
    from areoseg.inference.submission import write_submission

    use_threads(threads)
    console = console or standard_error()
    predictor = Predictor.load(run, device=device)
    source = open_run(run).source
    source = Source(path=str(data), tile=source.tile, scale=source.scale)
    images = read_with_progress(source, console).unlabelled.images
    if not len(images):
        raise AreosegError(f"{data}: no unlabelled images to submit: it needs a test_set")
    with progress_bar(console) as progress:
        masks = progress.track(predictor.masks(images), total=len(images), description="predicting")
        return write_submission(Path(out), masks)
