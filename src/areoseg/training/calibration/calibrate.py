"""Calibration of finished runs, and of models in memory."""

import torch
from rich.console import Console

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.evaluation.score import select_split
from areoseg.models.segmenter import MASKED_LOGIT, Segmenter
from areoseg.runs.info import BackgroundInfo, CalibrationInfo
from areoseg.runs.own_data import own_data
from areoseg.runs.run import RESUME, RUN_INFO, WEIGHTS, Run, open_run, write_weights
from areoseg.taxonomy import Taxonomy
from areoseg.training.calibration.classes import fit_calibration
from areoseg.training.calibration.gate import fit_gate
from areoseg.training.calibration.outputs import held_out_outputs
from areoseg.training.finish import finish_run
from areoseg.utils.console import standard_error
from areoseg.utils.device import Precision, choose_device, precision_of_training, use_threads
from areoseg.utils.files import ModelPath, PathLike


def calibrate(
    run: ModelPath,
    *,
    data: PathLike | None = None,
    groups: PathLike | None = None,
    device: str = "cpu",
    threads: int | None = None,
    console: Console | None = None,
) -> Run:
    """Fit temperature and class offsets of a run to its validation split, and store them.

    Scores and report are rewritten. An earlier calibration is discarded first.

    Args:
        run: The run folder, which is modified.
        data: The current path of its data; None: the path stored in the run.
        groups: The current path of its groups file; None: the path stored in the run.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The run; its `info.calibration` describes the result.

    Raises:
        AreosegError: The run is not finished, or a bundle, or its data have changed.

    Examples:
        >>> areoseg.calibrate("runs/first").info.calibration.temperature  # doctest: +SKIP
        1.21
    """
    use_threads(threads)
    console = console or standard_error()
    opened = open_run(run)
    if (opened.path / RESUME).exists():
        raise AreosegError(
            f"cannot calibrate {run}: its training is not finished; continue it with"
            f" `areoseg train --resume {run}`"
        )
    if opened.is_bundle:
        raise AreosegError(
            f"cannot calibrate {run}: bundles are read-only; calibrate the run that it was made"
            " from"
        )
    labeled = own_data(opened, data, groups, console).labeled
    calibrated = calibrate_run(opened, select_split(labeled, opened, "val"), device=device)
    finish_run(calibrated, labeled, console)
    return calibrated


def calibrate_run(run: Run, samples: SegmentationDataset, *, device: str = "cpu") -> Run:
    """Calibrate a run, and store the result in its weights and its info.

    Args:
        run: A run with weights; its folder is modified.
        samples: Its validation split.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        AreosegError: There are too few samples, or the folder cannot be written.
    """
    where = choose_device(device)
    segmenter = run.segmenter(fold=False)
    results = calibrate_segmenter(
        segmenter,
        samples,
        run.taxonomy,
        protocol=run.recipe.protocol,
        device=where,
        precision=precision_of_training(run.info.precision, where),
    )
    write_weights(run.path / WEIGHTS, segmenter.state_dict())
    info = run.info.model_copy(update=results)
    info.write(run.path / RUN_INFO)
    return Run(run.path, run.recipe, info)


def calibrate_segmenter(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    classes: bool = True,
    protocol: str = "terrain",
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> dict[str, CalibrationInfo | BackgroundInfo]:
    """Fit temperature, class offsets and background gate of a model in memory, and set them.

    An earlier calibration is discarded first, so calibrating twice gives the same result.

    Args:
        segmenter: The model; its buffers are modified.
        samples: Labeled samples that it was not trained on; their sizes may differ.
        taxonomy: The classes.
        classes: Whether to fit temperature and class offsets; False: only the background gate.
        protocol: The score that the offsets maximize, a name in `PROTOCOLS`.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.

    Returns:
        The fields of `RunInfo` to update: `calibration`, and `background` with a background gate.

    Raises:
        AreosegError: The samples have fewer than two groups, or no terrain.

    Examples:
        >>> found = calibrate_segmenter(model, validation, MARS)  # doctest: +SKIP
        >>> found["calibration"].temperature  # doctest: +SKIP
        1.21
    """
    if classes:
        segmenter.uncalibrate()
    if segmenter.gated_class is not None:
        segmenter.uncalibrate_gate()
    outputs = held_out_outputs(segmenter, samples, taxonomy, device=device, precision=precision)
    results: dict[str, CalibrationInfo | BackgroundInfo] = {}
    if classes:
        found = fit_calibration(outputs.pixels, taxonomy, protocol=protocol)
        masked = segmenter.masked_classes
        segmenter.temperature.fill_(found.temperature)
        segmenter.offsets.copy_(torch.tensor(found.offsets)).masked_fill_(masked, MASKED_LOGIT)
        results["calibration"] = found.info(taxonomy)
    if outputs.odds is not None:
        results["background"] = fit_gate(segmenter, outputs.odds)
    return results
