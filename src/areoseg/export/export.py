"""Export a run as an ONNX or OpenVINO file that is checked against its network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from areoseg import __version__
from areoseg.data.load import SYNTHETIC, Source, find_source, read_with_progress
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.evaluation.score import select_split
from areoseg.export.bundled_int8 import copy_int8, find_bundled_int8
from areoseg.export.onnx_file import write_onnx
from areoseg.export.openvino_file import write_openvino, write_openvino_int8
from areoseg.export.parity import Allowance, Parity, eight_bit_tiles, measure_parity, network_answer
from areoseg.inference.engines.exported import (
    ExportedEngine,
    ExportMetadata,
    open_onnx,
    open_openvino,
)
from areoseg.inference.resampling import resizing_rule, trained_scale
from areoseg.models.segmenter import Segmenter
from areoseg.runs.own_data import own_data, own_source
from areoseg.runs.run import APPEARANCE, RECIPE, SCORES, Run, open_run
from areoseg.utils.console import standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import ModelPath, PathLike, read_json_object, replacing_several

LICENSE = "Apache-2.0"
"""License of the weights of exports and bundles."""

MAX_COMPARED = 500
"""Number of samples for comparing an export with its network."""

MAX_CALIBRATION = 128
"""Number of samples for calibrating an 8-bit export."""

FLOAT = Allowance(probability=1e-3, unequal=1e-3)
INT8 = Allowance(terrain=0.01)

Write = Callable[[Segmenter, ExportMetadata, Path, Sequence[NDArray[np.uint8]]], None]
"""Writes a segmenter to a path; receives 8-bit training images (H, W) for calibration."""


@dataclass(frozen=True)
class ExportFormat:
    """A format of exported files.

    Attributes:
        suffix: Suffix of its files.
        write: Writes a file.
        open: Opens a file.
        allowance: Allowed difference between a file and its network.
        calibrates: Whether `write` needs training images.
    """

    suffix: str
    write: Write
    open: Callable[[Path], ExportedEngine]
    allowance: Allowance
    calibrates: bool = False


FORMATS = {
    "onnx": ExportFormat(".onnx", write_onnx, open_onnx, FLOAT),
    "openvino": ExportFormat(".xml", write_openvino, open_openvino, FLOAT),
    "openvino-int8": ExportFormat(
        ".xml", write_openvino_int8, open_openvino, INT8, calibrates=True
    ),
}
"""The formats by name."""


@dataclass(frozen=True)
class Export:
    """An exported file.

    Attributes:
        path: The file.
        parity: The comparison with the network.
        samples: Description of the samples of the comparison.
    """

    path: Path
    parity: Parity
    samples: str


def export(
    run: ModelPath,
    format: str,
    out: PathLike,
    *,
    data: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Export:
    """Export a run to a file for other programs, and check that their predictions agree.

    Args:
        run: The run folder, or the name of a bundled model.
        format: `onnx`, `openvino` or `openvino-int8`.
        out: The file to write, ending in `.onnx` or `.xml`.
        data: Labeled samples for the comparison, and to calibrate 8 bits; None: the run's own
            validation split, or synthetic samples if its data are not available. The 8-bit version
            of a bundled model is copied, with the comparison of the time when it was bundled.
        threads: CPU threads; None: all cores.
        console: Console for progress and warnings; None: standard error.

    Raises:
        AreosegError: The run, the format or the data cannot be used, a package is missing, the file
            cannot be written, or it differs too much from the run.

    Examples:
        >>> areoseg.export("flagship-256", "onnx", "mars.onnx").path  # doctest: +SKIP
        PosixPath('mars.onnx')
    """
    use_threads(threads)
    opened, chosen = open_run(run), export_format(format)
    if chosen.calibrates and data is None and (bundled := find_bundled_int8(opened)):
        copy_int8(bundled, export_metadata(opened, opened.segmenter()), Path(out))
        return Export(Path(out), bundled.parity, f"{bundled.samples}, when it was bundled")
    if chosen.calibrates and data is None:
        _check_own_data(opened)
    calibration, compared, samples = comparison_samples(opened, data, console or standard_error())
    segmenter = opened.segmenter()
    metadata = export_metadata(opened, segmenter)
    tiles = eight_bit_tiles(calibration, metadata.size_divisor) if chosen.calibrates else []
    parity = write_checked(
        chosen, segmenter, metadata, Path(out), samples=compared, calibration=tiles
    )
    return Export(Path(out), parity, samples)


def export_format(name: str) -> ExportFormat:
    """Return the format called `name`.

    Raises:
        AreosegError: There is no such format.
    """
    if name not in FORMATS:
        raise AreosegError(f"no export format {name!r}: {did_you_mean(name, FORMATS)}")
    return FORMATS[name]


def write_checked(
    chosen: ExportFormat,
    segmenter: Segmenter,
    metadata: ExportMetadata,
    out: Path,
    *,
    samples: SegmentationDataset,
    calibration: Sequence[NDArray[np.uint8]] = (),
) -> Parity:
    """Write an exported file, compare it with the network, and keep it if it is close enough.

    Args:
        chosen: The format.
        segmenter: The network in evaluation mode, on the CPU.
        metadata: The metadata of the file.
        out: The file to write; its suffix is the format's.
        samples: Labeled samples for the comparison.
        calibration: 8-bit training images (H, W), for a format that calibrates.

    Returns:
        The comparison.

    Raises:
        AreosegError: A package is missing, the file cannot be written, the network cannot be
            exported, or the export differs too much. In this case no file remains.
    """
    if out.suffix.lower() != chosen.suffix:
        raise AreosegError(f"{out}: a file of this format ends in {chosen.suffix}: rename --out")
    with replacing_several(out) as beside:  # the .bin before its .xml
        _write(chosen, segmenter, metadata, beside, calibration)
        parity = measure_parity(
            network_answer(segmenter),
            chosen.open(beside).run,
            samples,
            metadata.taxonomy,
            size_divisor=metadata.size_divisor,
        )
        if not parity.within(chosen.allowance):
            raise AreosegError(
                f"{out}: not written: this export differs too much: {parity}."
                + (
                    " Give labeled images like those of the training with --data, or export"
                    " in float32"
                    if chosen.calibrates
                    else " Try another format"
                )
            )
    return parity


def _write(
    chosen: ExportFormat,
    segmenter: Segmenter,
    metadata: ExportMetadata,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    try:
        chosen.write(segmenter, metadata, path, calibration)
    except (AreosegError, OSError):
        raise
    except Exception as error:  # exporters raise exceptions of any type
        raise AreosegError(
            f"{path.name}: this network cannot be exported to this format:"
            f" {one_line(error)[:160]}; try another format"
        ) from error


def export_metadata(run: Run, segmenter: Segmenter) -> ExportMetadata:
    """Return the metadata of a file that is exported from a run."""
    return ExportMetadata(
        areoseg=__version__,
        taxonomy=run.taxonomy,
        size_divisor=int(getattr(segmenter.network, "size_divisor", 1)),
        scale=trained_scale(run),
        recipe=(run.path / RECIPE).read_text(encoding="utf-8"),
        score=_score(run),
        license=LICENSE,
        weights_sha256=run.weights_sha256,
        data_fingerprint=run.info.data.fingerprint,
        part_fingerprints=tuple(part.fingerprint for part in run.info.data.parts),
        tile=run.info.model.size,
        background_threshold=segmenter.threshold,
        resize=resizing_rule(trained_scale(run)),
        appearance=_appearance(run),
    )


def _appearance(run: Run) -> dict[str, Any] | None:
    path = run.path / APPEARANCE
    return read_json_object(path) if path.is_file() else None


def _score(run: Run) -> dict[str, Any] | None:
    """Return the run's score on its test split, or on its validation split if it has no other."""
    scores = read_json_object(run.path / SCORES) if (run.path / SCORES).is_file() else {}
    for split in ("test", "val"):
        if found := scores.get(split):
            return {
                "value": found["score"],
                "protocol": found["protocol"],
                "split": split,
                "images": found["images"],
            }
    return None


