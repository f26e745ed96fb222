"""Load a model to segment images in Python."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from rich.console import Console

from areoseg.errors import AreosegError, did_you_mean
from areoseg.inference.engines.factory import default_model, open_engine
from areoseg.inference.image_warnings import model_appearance
from areoseg.inference.predictor import DEFAULT_BATCH_SIZE, Predictor
from areoseg.runs.run import is_run, open_run
from areoseg.utils.device import choose_device
from areoseg.utils.files import ModelPath, path_list


def load(
    model: ModelPath | Sequence[ModelPath] | None = None,
    *,
    device: str = "cpu",
    precision: str = "trained",
    accelerate: bool = True,
    batch_size: int | None = None,
    **options: Any,
) -> Predictor:
    """Load a model to segment images in Python.

    Args:
        model: A run folder, the name of a bundled model, an exported file, or a list of these,
            whose probabilities are averaged; None: the bundled model `flagship-256`.
        device: `cpu`, `cuda` or `auto`.
        precision: Precision of a run: `float32`, `bfloat16`, `auto` for the faster of the two, or
            `trained` for that of its training, which makes scores reproducible.
        accelerate: Whether a run on the CPU may switch to OpenVINO in a long job, if OpenVINO is
            installed. Outputs then differ by rounding only.
        batch_size: See `Predictor`; None: 32 on the CPU, 256 on a GPU.
        options: `tta_flip`, `tta_scales`, `scale`, `camera`, `tile`, `overlap`, `background` and
            `background_threshold` of `Predictor`.

    Returns:
        A predictor; calling it with an image gives a `Result`.

    Raises:
        AreosegError: A path is not a model, a model cannot be loaded here, the models have
            different classes, or an option is unknown or out of range.

    Examples:
        >>> model = areoseg.load("flagship-256")  # doctest: +SKIP
        >>> result = model("photo.jpg")  # doctest: +SKIP
        >>> for result in model("photos/", stream=True):  # doctest: +SKIP
        ...     result.save("predictions")
    """
    _check_options(options)
    paths = model_paths(model)
    engines = [
        open_engine(path, device=device, precision=precision, accelerate=accelerate)
        for path in paths
    ]
    for path, engine in zip(paths, engines, strict=True):
        if engine.taxonomy.identity != engines[0].taxonomy.identity:
            raise AreosegError(
                f"{path} predicts {', '.join(engine.taxonomy.names)}, but {paths[0]} predicts"
                f" {', '.join(engines[0].taxonomy.names)}: average models with the same classes"
            )
    if batch_size is None:
        batch_size = DEFAULT_BATCH_SIZE["cpu" if choose_device(device).type == "cpu" else "cuda"]
    return Predictor(
        engines,
        batch_size=batch_size,
        appearance=model_appearance(paths[0], engines[0]) if paths else None,
        **options,
    )


def model_paths(model: ModelPath | Sequence[ModelPath] | None) -> list[str]:
    """Return the paths of one or several models; None stands for the bundled default model."""
    if model is None:
        return [str(default_model())]
    return path_list(model)


def _check_options(options: Mapping[str, Any]) -> None:
    """Check the names of the options of a predictor."""
    names = signature(load).parameters.keys() | signature(Predictor).parameters.keys()
    known = sorted(names - {"model", "engines", "appearance", "options"})
    for name in options:
        if name not in known:
            raise AreosegError(f"areoseg.load has no option {name!r}: {did_you_mean(name, known)}")


def note_unfinished(models: Sequence[str], console: Console) -> None:
    """Print a note about each run whose training is not finished.

    Args:
        models: The paths of the models.
        console: Where to print.
    """
    for path in models:
        if is_run(Path(path)) and (run := open_run(path)).info.status != "finished":
            console.print(
                f"note: {path}: this run is not finished: {run.info.status}", markup=False
            )
