"""The 8-bit version that a bundle may contain.

Its convolutions are calibrated on training images, which a bundle does not have. So the network is
quantized when it is bundled, and `export` copies the result.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from areoseg.errors import AreosegError, one_line
from areoseg.export.parity import Parity
from areoseg.inference.engines.exported import METADATA_KEY, ExportMetadata
from areoseg.runs.run import Run
from areoseg.utils.extras import need_openvino
from areoseg.utils.files import read_json, replacing_several, write_json

GRAPH = "int8.xml"
"""OpenVINO file of the 8-bit network; its weights are in `int8.bin`."""

RECORD = "int8.json"
"""The comparison with the network, and the weights that were quantized."""


@dataclass(frozen=True)
class BundledInt8:
    """The 8-bit version in a bundle.

    Attributes:
        path: The OpenVINO file.
        parity: Its comparison with the network.
        samples: Description of the samples of the comparison.
    """

    path: Path
    parity: Parity
    samples: str


def record_int8(folder: Path, run: Run, parity: Parity, samples: str) -> None:
    """Write the comparison of the 8-bit version beside it.

    Args:
        folder: The folder with `int8.xml`.
        run: The run or bundle whose weights were quantized.
        parity: The comparison.
        samples: Description of its samples.
    """
    values = {
        "weights_sha256": run.weights_sha256,
        "samples": samples,
        "parity": asdict(parity),
    }
    write_json(folder / RECORD, values)


def find_bundled_int8(run: Run) -> BundledInt8 | None:
    """Return the 8-bit version in a bundle; None if there is none of these weights.

    Raises:
        AreosegError: Its record cannot be read.
    """
    path = run.path / RECORD
    if not path.is_file() or not (run.path / GRAPH).is_file():
        return None
    values = read_json(path)
    try:
        if values["weights_sha256"] != run.weights_sha256:
            return None
        return BundledInt8(run.path / GRAPH, Parity(**values["parity"]), values["samples"])
    except (KeyError, TypeError) as error:
        raise AreosegError(f"{path}: cannot read this file: {one_line(error)}") from None


def copy_int8(bundled: BundledInt8, metadata: ExportMetadata, out: Path) -> None:
    """Write an 8-bit version to a file, with current metadata.

    Args:
        bundled: The version in a bundle.
        metadata: The metadata of the file.
        out: The `.xml` file; the `.bin` is written beside it.

    Raises:
        AreosegError: OpenVINO is not installed, or a file cannot be read or written.
    """
    if out.suffix.lower() != ".xml":
        raise AreosegError(f"{out}: a file of this format ends in .xml: rename --out")
    openvino = need_openvino()
    try:
        model = openvino.Core().read_model(bundled.path)
    except RuntimeError as error:
        raise AreosegError(
            f"{bundled.path}: OpenVINO cannot load this file: {one_line(error)[-160:]}; give"
            " labeled samples with --data to quantize the network anew"
        ) from None
    model.set_rt_info(metadata.to_json(), [METADATA_KEY])
    with replacing_several(out) as beside:  # the .bin before its .xml
        openvino.save_model(model, beside, compress_to_fp16=False)
