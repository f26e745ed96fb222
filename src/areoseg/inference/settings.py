"""How the predictions in a folder were made, so that `--resume` never mixes two ways."""

import hashlib
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from areoseg.errors import AreosegError
from areoseg.runs.run import WEIGHTS
from areoseg.utils.files import read_json
from areoseg.utils.files import write_json
from areoseg.version import __version__
from areoseg.weights import located

SETTINGS = "prediction.json"
"""The file beside the outputs that says how they were made."""


def describe(models: Sequence[str | Path], options: Mapping[str, Any]) -> dict[str, Any]:
    """How predictions are made: models with the hashes of their weights, and options.

    Args:
        models: Run folders, names of bundled models, or exported files.
        options: What changes the predictions, as JSON values.
    """
    return {
        "areoseg": __version__,
        "models": [{"path": str(path), "sha256": _weights_hash(located(path))} for path in models],
        "options": dict(options),
    }


def keep_settings(settings: Mapping[str, Any], out: Path, *, resume: bool) -> None:
    """Write the settings into the folder, or, to resume, find that it has the same.

    Raises:
        AreosegError: The folder was predicted with others, or cannot be written.
    """
    path = out / SETTINGS
    if not (resume and path.is_file()):
        write_json(path, settings)
        return
    earlier = read_json(path)
    for what in ("models", "options"):
        if _comparable(earlier, what) != _comparable(settings, what):
            raise AreosegError(
                f"{path}: these outputs were made with other {what}: choose another --out, or"
                " leave --resume away to make all anew"
            )


def made_since(out: Path, file: Path) -> bool:
    """Whether a file is there and no older than the settings of its output folder."""
    try:
        return file.stat().st_mtime_ns >= (out / SETTINGS).stat().st_mtime_ns
    except OSError:
        return False


def _comparable(settings: Any, what: str) -> Any:
    """Models by their weights alone, since a run may have been moved."""
    found = settings.get(what) if isinstance(settings, dict) else None
    if what == "models" and isinstance(found, list):
        return [model.get("sha256") for model in found if isinstance(model, dict)]
    return found


def _weights_hash(path: Path) -> str:
    """The hash of a run's weights, or of an exported file with its weights beside it."""
    files = [path / WEIGHTS] if path.is_dir() else [path, path.with_suffix(".bin")]
    digest = hashlib.sha256()
    for file in dict.fromkeys(files):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
