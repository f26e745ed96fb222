"""The page without a server: a folder for any static host, whose models run in the browser."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from areoseg.data.appearance import Appearance
from areoseg.errors import AreosegError
from areoseg.export.export import export_metadata
from areoseg.export.float16_onnx import float16_answer, write_float16_onnx
from areoseg.export.parity import Allowance, Parity, measure_parity, network_answer
from areoseg.inference.engines.exported import ExportMetadata
from areoseg.inference.load import model_paths
from areoseg.runs.run import open_run
from areoseg.serve.samples import SAMPLES, sample_png
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.utils.console import standard_error
from areoseg.utils.files import ModelPath, PathLike, read_json, write_json, write_text, writing
from areoseg.weights import located

PAGE = Path(__file__).parent / "page"

STYLES = Path(__file__).parents[1] / "report" / "styles"
"""The style sheets that the page shares with the reports."""

INDEX = "index.html"

RUNTIME = "vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm.gz"
"""The WebAssembly file that runs models in the browser."""

SUFFIXES = (".html", ".css", ".js", ".mjs", ".svg", ".gz")
"""Suffixes of the files that belong to the page."""

NOTICES = ("LICENSE", "NOTICE")

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self';"
    " img-src 'self' blob: data:; connect-src 'self'; form-action 'none'; base-uri 'none'"
)
"""What the page needs, and nothing from elsewhere: scripts, styles and requests of its own host."""

MODELS = "models.json"
"""The file that lists the models and samples of a site."""

TILE = 512
"""Side of a tile, as in `areoseg predict`."""

ALLOWANCE = Allowance(probability=0.05, unequal=2e-3)
"""Allowed difference of a model with weights in float16 from its run."""

_COMPARED = 8
_COMPARED_SIDE = 256


@dataclass(frozen=True)
class StaticSite:
    """A folder with the page and its models.

    Attributes:
        path: The folder.
        size: Size of its files in bytes.
        parity: The comparison of each model with its run, on synthetic samples, by name.
    """

    path: Path
    size: int
    parity: dict[str, Parity]


def write_static_site(
    out: PathLike,
    models: ModelPath | Sequence[ModelPath] | None = None,
    *,
    console: Console | None = None,
) -> StaticSite:
    """Write the page, its models and samples to a folder for a static host.

    Args:
        out: The folder: new, empty, or an earlier site, which is replaced file by file.
        models: Run folders or names of bundled models; the first is the default of the page. None:
            the bundled model `flagship-256`.
        console: Console for progress; None: standard error.

    Raises:
        AreosegError: The folder has other files, a model is not a run, has the name of another or
            cannot be exported, a package or file is missing, or a file cannot be written.
    """
    out, console = Path(out), console or standard_error()
    _check_folder(out)
    files = page_files()
    parity: dict[str, Parity] = {}
    described = []
    for path in map(located, model_paths(models)):
        if path.name in parity:
            raise AreosegError(f"{path}: two models are called {path.name}: rename one")
        console.print(f"exporting {path.name}")
        parity[path.name], description = _write_model(path, out / "models")
        described.append(description)
    for name, path in files.items():
        if name != INDEX:
            with writing(out / name):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, out / name)
    for name in SAMPLES:
        file = out / "samples" / f"{name}.png"
        with writing(file):
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(sample_png(name))
    samples = [
        {"name": name, "title": sample.title, "url": f"samples/{name}.png"}
        for name, sample in SAMPLES.items()
    ]
    write_json(out / MODELS, {"models": described, "samples": samples})
    write_text(out / INDEX, static_index(files[INDEX].read_text(encoding="utf-8")))
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    return StaticSite(out, size, parity)


def page_files() -> dict[str, Path]:
    """Return the files of the page by their path relative to its address.

    Raises:
        AreosegError: The file that runs models in the browser is missing in this installation.
    """
    files = {
        path.relative_to(folder).as_posix(): path
        for folder in (PAGE, STYLES)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.suffix in SUFFIXES or path.name in NOTICES)
    }
    if RUNTIME not in files:
        raise AreosegError(
            f"{PAGE / RUNTIME}: this file is missing: run `make page` in a clone of areoseg, which"
            " fetches onnxruntime-web, and install areoseg again"
        )
    return files


def static_index(page: str) -> str:
    """Return the page for a static host: with the other backend and with its policy inside.

    A static host sends no header `Content-Security-Policy`, so the page has it as an element.
    """
    policy = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">'
    return page.replace('data-backend="server"', 'data-backend="static"').replace(
        '<meta charset="utf-8">', f'<meta charset="utf-8">\n{policy}'
    )


def _check_folder(out: Path) -> None:
    """Check that a folder is new, empty or a site.

    Raises:
        AreosegError: It is not.
    """
    if out.is_file():
        raise AreosegError(f"{out}: this is a file: choose a folder")
    if out.is_dir() and any(out.iterdir()) and "models" not in _listing(out):
        raise AreosegError(
            f"{out}: this folder has other files: choose a new or empty one, or an earlier site"
        )


def _listing(out: Path) -> dict[str, Any]:
    if not (out / MODELS).is_file():
        return {}
    values = read_json(out / MODELS)
    return values if isinstance(values, dict) else {}


def _write_model(path: Path, folder: Path) -> tuple[Parity, dict[str, Any]]:
    """Write a model into a folder; return its comparison with the run and its description."""
    run = open_run(path)
    segmenter = run.segmenter()
    metadata = export_metadata(run, segmenter)
    file = folder / f"{path.name}.onnx"
    with writing(file):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".model") as temporary:
            beside = Path(temporary) / file.name
            write_float16_onnx(segmenter, beside)
            settings = SyntheticMars(height=_COMPARED_SIDE, width=_COMPARED_SIDE, rock_tiles=0.5)
            parity = measure_parity(
                network_answer(segmenter),
                float16_answer(beside, segmenter),
                draw_set(settings, _COMPARED),
                run.taxonomy,
                size_divisor=metadata.size_divisor,
            )
            if not parity.within(ALLOWANCE):
                raise AreosegError(f"{path}: in float16 this model differs too much: {parity}")
            beside.replace(file)
    return parity, _description(path.name, metadata) | {"bytes": file.stat().st_size}


def _description(name: str, metadata: ExportMetadata) -> dict[str, Any]:
    """Return what the page needs to know about a model; see `inference/predictor.js`."""
    taxonomy = metadata.taxonomy
    return {
        "name": name,
        "url": f"models/{name}.onnx",
        "names": taxonomy.names,
        "colors": ["#{:02x}{:02x}{:02x}".format(*color) for color in taxonomy.colors],
        "background_index": taxonomy.background,
        "outlined": taxonomy.outlined,
        "background_threshold": metadata.background_threshold,
        "predicts_background": metadata.predicts_background,
        "size_divisor": metadata.size_divisor,
        "scale": metadata.scale,
        "tile": -(-TILE // metadata.size_divisor) * metadata.size_divisor,
        "overlap": TILE // 4,
        "appearance": _appearance(metadata),
        "license": metadata.license,
        "weights_sha256": metadata.weights_sha256,
    }


def _appearance(metadata: ExportMetadata) -> dict[str, Any] | None:
    """Return the statistics of the training images, with the inverse of their covariance."""
    if metadata.appearance is None:
        return None
    known = Appearance.from_json(metadata.appearance)
    return {
        "mean": known.mean.tolist(),
        "precision": np.linalg.inv(known.covariance).tolist(),
        "limit": known.limit,
    }
