"""What must hold after a disturbance: whole files under final names, and nothing left over."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file


def _image(path: Path) -> None:
    with Image.open(path) as image:
        image.load()


def _arrays(path: Path) -> None:
    with np.load(path, allow_pickle=False) as arrays:
        dict(arrays)


def _page(path: Path) -> None:
    if not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
        raise ValueError("not a whole page")


def _table(path: Path) -> None:
    rows = path.read_text(encoding="utf-8")
    if not rows.endswith("\n") or len({row.count(",") for row in rows.splitlines()}) > 3:
        raise ValueError("not a whole table")


READERS: dict[str, Callable[[Path], object]] = {
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".yaml": lambda path: yaml.safe_load(path.read_text(encoding="utf-8")),
    ".png": _image,
    ".npz": _arrays,
    ".html": _page,
    ".csv": _table,
    ".pt": lambda path: torch.load(path, weights_only=True),
    ".safetensors": load_file,
}


def half_written(folder: Path) -> list[str]:
    """Return the files under final names that cannot be read."""
    broken = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix in READERS:
            try:
                READERS[path.suffix](path)
            except Exception as error:  # readers raise exceptions of any type
                broken.append(f"{path.relative_to(folder)} is half-written ({error!r:.80})")
    return broken


def left_over(folder: Path) -> list[str]:
    """Return temporary files, parts and locks, none of which may survive a success."""
    hidden = sorted(
        path.relative_to(folder) for path in folder.rglob("*") if path.name.startswith(".")
    )
    return [f"{path} is left over" for path in hidden]
