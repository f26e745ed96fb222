"""Predicting images, and writing submissions."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from areoseg import weights
from areoseg.data.load import Source
from areoseg.data.load import read_with_progress
from areoseg.errors import AreosegError
from areoseg.evaluation.model_under_test import open_model_under_test
from areoseg.runs.run import is_run
from areoseg.utils.console import progress_bar
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from areoseg.inference.folders import Predicted
    from areoseg.inference.scale import ScaleOption

PIXELS_AHEAD = 1 << 21
"""How many pixels are predicted while the masks of as many before them are written."""


def predict(
    models: Sequence[PathLike],
    inputs: Sequence[PathLike],
    out: PathLike,
    *,
    write: Sequence[str] = ("masks", "overlays", "shares"),
    flips: bool = False,
    scales: Sequence[float] = (1.0,),
    scale: "ScaleOption" = "auto",
    resume: bool = False,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> "Predicted":
    """Segment images and write what was found, each output into its folder below `out`.

    An image that cannot be read or segmented is listed in `out/errors.csv` and does not stop the
    rest.

    Args:
        models: Run folders, names of bundled models, or exported files; the probabilities of
            several are averaged.
        inputs: Image files, planetary files, folders of them, or npz files.
        out: The folder to write to.
        write: What to write: names in `areoseg.inference.writers.OUTPUT_NAMES`.
        flips: Whether each image is shown mirrored as well.
        scales: Scales at which each image is shown; the mean of their probabilities counts.
        scale: What the sides of images are multiplied by before the models see them; `auto`: what
            brings them to the scale that a model was trained at, as far as both are known.
        resume: Whether to skip images whose outputs an earlier call wrote.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show progress and failures; None: standard error.

    Returns:
        How many images were done, skipped, and failed.

    Raises:
        AreosegError: A model cannot be used, there is nothing to predict, or the folder cannot be
            written or was made in another way.
    """
    from areoseg.inference import Predictor
    from areoseg.inference.folders import predict_to_folder
    from areoseg.inference.inputs import find_inputs
    from areoseg.inference.settings import describe
    from areoseg.inference.settings import keep_settings
    from areoseg.inference.writers import check_extras
    from areoseg.inference.writers import checked_outputs
    from areoseg.utils.device import use_threads

    use_threads(threads)
    console = console or standard_error()
    out = Path(out)
    write = checked_outputs(write)
    check_extras(write)
    found = find_inputs(inputs, out=out)
    predictor = Predictor.load(
        *models, device=device, accelerate=True, flips=flips, scales=scales, scale=scale
    )
    options = {"flips": flips, "scales": list(scales), "scale": scale}
    keep_settings(describe(models, options), out, resume=resume)
    with progress_bar(console) as progress:
        return predict_to_folder(
            predictor,
            found,
            out,
            write=write,
            resume=resume,
            tell=partial(console.print, markup=False),  # names may hold square brackets
            track=partial(progress.track, description="predicting"),
        )


def is_model(path: PathLike) -> bool:
    """Whether a path is a run folder, a bundled model or an exported one, rather than an image."""
    from areoseg.inference.exported import LOADERS

    path = Path(path)
    if path.suffix.lower() == ".xml" and path.is_file():  # a graph of OpenVINO, or a label of PDS4
        with path.open("rb") as file:
            return b"<net " in file.read(1024)
    return is_run(path) or (path.suffix.lower() in LOADERS and not path.is_dir())


def default_model() -> Path:
    """The folder of the model that predicts where none is named.

    Raises:
        AreosegError: It is not bundled.
    """
    if weights.DEFAULT in weights.bundled_names():
        return weights.FOLDER / weights.DEFAULT
    raise AreosegError(
        "no run folder or exported model before the images, and no model is bundled yet: name one,"
        " such as `areoseg predict runs/first photos/ --out masks`"
    )


def submit(
    models: PathLike | Sequence[PathLike],
    data: PathLike,
    out: PathLike,
    *,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Segment the unlabeled images of a data set into the homework's CSV.

    A row has the pixels of the image as it is. Models see it scaled as the data of the first were.

    Args:
        models: A run folder, the name of a bundled model, or an exported file; the probabilities
            of several are averaged.
        data: An npz file with a `test_set`.
        out: The CSV file to write.
        device: `cpu`, `cuda` or `auto`.
        threads: Cores to compute on; None: all.
        console: Where to show the progress; None: standard error.

    Returns:
        The number of rows.

    Raises:
        AreosegError: A model cannot be used, there are no unlabeled images, or the file cannot be
            written.
    """
    from areoseg.inference import Predictor
    from areoseg.inference.ahead import ahead
    from areoseg.inference.submission import write_submission
    from areoseg.utils.device import use_threads

    use_threads(threads)
    console = console or standard_error()
    models = [models] if isinstance(models, str | Path) else list(models)
    predictor = Predictor.load(
        *models, device=device, accelerate=True, scale=_scale_of_training(models)
    )
    images = read_with_progress(Source(path=str(data)), console).unlabeled.images
    if not len(images):
        raise AreosegError(f"{data}: no unlabeled images to submit: it needs a test_set")
    with progress_bar(console) as progress:
        made = ahead(predictor.masks(images), max(1, PIXELS_AHEAD // images[0].size))
        masks = progress.track(made, total=len(images), description="predicting")
        return write_submission(Path(out), masks)


def _scale_of_training(models: Sequence[PathLike]) -> float:
    """What the images of its data were multiplied by before the first model was trained on them."""
    return open_model_under_test(models[0]).recipe.data.scale if models else 1.0
