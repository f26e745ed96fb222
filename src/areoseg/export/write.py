"""Writing an exported file that has proved to answer as the network does."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.export.formats import Format
from areoseg.export.parity import Parity
from areoseg.export.parity import measure_parity
from areoseg.inference.description import Description
from areoseg.inference.exported import Answer
from areoseg.models.segmenter import ExportGraph
from areoseg.models.segmenter import Segmenter
from areoseg.utils.images import Mask


def write_checked(
    chosen: Format,
    segmenter: Segmenter,
    description: Description,
    out: Path,
    *,
    samples: SegmentationDataset,
    calibration: Sequence[NDArray[np.uint8]] = (),
) -> Parity:
    """Write an exported file, compare it with the network, and keep it if it is near enough.

    Args:
        chosen: The format.
        segmenter: The network in evaluation mode, on the CPU.
        description: What the file says of itself.
        out: The file to write; its suffix is the format's.
        samples: Labeled samples to compare on.
        calibration: 8-bit training images, for a format that calibrates.

    Returns:
        The comparison.

    Raises:
        AreosegError: A package is missing, the file cannot be written, the network cannot be
            exported, or the export is too far off; then no file is left.
    """
    if out.suffix.lower() != chosen.suffix:
        raise AreosegError(f"{out}: a file of {chosen.name} ends in {chosen.suffix}: rename --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}.") as folder:
            beside = Path(folder) / out.name
            _write(chosen, segmenter, description, beside, calibration)
            parity = measure_parity(
                network_run(segmenter),
                chosen.load(beside),
                samples,
                description.taxonomy,
                size_divisor=description.size_divisor,
            )
            if not parity.within(chosen.allowance):
                raise AreosegError(f"{out}: not written: this export is too far off: {parity}")
            for file in sorted(Path(folder).iterdir()):  # a .bin before its .xml
                file.replace(out.with_name(file.name))
    except OSError as error:
        raise AreosegError(
            f"{out}: cannot write this file: {one_line(error)}; choose another place"
        ) from None
    return parity


def network_run(segmenter: Segmenter) -> Answer:
    """The network itself as a function of 8-bit images, in float32."""
    graph = ExportGraph(segmenter).eval()

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        mask, probabilities = graph(torch.from_numpy(images))
        return mask.numpy(), probabilities.numpy()

    return run


def _write(
    chosen: Format,
    segmenter: Segmenter,
    description: Description,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    try:
        chosen.write(segmenter, description, path, calibration)
    except (AreosegError, OSError):
        raise
    except Exception as error:  # exporters raise whatever they like
        raise AreosegError(
            f"this network cannot be written as {chosen.name}: {one_line(error)[:160]}; try"
            " another --to"
        ) from error
