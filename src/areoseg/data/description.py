"""Dataset descriptions: the classes of a dataset and the options for reading it.

A description is a YAML or JSON file, usually `dataset.yaml` in the folder of the dataset:

    classes: [background, sand, ripple, outcrop, boulder, rover, sky]
    background: background
    colors: [[0, 0, 0], "#f0d080", "#c97a40", "#708aa8", "#d62839", "#555555", "#aaccee"]
    void: 255
    map: {0: sky, 1: sand, "#ff0000": rover}
    images: JPEGImages
    masks: labels
    groups: frames.txt
    splits: {train: lists/train.txt, val: [a, b], test: images/test}
    tile: [128, 128]
    license: CC BY 4.0

Only the classes are required.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml

from areoseg.data.described_splits import DescribedSplits, parse_splits
from areoseg.data.layout import LAYOUT_FIELDS, Layout, layout_of
from areoseg.data.options import DataFormat, DataOptions, LabelSet
from areoseg.errors import AreosegError, did_you_mean, one_line
from areoseg.taxonomy import MARS, VOID, Taxonomy, taxonomy_of

NAMES = ("dataset", "areoseg-data")
"""Names of descriptions, without suffix; beside a file they follow its own name."""

KNOWN = Path(__file__).with_name("datasets")
"""The folder of descriptions of published datasets."""

SUFFIXES = (".yaml", ".yml", ".json")

_CLASSES = ("classes", "names", "labels")  # ours, and those of Ultralytics and nnU-Net

ABOUT = ("name", "description", "license", "citation", "doi", "url", "size")
"""Fields that are told to people."""

_FIELDS = (
    *_CLASSES,
    "colors",
    "background",
    "data_format",
    "label_set",
    "groups",
    "splits",
    "tile",
    "scale",
    "named",
    "undocumented",
    *LAYOUT_FIELDS,
    *ABOUT,
)


@dataclass(frozen=True)
class DatasetDescription:
    """The classes of a dataset and the options for reading it.

    Attributes:
        taxonomy: The classes.
        options: Groups, format and label set, with defaults for those that the file does not set.
        tile: Height and width of the tiles that frames are cut into; None: not set.
        scale: Factor for the sides of frames before they are cut, in (0, 1].
        layout: Where images and masks are and how masks are coded; None: not set.
        splits: Which samples are in which split; None: not set.
        named: Pattern of the last two folders of a known dataset, in lower case, or None.
        undocumented: Whether the mask values of a known dataset are not published.
        about: Name, license, citation, DOI and address of the dataset, as far as they are given.
    """

    taxonomy: Taxonomy = MARS
    options: DataOptions = field(default_factory=DataOptions)
    tile: tuple[int, int] | None = None
    scale: float = 1.0
    layout: Layout | None = None
    splits: DescribedSplits | None = None
    named: str | None = None
    undocumented: bool = False
    about: dict[str, str] = field(default_factory=dict)


def find_description(data: Path) -> Path | None:
    """Return the description of a dataset: `dataset.yaml` in a folder, or beside a file.

    Beside a file `NAME.npz` it is called `NAME_dataset.yaml`. The name may also be `areoseg-data`,
    and the suffix `.yml` or `.json`. A file that describes no classes, as other tools have, is
    passed over.
    """
    for name in NAMES:
        for suffix in SUFFIXES:
            if data.is_dir():
                path = data / f"{name}{suffix}"
            else:
                path = data.with_name(f"{data.stem}_{name}{suffix}")
            if path.is_file() and (name != NAMES[0] or _has_classes(path)):
                return path
    return None


def _has_classes(path: Path) -> bool:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return True  # reading it will say what is wrong
    return not isinstance(values, dict) or any(key in values for key in _CLASSES)


def describe(classes: str | None) -> DatasetDescription:
    """Return the description given by the option `classes` of `DataOptions`.

    Args:
        classes: The path of a description, the name of a known dataset such as `s5mars`, class
            names separated by commas, or the number of classes; None: the classes of Mars. The
            class called `background`, or else the first, is the background.

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
    if classes in known_datasets():
        return read_description(KNOWN / f"{classes}.yaml")
    names = [name.strip() for name in classes.split(",")]
    if len(names) == 1 and names[0].isdigit():
        names = [f"class {index}" for index in range(min(int(names[0]), VOID + 1))]
    if not (2 <= len(names) <= VOID and len(set(names)) == len(names)):
        raise AreosegError(
            f"--classes {classes}: give a YAML or JSON file, the name of a known dataset, 2 to"
            f" {VOID} distinct names separated by commas, or their number"
        )
    return DatasetDescription(taxonomy_of(names))


