"""An engine: one trained model, whatever runs it, as a function from images to probabilities."""

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from areoseg.errors import AreosegError
from areoseg.inference.exported import LOADERS
from areoseg.inference.scale import trained_scale
from areoseg.models.segmenter import Segmenter
from areoseg.runs.run import open_run
from areoseg.taxonomy import Taxonomy
from areoseg.utils.device import Precision
from areoseg.utils.device import choose_device
from areoseg.utils.device import choose_precision
from areoseg.utils.device import precision_of_training


class Engine(Protocol):
    """What the predictor needs of a model.

    Attributes:
        taxonomy: The classes that it answers.
        size_divisor: The edges of the images that it is given are multiples of this many pixels.
        scale: Scale of the images that it was trained on, relative to a full Navcam frame of 1024
            pixels: 0.25 for frames reduced four times. None where nobody knows.
    """

    taxonomy: Taxonomy
    size_divisor: int
    scale: float | None

    def __call__(self, images: Tensor) -> Tensor:
        """Class probabilities (N, C, H, W) of images (N, 1, H, W) in 0..1.

        Both are float32 on the CPU.
        """
        ...


class TorchEngine:
    """Runs a trained network with PyTorch.

    Args:
        segmenter: The network in evaluation mode.
        taxonomy: The classes that it answers.
        scale: As for `Engine`.
        device: Where to compute.
        precision: Arithmetic of the network.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        taxonomy: Taxonomy,
        *,
        scale: float | None = None,
        device: torch.device | None = None,
        precision: Precision = "float32",
    ) -> None:
        self.device = device or torch.device("cpu")
        self.segmenter = segmenter.to(self.device).eval()
        self.taxonomy = taxonomy
        self.scale = scale
        self.size_divisor = int(getattr(segmenter.network, "size_divisor", 1))
        self.precision = precision

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """As for `Engine`."""
        reduced = self.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=reduced):
            logits = self.segmenter(images.to(self.device))
        return functional.softmax(logits.float(), dim=1).cpu()


def open_engine(
    path: str | Path, *, device: str = "cpu", precision: str = "trained", accelerate: bool = False
) -> Engine:
    """The engine of a run folder or bundled model, or of an exported file by its suffix.

    Args:
        path: A run folder, the name of a bundled model, or a file with a suffix of `LOADERS`.
        device: `cpu`, `cuda` or `auto`.
        precision: `float32`, `bfloat16`, `auto` for the faster one of the two, or `trained` for
            that of the training, so that a score is the same each time; an exported file has its
            own.
        accelerate: Let a run on the CPU go over to OpenVINO, where it is installed, in a long job.
            Its answers then are those of PyTorch but for rounding; a score that is to be the same
            each time does without.

    Raises:
        AreosegError: It is no run, no exported model, or cannot be loaded here.
    """
    from areoseg.inference.accelerated import AcceleratedEngine
    from areoseg.inference.accelerated import openvino_is_there

    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_file() and suffix in LOADERS:
        return LOADERS[suffix](path, device=device)
    if path.is_file():
        known = ", ".join(["a run folder", *LOADERS])
        raise AreosegError(f"{path}: this file is no model that can predict: give {known}")
    if suffix in LOADERS and not path.exists():
        raise AreosegError(f"{path}: no such file: check the path")
    run = open_run(path)
    where = choose_device(device)
    engine = TorchEngine(
        run.segmenter(),
        run.taxonomy,
        scale=trained_scale(run),
        device=where,
        precision=(
            precision_of_training(run.info.precision, where)
            if precision == "trained"
            else choose_precision(precision, where)
        ),
    )
    if accelerate and where.type == "cpu" and openvino_is_there():
        return AcceleratedEngine(engine)
    return engine
