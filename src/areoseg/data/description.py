"""Dataset descriptions: the classes of a dataset and the options for reading it.

A description is a YAML or JSON file, for example

    classes: [background, sand, ripple, outcrop, boulder, rover, sky]
    background: background
    colors: [[0, 0, 0], "#f0d080", "#c97a40", "#708aa8", "#d62839", "#555555", "#aaccee"]
    data_format: folder
    groups: frames.txt
    tile: [128, 128]

Only `classes` is required.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from areoseg.data.options import DataFormat, DataOptions, LabelSet
from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.taxonomy import MARS, VOID, Taxonomy, taxonomy_of

NAME = "areoseg-data"
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class DatasetDescription:
    """The classes of a dataset and the options for reading it.

    Attributes:
        taxonomy: The classes.
        options: Groups, format and label set, with defaults for those that the file does not set.
        tile: Height and width of the tiles that frames are cut into; None: not set.
    """

    taxonomy: Taxonomy = MARS
    options: DataOptions = field(default_factory=DataOptions)
    tile: tuple[int, int] | None = None


def find_description(data: Path) -> Path | None:
    """Return the description of a dataset: `areoseg-data.yaml` in a folder, or beside a file.

    Beside a file `NAME.npz` it is called `NAME_areoseg-data.yaml`. The suffix may also be `.yml` or
    `.json`.
    """
    for suffix in SUFFIXES:
        if data.is_dir():
            path = data / f"{NAME}{suffix}"
        else:
            path = data.with_name(f"{data.stem}_{NAME}{suffix}")
        if path.is_file():
            return path
    return None


def describe(classes: str | None) -> DatasetDescription:
    """Return the description given by the option `classes` of `DataOptions`.

    Args:
        classes: The path of a description, class names separated by commas, or the number of
            classes; None: the classes of Mars. The class called `background`, or else the first, is
            the background.

    Raises:
        AreosegError: `classes` is none of these, or the file cannot be read or is invalid.

    Examples:
        >>> describe("road,car,tree").taxonomy.names
        ('road', 'car', 'tree')
        >>> describe("2").taxonomy.names
        ('class 0', 'class 1')
    """
    if classes is None:
        return DatasetDescription()
    if classes.lower().endswith(SUFFIXES):
        return read_description(Path(classes))
    names = [name.strip() for name in classes.split(",")]
    if len(names) == 1 and names[0].isdigit():
        names = [f"class {index}" for index in range(min(int(names[0]), VOID + 1))]
    if not (2 <= len(names) <= VOID and len(set(names)) == len(names)):
        raise AreosegError(
            f"--classes {classes}: give a YAML or JSON file, 2 to {VOID} distinct names, or the"
            " number of classes"
        )
    return DatasetDescription(taxonomy_of(names))


def read_description(path: Path) -> DatasetDescription:
    """Read a description file; a relative path of groups is resolved against its folder.

    Raises:
        AreosegError: The file cannot be read, or a value is wrong; the message names the field.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))  # JSON is YAML
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise AreosegError(
            f"{path}: cannot read this dataset description ({one_line(error)})"
        ) from None
    if not isinstance(values, dict):
        raise AreosegError(f"{path}: write a dataset description as `classes: [name, name, ...]`")
    fields = ("classes", "colors", "background", "data_format", "label_set", "groups", "tile")
    for key in values:
        if key not in fields:
            raise AreosegError(f"{path}: unknown field {key!r}: {did_you_mean(str(key), fields)}")
    try:
        groups = values.get("groups")
        return DatasetDescription(
            taxonomy=_taxonomy(values),
            options=DataOptions(
                groups=None if groups is None else path.parent / str(groups),
                data_format=_choice(values, "data_format", "auto", get_args(DataFormat)),
                label_set=_choice(values, "label_set", "crowd", get_args(LabelSet)),
            ),
            tile=_tile(values.get("tile")),
        )
    except AreosegError as error:
        raise AreosegError(f"{path}: {error}") from None


def _taxonomy(values: dict[str, Any]) -> Taxonomy:
    names = values.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AreosegError("classes: give a list of names, such as [background, sand, rock]")
    default = taxonomy_of(names)
    colors = values.get("colors")
    background = values.get("background", default.background)
    if isinstance(background, str):
        if background not in names:
            raise AreosegError(f"background {background!r}: {did_you_mean(background, names)}")
        background = names.index(background)
    if not isinstance(background, int) or isinstance(background, bool):
        raise AreosegError(f"background {background!r}: give a class name or its index")
    if colors is not None and not isinstance(colors, list):
        raise AreosegError("colors: give a list with one color per class")
    return Taxonomy(
        names=default.names,
        colors=default.colors if colors is None else tuple(_color(color) for color in colors),
        background=background,
    )


def _color(value: Any) -> tuple[int, int, int]:
    if isinstance(value, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        red, green, blue = bytes.fromhex(value[1:])
        return red, green, blue
    levels = value if isinstance(value, list) else []
    if len(levels) == 3 and all(isinstance(level, int) and 0 <= level <= 255 for level in levels):
        return levels[0], levels[1], levels[2]
    raise AreosegError(f"color {value!r}: write it as '#c97a40' or [201, 122, 64]")


def _choice(values: dict[str, Any], name: str, default: str, choices: tuple[str, ...]) -> Any:
    value = values.get(name, default)
    if value not in choices:
        raise AreosegError(f"{name} {value!r}: {did_you_mean(str(value), choices)}")
    return value


def _tile(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    sides = value if isinstance(value, list) else []
    if len(sides) == 2 and all(isinstance(side, int) and side > 0 for side in sides):
        return sides[0], sides[1]
    raise AreosegError(f"tile {value!r}: give height and width in pixels, such as [64, 128]")
