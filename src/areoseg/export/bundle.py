"""Bundles: small run folders for distribution, with float16 weights and a model card."""

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.export.bundled_int8 import GRAPH, record_int8
from areoseg.export.card import model_card
from areoseg.export.export import (
    LICENSE,
    comparison_samples,
    export_format,
    export_metadata,
    write_checked,
)
from areoseg.export.parity import (
    Allowance,
    Parity,
    eight_bit_tiles,
    measure_parity,
    network_answer,
)
from areoseg.recipes import write_recipe
from areoseg.runs.info import BundleInfo, RunInfo
from areoseg.runs.run import (
    APPEARANCE,
    PLAN,
    RECIPE,
    RESUME,
    RUN_INFO,
    SCORES,
    SPLIT,
    WEIGHTS,
    Run,
    is_run,
    open_run,
    write_weights,
)
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike, creating_folder, write_text
from areoseg.weights import CARD

HALF = Allowance(unequal=2e-3, terrain=1e-3)
"""Allowed difference between a network with float16 weights and its run."""

COMMANDS = ("command", "commands")
"""Fields of `run.json` that are command lines; each word may be a path."""


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written.

    Attributes:
        path: The folder.
        parity: The comparison of its network with the run's.
        samples: Description of the samples of the comparison.
        size: Total size of its files in bytes.
    """

    path: Path
    parity: Parity
    samples: str
    size: int


def bundle(
    run: ModelPath,
    out: PathLike,
    *,
    data: PathLike | None = None,
    credit: str | None = None,
    int8: bool = False,
    threads: int | None = None,
    console: Console | None = None,
) -> Bundle:
    """Create a small run folder for distribution, with float16 weights and a model card.

    Args:
        run: The run folder.
        out: The folder to create; its name becomes the name of the model.
        data: Labeled samples for the comparison, as for `export`.
        credit: Authors and license of the training data, for the card.
        int8: Whether to add the network in 8 bits, so that `export` can copy it without data.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Raises:
        AreosegError: The run is not finished or is a bundle, the data cannot be used, the folder
            exists or cannot be written, or the bundle differs too much from the run.

    Examples:
        >>> areoseg.bundle("runs/first", "mars-64", credit="AI4Mars, CC0-1.0")  # doctest: +SKIP
    """
    use_threads(threads)
    opened = open_run(run)
    if (opened.path / RESUME).exists():
        raise AreosegError(
            f"{run}: this training is not finished: continue it with `areoseg train --resume {run}`"
        )
    if opened.is_bundle:
        raise AreosegError(f"{run}: this is already a bundle: copy its folder")
    console = console or standard_error()
    if (made := _already_made(opened, Path(out), credit, int8)) is not None:
        console.print(f"note: {out} is this bundle already")
        return made
    calibration, samples, description = comparison_samples(opened, data, console)
    parity = write_bundle(
        opened,
        Path(out),
        samples=samples,
        description=description,
        credit=credit,
        calibration=calibration if int8 else None,
    )
    return _summary(Path(out), parity, description)


def _already_made(run: Run, out: Path, credit: str | None, int8: bool) -> Bundle | None:
    """Return the same bundle if it is in `out`, as after a process that was killed at its end."""
    info = open_run(out).info.bundle if (out / CARD).is_file() and is_run(out) else None
    if info is None or info.weights_sha256 != run.weights_sha256 or info.credit != credit:
        return None
    if int8 != (out / GRAPH).is_file():
        return None
    parity = Parity(
        probability=info.max_probability_difference,
        equal=info.equal_pixels,
        terrain=info.terrain,
        terrain_of_run=info.terrain_of_run,
        images=info.images,
    )
    return _summary(out, parity, info.compared_on)


def _summary(path: Path, parity: Parity, samples: str) -> Bundle:
    return Bundle(path, parity, samples, sum(file.stat().st_size for file in path.iterdir()))


def write_bundle(
    run: Run,
    out: Path,
    *,
    samples: SegmentationDataset,
    description: str,
    credit: str | None,
    calibration: SegmentationDataset | None = None,
) -> Parity:
    """Write a bundle of a run, compare the two networks, and keep it if they are close enough.

    Files keep their names, so the bundle is a run. Paths in `run.json` are reduced to their last
    component.

    Args:
        run: A run with weights.
        out: The folder to create; it must be empty or absent.
        samples: Labeled samples for the comparison.
        description: Description of these samples.
        credit: See `bundle`.
        calibration: Training samples, to add the network in 8 bits; None: do not add it.

    Returns:
        The comparison of the network with float16 weights.

    Raises:
        AreosegError: The folder exists or cannot be written, or the bundle differs too much. In
            this case it is removed.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise AreosegError(f"{out}: this path already exists: choose another --out")
    with creating_folder(out) as beside:
        parity = _write(run, beside, samples, description, credit)
        if calibration is not None:
            add_int8(beside, calibration, samples, description)
    return parity


def _write(
    run: Run, out: Path, samples: SegmentationDataset, description: str, credit: str | None
) -> Parity:
    weights = half(load_file(run.path / WEIGHTS))
    if not all(tensor.isfinite().all() for tensor in weights.values()):
        raise AreosegError(
            f"{out.name}: not written: float16 weights differ too much: some become infinite"
        )
    write_weights(out / WEIGHTS, weights)
    write_recipe(run.recipe, out / RECIPE)
    for name in (SPLIT, PLAN, SCORES, APPEARANCE):
        if (run.path / name).is_file():
            shutil.copyfile(run.path / name, out / name)
    info = without_folders(run.info)
    info.write(out / RUN_INFO)
    segmenter = run.segmenter()
    parity = measure_parity(
        network_answer(segmenter),
        network_answer(open_run(out).segmenter()),
        samples,
        run.taxonomy,
        size_divisor=int(getattr(segmenter.network, "size_divisor", 1)),
    )
    if not parity.within(HALF):
        raise AreosegError(f"{out.name}: not written: float16 weights differ too much: {parity}")
    bundle = BundleInfo(
        license=LICENSE,
        credit=credit,
        compared_on=description,
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


def add_int8(
    path: Path,
    calibration: SegmentationDataset,
    samples: SegmentationDataset,
    description: str,
) -> Parity:
    """Add the network in 8 bits to a bundle.

    Args:
        path: The bundle.
        calibration: Training samples, for the ranges of the features.
        samples: Labeled samples for the comparison.
        description: Description of these samples.

    Returns:
        The comparison with the network of the bundle.

    Raises:
        AreosegError: OpenVINO or NNCF is not installed, or the 8-bit network differs too much.
    """
    run = open_run(path)
    segmenter = run.segmenter()
    metadata = export_metadata(run, segmenter)
    parity = write_checked(
        export_format("openvino-int8"),
        segmenter,
        metadata,
        path / GRAPH,
        samples=samples,
        calibration=eight_bit_tiles(calibration, metadata.size_divisor),
    )
    record_int8(path, run, parity, description)
    return parity


def half(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights in float16.

    Vectors and scalars are unchanged: they are small, and the variances and counts of normalization
    layers may exceed the range of float16.
    """
    return {
        name: tensor.to(torch.float16) if tensor.is_floating_point() and tensor.ndim > 1 else tensor
        for name, tensor in weights.items()
    }


def without_folders(info: RunInfo) -> RunInfo:
    """Return the info of a run with each path reduced to its last component."""
    values = info.model_dump(mode="json", exclude_unset=True)
    values["data"]["working_directory"] = None
    return RunInfo.model_validate(_shortened(values))


def _shortened(value: Any, name: str = "") -> Any:
    """Shorten the paths in a value of the field `name`."""
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