def known_datasets() -> list[str]:
    """Return the names of the published datasets that have a description, sorted."""
    return sorted(path.stem for path in KNOWN.glob("*.yaml"))


def recognize_dataset(data: Path) -> str | None:
    """Return the known dataset that a folder contains, by its name and its folders, or None.

    Args:
        data: The folder; its own name, or that of the folder above it, contains the dataset's.
    """
    if not data.is_dir():
        return None
    above = "/".join(data.absolute().parts[-2:]).lower()
    for name in known_datasets():
        description = read_description(KNOWN / f"{name}.yaml")
        layout = description.layout
        if layout is None or description.named is None:
            continue
        if not re.search(description.named, above):
            continue
        folders = (layout.images, layout.masks)
        if all(any(data.glob(folder.replace("{split}", "*"))) for folder in folders):
            return name
    return None


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
    for key in values:
        if key not in _FIELDS:
            raise AreosegError(f"{path}: unknown field {key!r}: {did_you_mean(str(key), _FIELDS)}")
    try:
        groups = values.get("groups")
        names, numbers = _names(values)
        return DatasetDescription(
            taxonomy=_taxonomy(values, names),
            options=DataOptions(
                groups=None if groups is None else path.parent / str(groups),
                data_format=_choice(values, "data_format", "auto", get_args(DataFormat)),
                label_set=_choice(values, "label_set", "crowd", get_args(LabelSet)),
            ),
            tile=_tile(values.get("tile")),
            scale=_scale(values.get("scale", 1)),
            layout=layout_of(values, names, numbers),
            splits=parse_splits(values.get("splits"), path.parent),
            named=values.get("named"),
            undocumented=bool(values.get("undocumented")),
            about={key: " ".join(str(values[key]).split()) for key in ABOUT if key in values},
        )
    except AreosegError as error:
        raise AreosegError(f"{path}: {error}") from None


def _names(values: dict[str, Any]) -> tuple[list[str], dict[int, str]]:
    """Return the names of the classes, and the mask values that the spelling of other tools gives.

    Ultralytics writes `names: {0: sand, 1: rock}`, and nnU-Net `labels: {background: 0, rock: 1}`.
    """
    given = [key for key in _CLASSES if key in values]
    if len(given) > 1:
        raise AreosegError(f"{' and '.join(given)}: give the classes once")
    names = values[given[0]] if given else None
    numbers: dict[int, str] = {}
    if isinstance(names, dict):
        pairs = names.items() if given[0] == "names" else ((v, k) for k, v in names.items())
        for number, name in pairs:
            if not isinstance(number, int) or isinstance(number, bool) or number in numbers:
                raise AreosegError(f"{given[0]}: give each class a mask value of its own")
            if str(name).lower() != "ignore":  # nnU-Net's name of void
                numbers[number] = str(name)
        names = [numbers[number] for number in sorted(numbers)]
        if sorted(numbers) == list(range(len(numbers))):
            numbers = {}
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise AreosegError("classes: give a list of names, such as [background, sand, rock]")
    return names, numbers


def _taxonomy(values: dict[str, Any], names: list[str]) -> Taxonomy:
    default = MARS if tuple(names) == MARS.names else taxonomy_of(names)
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


def _scale(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= 1:
        return float(value)
    raise AreosegError(f"scale {value!r}: give a number above 0 and at most 1, such as 0.25")


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
