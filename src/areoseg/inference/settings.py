"""`prediction.json`: the models and options of the predictions in a folder, and their images."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from areoseg import __version__, weights
from areoseg.errors import AreosegError
from areoseg.runs.run import WEIGHTS
from areoseg.utils.files import read_json_object, write_json

SETTINGS = "prediction.json"
"""The file that records the models and options of the outputs beside it."""


def describe(models: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of predictions: models with the hashes of their weights, and options.

    Args:
        models: Run folders, names of bundled models, or exported files.
        options: The options that affect predictions, as JSON values.
    """
    paths = [(str(model), weights.located(model)) for model in models]
    return {
        "areoseg": __version__,
        "models": [{"path": name, "sha256": _weights_hash(path)} for name, path in paths],
        "options": dict(options),
    }


def keep_settings(settings: Mapping[str, Any], out: Path) -> None:
    """Write the settings into the folder, or check that they are those of its predictions.

    A folder has predictions of the same models and options only, since its tables have one row per
    image.

    Raises:
        AreosegError: The folder has other settings, or cannot be written.
    """
    path = out / SETTINGS
    if not path.is_file():
        write_json(path, {**settings, "created_ns": time.time_ns(), "images": {}})
        return
    earlier = read_json_object(path)
    for key in ("models", "options"):
        if _comparable(earlier, key) != _comparable(settings, key):
            raise AreosegError(
                f"{path}: this folder has predictions with other {key}: choose another --out, or"
                " delete the folder"
            )


def keep_images(images: Mapping[str, Mapping[str, Any]], out: Path) -> None:
    """Add images to `prediction.json`; an image of the same name is replaced.

    Args:
        images: JSON values by name of the image.
        out: The folder of the predictions.

    Raises:
        AreosegError: The file cannot be read or written.
    """
    path = out / SETTINGS
    values = read_json_object(path)
    write_json(path, {**values, "images": {**values.get("images", {}), **images}})


def created_ns(out: Path) -> int:
    """Return when the first prediction was written to a folder; older files are not its outputs."""
    path = out / SETTINGS
    created = read_json_object(path).get("created_ns") if path.is_file() else None
    return created if isinstance(created, int) else time.time_ns()


def model_names(out: Path) -> list[str]:
    """Return the names of the models that predicted the images of a folder."""
    return [
        Path(model["path"]).name for model in read_json_object(out / SETTINGS).get("models", ())
    ]


def _comparable(settings: Any, key: str) -> Any:
    """Return one setting; models are compared by weights only, since a run may have been moved."""
    value = settings.get(key) if isinstance(settings, dict) else None
    if key == "models" and isinstance(value, list):
        return [model.get("sha256") for model in value if isinstance(model, dict)]
    return value


def _weights_hash(path: Path) -> str:
    """Return the hash of a run's weights, or of an exported file and the weights beside it."""
    files = [path / WEIGHTS] if path.is_dir() else [path, path.with_suffix(".bin")]
    digest = hashlib.sha256()
    for file in dict.fromkeys(files):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
