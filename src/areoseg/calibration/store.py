"""Calibrating a run: its weights are rewritten, and `run.json` says what was found."""

from safetensors.torch import load_file
from torch import tensor

from areoseg.calibration.calibrate import calibrate
from areoseg.calibration.pixels import labeled_pixels
from areoseg.data.samples import SegmentationDataset
from areoseg.models.segmenter import MASKED_LOGIT
from areoseg.runs.run import RUN_INFO
from areoseg.runs.run import WEIGHTS
from areoseg.runs.run import Run
from areoseg.runs.run import write_weights
from areoseg.utils.device import choose_device
from areoseg.utils.device import precision_of_training


def calibrate_run(run: Run, samples: SegmentationDataset, *, device: str = "cpu") -> Run:
    """Fit temperature and offsets of a run, and store them with its weights.

    An earlier calibration is taken back first, so that calibrating again gives the same.

    Args:
        run: A run with weights; its folder is changed.
        samples: Its validation part.
        device: `cpu`, `cuda` or `auto`.

    Returns:
        The run with the fact `calibration`; see `CalibrationInfo`.

    Raises:
        AreosegError: There are too few samples, or the folder cannot be written.
    """
    where = choose_device(device)
    segmenter = run.segmenter()
    segmenter.uncalibrate()
    never = segmenter.masked_classes
    pixels = labeled_pixels(
        segmenter,
        samples,
        run.taxonomy,
        device=where,
        precision=precision_of_training(run.info.precision, where),
    )
    found = calibrate(pixels, run.taxonomy, protocol=run.recipe.protocol)

    weights = load_file(run.path / WEIGHTS)
    offsets = tensor(found.offsets, dtype=weights["offsets"].dtype)
    offsets[never] = MASKED_LOGIT
    weights["temperature"] = tensor(found.temperature)
    weights["offsets"] = offsets
    write_weights(run.path / WEIGHTS, weights)
    info = run.info.model_copy(update={"calibration": found.info(run.taxonomy)})
    info.write(run.path / RUN_INFO)
    return Run(run.path, run.recipe, info)
