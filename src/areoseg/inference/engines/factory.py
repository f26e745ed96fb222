"""Open a model: a run, a bundled model or an exported file."""

from collections.abc import Callable
from pathlib import Path

from areoseg import weights
from areoseg.errors import AreosegError
from areoseg.inference.engines import Engine, TorchEngine
from areoseg.inference.engines.exported import ExportedEngine, open_onnx, open_openvino
from areoseg.inference.engines.openvino import AcceleratedEngine, has_openvino
from areoseg.inference.resampling import trained_scale
from areoseg.runs.run import is_run, open_run
from areoseg.utils.device import choose_device, choose_precision, precision_of_training

LOADERS: dict[str, Callable[..., ExportedEngine]] = {
    ".onnx": open_onnx,
    ".xml": open_openvino,
    ".bin": open_openvino,
}
"""Functions that open exported files, by file suffix; they take the path and `device`."""


def open_engine(
    path: str | Path, *, device: str = "cpu", precision: str = "trained", accelerate: bool = False
) -> Engine:
    """Open a run folder, a bundled model or an exported file.

    Args:
        path: A run folder, the name of a bundled model, or a file with a suffix of `LOADERS`.
        device: `cpu`, `cuda` or `auto`.
        precision: Precision of a run: `float32`, `bfloat16`, `auto` for the faster of the two, or
            `trained` for that of its training, which makes scores reproducible. Exported files
            have a fixed precision.
        accelerate: Whether a run on the CPU may switch to OpenVINO in a long job, if OpenVINO is
            installed. Outputs then differ from PyTorch's by rounding only; disable it if scores
            must be reproducible.

    Raises:
        AreosegError: The path is not a model, or the model cannot be loaded here.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if path.is_file() and suffix in LOADERS:
        return LOADERS[suffix](path, device=device)
    if path.is_file():
        known = ", ".join(["a run folder", *LOADERS])
        raise AreosegError(f"{path}: this file is not a supported model: give {known}")
    if suffix in LOADERS and not path.exists():
        raise AreosegError(f"{path}: no such file: check the path")
    run = open_run(path)
    torch_device = choose_device(device)
    engine = TorchEngine(
        run.segmenter(),
        run.taxonomy,
        scale=trained_scale(run),
        device=torch_device,
        precision=(
            precision_of_training(run.info.precision, torch_device)
            if precision == "trained"
            else choose_precision(precision, torch_device)
        ),
    )
    if accelerate and torch_device.type == "cpu" and has_openvino():
        return AcceleratedEngine(engine)
    return engine


def is_model(path: str | Path) -> bool:
    """Return whether a path is a run folder, a bundled model or an exported file."""
    path = Path(path)
    if path.suffix.lower() == ".xml" and path.is_file():  # an OpenVINO graph, or a PDS4 label
        with path.open("rb") as file:
            return b"<net " in file.read(1024)
    return is_run(path) or (path.suffix.lower() in LOADERS and not path.is_dir())


def default_model() -> Path:
    """Return the folder of the bundled model that is used if no model is given.

    Raises:
        AreosegError: The model is not bundled.
    """
    if weights.DEFAULT in weights.bundled_names():
        return weights.FOLDER / weights.DEFAULT
    raise AreosegError(
        "no model given, and this installation has no bundled model: name a run folder or an"
        " exported file"
    )
