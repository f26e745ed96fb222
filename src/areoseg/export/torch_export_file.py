"""Writing the files of `torch.export`."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.export import Dim

from areoseg.export.example import example_images
from areoseg.inference.description import KEY
from areoseg.inference.description import Description
from areoseg.inference.exported import Answer
from areoseg.models.segmenter import ExportGraph
from areoseg.models.segmenter import Segmenter
from areoseg.utils.images import Mask

LARGEST_BATCH = 1 << 16
MOST_STRIDES = 1 << 12


def write_torch_export(
    segmenter: Segmenter,
    description: Description,
    path: Path,
    calibration: Sequence[NDArray[np.uint8]],
) -> None:
    """Write a segmenter by `torch.export`: any batch, edges of any multiple of the size_divisor.

    Args:
        segmenter: In evaluation mode.
        description: What the file says of itself, in it as `areoseg.json`.
        path: The `.pt2` file.
        calibration: Not used.
    """
    rows, columns = (Dim(edge, min=1, max=MOST_STRIDES) for edge in ("rows", "columns"))
    sizes = {
        0: Dim("batch", min=1, max=LARGEST_BATCH),
        2: description.size_divisor * rows,
        3: description.size_divisor * columns,
    }
    graph = ExportGraph(segmenter, pads=False).eval()
    program = torch.export.export(
        graph, (example_images(description.size_divisor),), dynamic_shapes=(sizes,)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of weights on other devices
        torch.export.save(program, path, extra_files={f"{KEY}.json": description.to_json()})


def open_own_file(path: Path) -> Answer:
    """Load a file that this process has just written: never one from elsewhere, see `exported`."""
    program = torch.export.load(path).module()

    @torch.inference_mode()
    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        mask, probabilities = program(torch.from_numpy(images))
        return mask.numpy(), probabilities.numpy()

    return run
