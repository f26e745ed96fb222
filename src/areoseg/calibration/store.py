"""Calibrating a run: its weights are rewritten, and `run.json` says what was found."""

from safetensors.torch import load_file
from torch import tensor

from areoseg.calibration.calibrate import calibrate
from areoseg.calibration.pixels import labelled_pixels
from areoseg.data.scenes import SceneSet
from areoseg.device import choose_device, precision_of_training
from areoseg.files import write_json
from areoseg.models.segmenter import NEVER
from areoseg.run import FACTS, WEIGHTS, Run, write_weights


def calibrate_run(run: Run, scenes: SceneSet, *, device: str = "cpu") -> Run:
    """Fit temperature and offsets of a run, and store them with its weights.

    An earlier calibration is taken back first, so that calibrating again gives the same.

    Args:
        run: A run with weights; its folder is changed.
        scenes: Its validation part.
        device: `cpu`, `cuda` or `auto`.

    Returns:
        The run with the fact `calibration`; see `Calibration.to_json`.

    Raises:
        AreosegError: There are too few scenes, or the folder cannot be written.
    """
    where = choose_device(device)
    segmenter = run.segmenter()
    segmenter.uncalibrate()
    never = segmenter.never
    pixels = labelled_pixels(
        segmenter,
        scenes,
        run.taxonomy,
        device=where,
        precision=precision_of_training(run.facts["precision"], where),
    )
    found = calibrate(pixels, run.taxonomy, protocol=run.recipe.protocol)

    weights = load_file(run.path / WEIGHTS)
    offsets = tensor(found.offsets, dtype=weights["offsets"].dtype)
    offsets[never] = NEVER
    weights["temperature"] = tensor(found.temperature)
    weights["offsets"] = offsets
    write_weights(run.path / WEIGHTS, weights)
    facts = {**run.facts, "calibration": found.to_json(run.taxonomy)}
    write_json(run.path / FACTS, facts)
    return Run(run.path, run.recipe, facts)
