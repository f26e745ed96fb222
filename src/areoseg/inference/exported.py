"""Engines of exported files, by suffix.

No file is unpickled: ONNX and OpenVINO files hold a graph and numbers. A `.pt2` file of
`torch.export` is another matter, since `torch.export.load` unpickles where the file tells it to and
evaluates expressions in it; such a file is therefore refused here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.inference.description import KEY
from areoseg.inference.description import Description
from areoseg.inference.description import missing_description
from areoseg.utils.extras import need
from areoseg.utils.extras import need_openvino
from areoseg.utils.images import Mask

if TYPE_CHECKING:
    from areoseg.inference.engine import Engine

Answer = Callable[[NDArray[np.uint8]], tuple[Mask, NDArray[np.float32]]]
"""Maps images (N, 1, H, W) uint8 to masks (N, H, W) and probabilities (N, C, H, W)."""


class ExportedEngine:
    """Runs an exported model; see `Engine`.

    Such a model takes images of 8 bits, so that finer ones are rounded.

    Args:
        run: The model.
        description: What its file says of itself.
    """

    def __init__(self, run: Answer, description: Description) -> None:
        self.run = run
        self.description = description
        self.taxonomy = description.taxonomy
        self.size_divisor = description.size_divisor
        self.scale = description.scale

    def __call__(self, images: Tensor) -> Tensor:
        """As for `Engine`."""
        pixels = (images * 255).round_().clamp_(0, 255).to(torch.uint8)
        _, probabilities = self.run(pixels.numpy())
        return torch.from_numpy(probabilities)


def open_onnx(path: Path, *, device: str = "cpu") -> ExportedEngine:
    """The engine of an `.onnx` file, by ONNX Runtime.

    Args:
        path: The file.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        AreosegError: ONNX Runtime is not installed, or the file is no model of ours.
    """
    onnxruntime = need("onnxruntime", extra="export")
    _check_file(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    try:
        session = onnxruntime.InferenceSession(
            path, options, providers=_onnx_providers(onnxruntime, device)
        )
    except Exception as error:  # ONNX Runtime has one exception class a status
        raise AreosegError(
            f"{path}: ONNX Runtime cannot load this file: {one_line(error)[:160]}"
        ) from None
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise missing_description(str(path))

    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        mask, probabilities = session.run(None, {"images": images})
        return mask, probabilities

    return ExportedEngine(run, Description.from_json(text, where=str(path)))


def open_openvino(path: Path, *, device: str = "cpu") -> ExportedEngine:
    """The engine of an OpenVINO `.xml` file and the `.bin` beside it.

    Args:
        path: Either of the two files.
        device: `cpu` or `auto`.

    Raises:
        AreosegError: OpenVINO is not installed, or the file is no model of ours.
    """
    from areoseg.inference.openvino_runtime import compile_openvino

    openvino = need_openvino()
    path = path.with_suffix(".xml")
    for file in (path, path.with_suffix(".bin")):
        _check_file(file)
    if device not in ("cpu", "auto"):
        raise AreosegError(f"--device {device}: OpenVINO files run on the CPU here; use cpu")
    try:
        model = openvino.Core().read_model(path)
        compiled = compile_openvino(model)
    except RuntimeError as error:
        raise AreosegError(
            f"{path}: OpenVINO cannot load this file: {one_line(error)[-160:]}"
        ) from None
    if not model.has_rt_info([KEY]):
        raise missing_description(str(path))
    text = model.get_rt_info([KEY]).astype(str)
    return ExportedEngine(run_compiled(compiled), Description.from_json(text, where=str(path)))


def run_compiled(compiled: Any) -> Answer:
    """A compiled OpenVINO model as a function."""

    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        answer = compiled(images)
        return answer[0], answer[1]

    return run


def reject_torch_export(path: Path, *, device: str = "cpu") -> "Engine":
    """Say why a `.pt2` file is not loaded.

    Raises:
        AreosegError: Always.
    """
    raise AreosegError(
        f"{path}: areoseg does not load .pt2 files, since torch.export.load can run code that is"
        " hidden in one: predict with the run, or with an export to onnx or openvino"
    )


LOADERS: "dict[str, Callable[..., Engine]]" = {
    ".onnx": open_onnx,
    ".xml": open_openvino,
    ".bin": open_openvino,
    ".pt2": reject_torch_export,
}
"""Suffix, such as `.onnx`, to a function of a path and `device` that loads the file."""


def _onnx_providers(onnxruntime: Any, device: str) -> list[str]:
    """What computes; a GPU where one is asked for and this ONNX Runtime has it."""
    cuda = "CUDAExecutionProvider"
    there = cuda in onnxruntime.get_available_providers()
    if device.startswith("cuda") and not there:
        raise AreosegError(
            f"--device {device}: this ONNX Runtime has no CUDA; use cpu, or install onnxruntime-gpu"
        )
    return [cuda] * (there and device != "cpu") + ["CPUExecutionProvider"]


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    if not path.stat().st_size:
        raise AreosegError(f"{path}: this file is empty: export the run again")