def _check_own_data(run: Run) -> None:
    """Check that the data of a run are there; synthetic samples do not calibrate a network.

    Raises:
        AreosegError: They are not.
    """
    try:
        own_source(run)
    except AreosegError as error:
        raise AreosegError(
            f"8 bits are calibrated on real images: {error}, or that of other labeled images of the"
            " same kind"
        ) from None


def comparison_samples(
    run: Run, data: PathLike | None, console: Console
) -> tuple[SegmentationDataset, SegmentationDataset, str]:
    """Return samples for calibration, samples for comparison, and a description of the latter.

    Args:
        run: The run.
        data: Labeled samples, half for each use; None: the training and validation splits of the
            run, or synthetic samples if its data are not available.
        console: Console for progress and warnings.

    Raises:
        AreosegError: The data cannot be read, or there are too few samples.
    """
    if data is None:
        try:
            labeled = own_data(run, None, None, console).labeled
        except AreosegError as error:
            console.print(f"note: using synthetic samples instead of the run's own: {error}")
            calibration, compared, description = _halves(run, SYNTHETIC, console)
        else:
            calibration, compared = (select_split(labeled, run, name) for name in ("train", "val"))
            description = "validation samples of the run"
    else:
        calibration, compared, description = _halves(run, data, console)
    if not (len(calibration) and len(compared)):
        raise AreosegError(
            f"{data or run.path}: too few labeled samples for a comparison: give --data"
        )
    compared = _spread(compared, MAX_COMPARED)
    return _spread(calibration, MAX_CALIBRATION), compared, f"{len(compared)} {description}"


def _halves(
    run: Run, data: PathLike, console: Console
) -> tuple[SegmentationDataset, SegmentationDataset, str]:
    source = Source(path=SYNTHETIC)
    if str(data) != SYNTHETIC:
        own = run.source
        source = replace(find_source(data, None, console), tile=own.tile, scale=own.scale)
    labeled = read_with_progress(source, console).labeled
    even, odd = range(0, len(labeled), 2), range(1, len(labeled), 2)
    return labeled.select(even), labeled.select(odd), f"samples of {data}"


def _spread(samples: SegmentationDataset, most: int) -> SegmentationDataset:
    """Return at most `most` evenly spaced samples."""
    count = min(most, len(samples))
    return samples.select([index * len(samples) // count for index in range(count)])
