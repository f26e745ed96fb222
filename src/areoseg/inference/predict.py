"""Predict images to files: masks, overlays, tables and other outputs."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from areoseg.errors import AreosegError, plural
from areoseg.inference.folder import Predictions, predict_to_folder
from areoseg.inference.ignore_masks import own_masks
from areoseg.inference.listing import find_inputs, with_mission_masks
from areoseg.inference.load import load, model_paths, note_unfinished
from areoseg.inference.parallel.blocks import BlockFolder, Part
from areoseg.inference.parallel.job import Job
from areoseg.inference.parallel.predict import Request, choose_run, predict_in_blocks
from areoseg.inference.resampling import ScaleOption
from areoseg.inference.settings import describe, keep_settings
from areoseg.inference.writers import DEFAULT_OUTPUTS, checked_outputs
from areoseg.runs.lock import locked
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike
from areoseg.utils.storage import is_url, open_folder, shown_path


def predict(
    inputs: PathLike | Sequence[PathLike],
    out: PathLike,
    *,
    model: ModelPath | Sequence[ModelPath] | None = None,
    outputs: Sequence[str] = DEFAULT_OUTPUTS,
    tta_flip: bool = False,
    tta_scales: Sequence[float] = (1.0,),
    scale: ScaleOption = "auto",
    camera: str | None = None,
    background: bool = True,
    background_threshold: float | None = None,
    ignore_mask: PathLike | None = None,
    resume: bool = False,
    workers: int | None = None,
    part: str | None = None,
    accelerate: bool = True,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> Predictions:
    """Segment images and write masks, overlays and other outputs to folders below `out`.

    Images that cannot be read or segmented are listed in `out/errors.csv` and do not stop the
    others. To segment images in memory, use `areoseg.load`.

    Args:
        inputs: Image files, planetary files, folders of them, npz files, glob patterns, or URLs of
            images and folders, such as `s3://bucket/photos`.
        out: The folder to write to, or its URL in an object store.
        model: A run folder, the name of a bundled model or an exported file, or several of these,
            whose probabilities are averaged; None: the bundled model `flagship-256`.
        outputs: Names in `areoseg.inference.writers.OUTPUT_NAMES`.
        tta_flip: Whether to average with the prediction for the mirrored image.
        tta_scales: Scales of each image over which predictions are averaged.
        scale: Factor by which the sides of an image are multiplied before prediction; `"auto"`:
            bring each image to the training scale of the model; see `choose_scale`.
        camera: Camera of all images, a name in `areoseg.data.missions.cameras.CAMERAS`; None: the
            scale of each image is assumed from its size.
        background: Whether pixels may be background. False: every pixel has a terrain class.
        background_threshold: The probability above which a pixel is background; None: that of the
            model. Only for models with a background gate.
        ignore_mask: A mask, or a folder of masks with the names of their images, whose nonzero
            pixels are background. None: the rover and range masks (MXY, RNG) beside Navcam frames,
            if there are any, unless `background` is False.
        resume: Whether to skip images whose outputs an earlier call wrote.
        workers: Number of processes on this machine that share the images; None: this process.
        part: Predict only this part of the images, such as `3/16`; afterwards `gather` joins the
            parts. Parts may run at the same time, on any machines that share the folders.
        accelerate: Whether a long job on the CPU may switch to OpenVINO, whose rounding differs.
            Workers and parts never switch, so that an image has the same result whoever
            segments it: exactly that of one process with `accelerate=False`.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads of each process; None: all cores, shared among the workers.
        console: Console for progress and failures; None: standard error.

    Returns:
        The written paths, and the numbers of images that were done, skipped and failed.

    Raises:
        AreosegError: A model cannot be used, there are no images, or the folder cannot be written
            or has predictions with other models or options, or of another image of the same name,
            or an unfinished prediction by workers or parts.

    Examples:
        >>> areoseg.predict("photos/", "predictions")  # doctest: +SKIP
        Predictions('predictions', done=12, skipped=0, failed=0, 25 files)
    """
    chosen_part = None if part is None else Part.parse(part)
    remote = is_url(out)
    in_blocks = remote or workers is not None or part is not None
    if threads is None and workers is not None:
        threads = max(1, use_threads(None) // max(1, workers))
    use_threads(threads)
    console = console or standard_error()
    out = shown_path(out)
    if not in_blocks and BlockFolder(open_folder(out)).exists():
        raise AreosegError(
            f"{out}: this folder has an unfinished prediction by workers or parts: finish it with"
            " --resume or `areoseg gather`, or choose another --out"
        )
    outputs = checked_outputs(outputs)
    models = model_paths(model)
    found = find_inputs(_paths(inputs), out=None if remote else out)
    if ignore_mask is not None:
        own = Path(ignore_mask)
        found = [replace(each, ignore_masks=own_masks(own, each.path)) for each in found]
    elif background:
        found = with_mission_masks(found)
    if masked := sum(bool(each.ignore_masks) for each in found):
        kind = "rover and range masks" if ignore_mask is None else str(ignore_mask)
        console.print(
            f"note: {kind} mark background in {masked} of {plural(len(found), 'image')}",
            markup=False,
        )
    elif ignore_mask is not None:
        raise AreosegError(f"{ignore_mask}: no mask has the name of an image: check --ignore-mask")
    loading: dict[str, Any] = {
        "device": device,
        "accelerate": accelerate and not in_blocks,
        "tta_flip": tta_flip,
        "tta_scales": tta_scales,
        "scale": scale,
        "camera": camera,
        "background": background,
        "background_threshold": background_threshold,
    }
    predictor = load(models, **loading)
    options = {
        "tta_flip": tta_flip,
        "tta_scales": list(tta_scales),
        "scale": scale,
        "camera": camera,
        "background": background,
        "background_threshold": predictor.background_threshold,
        "ignore_mask": None if ignore_mask is None else str(ignore_mask),
    }
    note_unfinished(models, console)
    if background and not any(engine.predicts_background for engine in predictor.engines):
        console.print(
            "note: this model cannot predict background: sky, rover and distant terrain get terrain"
            " classes; --ignore-mask excludes them"
        )
    settings = describe(models, options)
    log = partial(console.print, markup=False)  # names may contain square brackets
    if in_blocks:
        job = Job(tuple(models), loading, out, outputs, threads)
        request = Request(job, found, settings, chosen_part, resume)
        run = choose_run(predictor, workers=workers, resume=resume)
        with progress_bar(console) as progress:
            images = len(found) // (1 if chosen_part is None else chosen_part.count)
            advance = partial(progress.advance, progress.add_task("predicting", total=images))
            return predict_in_blocks(request, predictor, run, log=log, advance=advance)
    with locked(out, "predicting"), progress_bar(console) as progress:
        keep_settings(settings, out)
        return predict_to_folder(
            predictor,
            found,
            out,
            outputs=outputs,
            appearance=predictor.appearance,
            resume=resume,
            log=log,
            track=partial(progress.track, description="predicting"),
        )


def _paths(inputs: PathLike | Sequence[PathLike]) -> list[PathLike]:
    paths = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    if not paths:
        raise AreosegError("no images to predict: name files or folders")
    for path in paths:
        if not isinstance(path, str | Path):
            raise AreosegError(
                f"cannot write predictions of a {type(path).__name__}: give paths, or call the"
                " model with images in memory: areoseg.load()(image)"
            )
    return paths
