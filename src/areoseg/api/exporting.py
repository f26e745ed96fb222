"""Exporting runs."""

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from rich.console import Console

from areoseg.api.reading import find_source
from areoseg.data.load import SYNTHETIC
from areoseg.data.load import Source
from areoseg.data.load import read_with_progress
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.evaluation.score import select_split
from areoseg.runs.own_data import own_data
from areoseg.runs.run import RECIPE
from areoseg.runs.run import SCORES
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.files import read_json
from areoseg.version import __version__

if TYPE_CHECKING:
    from areoseg.export import Parity
    from areoseg.inference.description import Description

MOST_COMPARED = 500
"""Samples on which an export is compared with its network."""

MOST_CALIBRATING = 128
"""Samples on which an 8-bit export is calibrated."""


@dataclass(frozen=True)
class Exported:
    """A file that was exported.

    Attributes:
        path: The file.
        parity: How near it is to the network.
        samples: On what they were compared, for people.
    """

    path: Path
    parity: "Parity"
    samples: str


def export(
    run: PathLike,
    to: str,
    out: PathLike,
    *,
    data: PathLike | None = None,
    threads: int | None = None,
    console: Console | None = None,
) -> Exported:
    """Write a run as a file for other programs, once it proves to answer as the run does.

    Args:
        run: The run folder.
        to: `onnx`, `openvino`, `openvino-int8` or `torch-export`.
        out: The file to write.
        data: Labeled samples to compare on, as for `read`; None: the run's own validation part, or
            synthetic samples where its data are gone.
        threads: Cores to compute on; None: all.
        console: Where to show progress and warnings; None: standard error.

    Raises:
        AreosegError: The run, the format or the data cannot be used, a package is missing, the
            file cannot be written, or it would be too far off.
    """
    from areoseg.export import export_format
    from areoseg.export import write_checked
    from areoseg.export.parity import eight_bit_tiles
    from areoseg.utils.device import use_threads

    use_threads(threads)
    opened, chosen = open_run(run), export_format(to)
    calibrating, compared, where = samples_to_compare(opened, data, console or standard_error())
    segmenter = opened.segmenter()
    size_divisor = int(getattr(segmenter.network, "size_divisor", 1))
    tiles = eight_bit_tiles(calibrating, size_divisor) if chosen.calibrates else []
    parity = write_checked(
        chosen,
        segmenter,
        describe(opened, size_divisor=size_divisor),
        Path(out),
        samples=compared,
        calibration=tiles,
    )
    return Exported(Path(out), parity, where)


def describe(run: Run, *, size_divisor: int) -> "Description":
    """What a file exported from a run says of itself."""
    from areoseg.export.bundle import LICENSE
    from areoseg.inference.description import Description
    from areoseg.inference.scale import trained_scale

    return Description(
        areoseg=__version__,
        taxonomy=run.taxonomy,
        size_divisor=size_divisor,
        scale=trained_scale(run),
        recipe=(run.path / RECIPE).read_text(encoding="utf-8"),
        score=_score(run),
        license=LICENSE,
        weights_sha256=run.weights_sha256,
        data_fingerprint=run.info.data.fingerprint,
    )


def _score(run: Run) -> dict[str, Any] | None:
    """The run's score on its test part, or on its validation part for want of one."""
    if not (run.path / SCORES).is_file():
        return None
    scores = read_json(run.path / SCORES)
    for part in ("test", "val"):
        found = scores.get(part)
        if found:
            return {
                "value": found["score"],
                "protocol": found["protocol"],
                "part": part,
                "images": found["images"],
            }
    return None


def samples_to_compare(
    run: Run, data: PathLike | None, console: Console
) -> tuple[SegmentationDataset, SegmentationDataset, str]:
    """Samples to calibrate on and samples to compare on, and what they are, for people."""
    if data is None:
        try:
            labeled = own_data(run, None, None, console).labeled
        except AreosegError as error:
            console.print(f"note: synthetic samples instead of the run's own: {error}")
            calibrating, compared, where = _halves(run, SYNTHETIC, console)
        else:
            calibrating, compared = (select_split(labeled, run, part) for part in ("train", "val"))
            where = "validation samples of the run"
    else:
        calibrating, compared, where = _halves(run, data, console)
    if not (len(calibrating) and len(compared)):
        raise AreosegError(
            f"{data or run.path}: too few labeled samples to compare on: give --data"
        )
    compared = _spread(compared, MOST_COMPARED)
    return _spread(calibrating, MOST_CALIBRATING), compared, f"{len(compared)} {where}"


def _halves(
    run: Run, data: PathLike, console: Console
) -> tuple[SegmentationDataset, SegmentationDataset, str]:
    source = Source(path=SYNTHETIC)
    if str(data) != SYNTHETIC:
        own = run.source
        source = replace(find_source(data, None, "auto", console), tile=own.tile, scale=own.scale)
    labeled = read_with_progress(source, console).labeled
    even, odd = range(0, len(labeled), 2), range(1, len(labeled), 2)
    return labeled.select(even), labeled.select(odd), f"samples of {data}"


def _spread(samples: SegmentationDataset, most: int) -> SegmentationDataset:
    """At most `most` samples, spread evenly over all."""
    count = min(most, len(samples))
    return samples.select([index * len(samples) // count for index in range(count)])
