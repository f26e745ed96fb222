"""Engines of exported ONNX and OpenVINO files, and the metadata in these files.

Loading does not unpickle anything: the files contain a graph and numbers.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor

from areoseg.errors import AreosegError, one_line
from areoseg.inference.engines.openvino import compile_openvino
from areoseg.recipes import parse_recipe
from areoseg.taxonomy import Taxonomy
from areoseg.utils.extras import need, need_openvino
from areoseg.utils.images import Mask

METADATA_KEY = "areoseg"
"""Key of the JSON metadata in an exported file."""

Answer = Callable[[NDArray[np.uint8]], tuple[Mask, NDArray[np.float32]]]
"""Maps images (N, 1, H, W) uint8 to masks (N, H, W) and probabilities (N, C, H, W)."""


@dataclass(frozen=True)
class ExportMetadata:
    """Metadata of an exported model, sufficient to use it without its run.

    Attributes:
        areoseg: Version of areoseg that wrote the file.
        taxonomy: Classes of the model.
        size_divisor: Height and width should be multiples of it, in pixels.
        scale: Scale of the training images relative to a full Navcam frame; None: unknown.
        recipe: Recipe of the training, as YAML.
        score: `value`, `protocol`, `part` and `images` of the run's own test score, or None.
        license: License of the weights, as an SPDX name.
        weights_sha256: Hash of the run's `weights.safetensors`.
        data_fingerprint: Hash of the labeled samples that the run was trained on, or None.
        part_fingerprints: Hashes of the single datasets, if it was trained on several.
        tile: Height and width of the training images in pixels; None: not recorded.
        background_threshold: The probability above which a pixel is background; None without a
            background gate.
        resize: How images are to be resized first; see `resizing_rule`. None: they are not.
        appearance: Statistics of the training images; see `Appearance`. None: not recorded.
    """

    areoseg: str
    taxonomy: Taxonomy
    size_divisor: int
    scale: float | None
    recipe: str
    score: dict[str, Any] | None
    license: str
    weights_sha256: str
    data_fingerprint: str | None
    part_fingerprints: tuple[str, ...] = ()
    tile: tuple[int, int] | None = None
    background_threshold: float | None = None
    resize: dict[str, Any] | None = None
    appearance: dict[str, Any] | None = None

    @property
    def predicts_background(self) -> bool:
        """Whether the model can predict background at all, by its recipe."""
        recipe = parse_recipe(self.recipe, source="the exported file", plugins="ignore")
        return recipe.data.background != "void"

    def to_json(self) -> str:
        """Return the metadata as a JSON object."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str | None, *, path: Path) -> "ExportMetadata":
        """Read the JSON object that `to_json` returned.

        Args:
            text: The JSON text; None if the file at `path` has none.
            path: The file, for error messages.

        Raises:
            AreosegError: The text is missing or is not valid metadata.
        """
        if text is None:
            raise AreosegError(
                f"{path}: this model has no areoseg metadata, so its classes are unknown:"
                " write it with `areoseg export`"
            )
        try:
            values = json.loads(text)
            classes = values["taxonomy"]
            taxonomy = Taxonomy(
                names=tuple(classes["names"]),
                colors=tuple(tuple(color) for color in classes["colors"]),
                background=classes["background"],
            )
            tile = values.get("tile")
            own = {"taxonomy": taxonomy, "tile": None if tile is None else (tile[0], tile[1])}
            known = vars(cls(**{**values, **own}))  # also checks the names
            return TypeAdapter(cls).validate_python(known)
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise AreosegError(
                f"{path}: its metadata cannot be read ({one_line(error)[:160]}): export the run"
                " again"
            ) from None


class ExportedEngine:
    """Run an exported model; see `Engine`.

    Exported models take 8-bit images, so images with a greater bit depth are rounded.

    Args:
        run: The model.
        metadata: The metadata of its file.
    """

    eight_bit = True

    def __init__(self, run: Answer, metadata: ExportMetadata) -> None:
        self.run = run
        self.metadata = metadata
        self.taxonomy = metadata.taxonomy
        self.size_divisor = metadata.size_divisor
        self.scale = metadata.scale
        self.background_threshold = metadata.background_threshold
        self.predicts_background = metadata.predicts_background

    def __call__(self, images: Tensor) -> Tensor:
        """See `Engine`."""
        pixels = (images * 255).round_().clamp_(0, 255).to(torch.uint8)
        try:
            _, probabilities = self.run(pixels.numpy())
        except Exception as error:  # ONNX Runtime has one exception class per status
            raise AreosegError(
                f"the exported model cannot be run: {one_line(error)[:160]}; export the run again"
            ) from None
        expected = (len(pixels), len(self.taxonomy), *pixels.shape[2:])
        if probabilities.shape != expected or not np.isfinite(probabilities).all():
            raise AreosegError(
                f"the exported model gives probabilities of shape {probabilities.shape} instead of"
                f" {expected}, or NaN: export the run again"
            )
        return torch.from_numpy(probabilities)


def open_onnx(path: Path, *, device: str = "cpu") -> ExportedEngine:
    """Open an `.onnx` file with ONNX Runtime.

    Args:
        path: The file.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        AreosegError: ONNX Runtime is not installed, or areoseg did not write the file.
    """
    onnxruntime = need("onnxruntime", extra="export")
    _check_file(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    providers = _onnx_providers(onnxruntime, device)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=providers)
    except Exception as error:  # ONNX Runtime has one exception class per status
        raise AreosegError(
            f"{path}: ONNX Runtime cannot load this file: {one_line(error)[:160]}"
        ) from None
    text = session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)

    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        mask, probabilities = session.run(["mask", "probabilities"], {"images": images})
        return mask, probabilities

    return ExportedEngine(run, ExportMetadata.from_json(text, path=path))


def open_openvino(path: Path, *, device: str = "cpu") -> ExportedEngine:
    """Open an OpenVINO `.xml` file and the `.bin` beside it.

    Args:
        path: Either of the two files.
        device: `cpu` or `auto`.

    Raises:
        AreosegError: OpenVINO is not installed, or areoseg did not write the file.
    """
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
    text = None
    if model.has_rt_info([METADATA_KEY]):
        text = model.get_rt_info([METADATA_KEY]).astype(str)

    def run(images: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.float32]]:
        outputs = compiled(images)
        return outputs[0], outputs[1]

    return ExportedEngine(run, ExportMetadata.from_json(text, path=path))


def _onnx_providers(onnxruntime: Any, device: str) -> list[str]:
    """Return the execution providers: CUDA if it is requested and available, and the CPU."""
    cuda = "CUDAExecutionProvider"
    available = cuda in onnxruntime.get_available_providers()
    if device.startswith("cuda") and not available:
        raise AreosegError(
            f"--device {device}: this ONNX Runtime has no CUDA; use cpu, or install onnxruntime-gpu"
        )
    return [cuda] * (available and device != "cpu") + ["CPUExecutionProvider"]


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise AreosegError(f"{path}: no such file: check the path")
    if not path.stat().st_size:
        raise AreosegError(f"{path}: this file is empty: export the run again")
