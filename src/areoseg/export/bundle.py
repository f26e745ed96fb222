"""A bundle: a run folder that is fit to be passed on, with weights of 16 bits and a model card."""

import shlex
import shutil
from pathlib import Path
from pathlib import PurePath
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.export.card import model_card
from areoseg.export.parity import Allowance
from areoseg.export.parity import Parity
from areoseg.export.parity import measure_parity
from areoseg.export.write import network_run
from areoseg.runs.info import BundleInfo
from areoseg.runs.info import RunInfo
from areoseg.runs.run import PLAN
from areoseg.runs.run import RECIPE
from areoseg.runs.run import RUN_INFO
from areoseg.runs.run import SCORES
from areoseg.runs.run import SPLIT
from areoseg.runs.run import WEIGHTS
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.runs.run import write_weights
from areoseg.utils.files import write_text
from areoseg.weights import CARD

HALF = Allowance(unequal=2e-3, terrain=1e-3)
"""How far a network with weights of 16 bits may be off."""

LICENSE = "Apache-2.0"

COMMANDS = ("command", "commands")
"""Facts that are command lines; each word may be a path."""


def write_bundle(
    run: Run, out: Path, *, samples: SegmentationDataset, where: str, credit: str | None
) -> Parity:
    """Write a bundle of a run, compare the two networks, and keep it if they are near enough.

    Files keep their names, so that the bundle is a run; of paths in `run.json` only the last part
    is left.

    Args:
        run: A run with weights.
        out: The folder to make; it must be empty or absent.
        samples: Labeled samples to compare on.
        where: What they are, for people.
        credit: Who made the training data and what allows their use, for the card.

    Returns:
        The comparison.

    Raises:
        AreosegError: The folder is taken or cannot be written, or the bundle is too far off; then
            nothing is left.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise AreosegError(f"{out}: there is something here already: choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
            beside = Path(folder) / out.name
            parity = _write(run, beside, samples, where, credit)
            beside.replace(out)
    except OSError as error:
        raise AreosegError(
            f"{out}: cannot write this folder: {one_line(error)}; choose another place"
        ) from None
    return parity


def _write(
    run: Run, out: Path, samples: SegmentationDataset, where: str, credit: str | None
) -> Parity:
    write_weights(out / WEIGHTS, half(load_file(run.path / WEIGHTS)))
    for name in (RECIPE, SPLIT, PLAN, SCORES):
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, out / name)
    info = without_folders(run.info)
    info.write(out / RUN_INFO)
    segmenter = run.segmenter()
    parity = measure_parity(
        network_run(segmenter),
        network_run(open_run(out).segmenter()),
        samples,
        run.taxonomy,
        size_divisor=int(getattr(segmenter.network, "size_divisor", 1)),
    )
    if not parity.within(HALF):
        raise AreosegError(f"weights of 16 bits are too far off, so nothing is written: {parity}")
    bundle = BundleInfo(
        license=LICENSE,
        credit=credit,
        compared_on=where,
        weights_sha256=run.weights_sha256,
        max_probability_difference=parity.probability,
        equal_pixels=parity.equal,
        terrain=parity.terrain,
        terrain_of_run=parity.terrain_of_run,
        images=parity.images,
    )
    info.model_copy(update={"bundle": bundle}).write(out / RUN_INFO)
    write_text(out / CARD, model_card(open_run(out)))
    return parity


def half(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights at 16 bits.

    Vectors and single numbers stay as they are: they are few, and the variances and counts of a
    normalization may lie beyond the range of 16 bits.
    """
    return {
        name: tensor.to(torch.float16) if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in weights.items()
    }


def without_folders(info: RunInfo) -> RunInfo:
    """The info of a run with only the last part of each path in it."""
    values = info.model_dump(exclude_unset=True)
    values["data"]["working_directory"] = None
    return RunInfo.model_validate(_shortened(values))


def _shortened(value: Any, name: str = "") -> Any:
    """A value of the info, or what is in it; `name` is that of the fact that it belongs to."""
    if isinstance(value, dict):
        return {
            key: each if key == "previously_trained_on" else _shortened(each, key)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_shortened(each, name) for each in value]
    if isinstance(value, str) and name in COMMANDS:
        return shlex.join(_shortened(word) for word in shlex.split(value))
    if isinstance(value, str) and "/" in value:
        option, equals, path = value.rpartition("=")
        return option + equals + PurePath(path).name
    return value
