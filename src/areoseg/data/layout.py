"""Where the images and masks of a dataset are, and which classes the values of its masks mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError, did_you_mean, shorten
from areoseg.taxonomy import VOID
from areoseg.utils.images import Mask

RGB = tuple[int, int, int]

LAYOUT_FIELDS = ("images", "masks", "mask_suffix", "map", "void")
"""The fields of a dataset description that this module reads."""

_VOID_NAMES = ("void", "ignore")


@dataclass(frozen=True)
class MaskCoding:
    """The class that each value or color of a mask means.

    Attributes:
        values: Class index, or `VOID`, by mask value; empty: a value is its class.
        colors: Class index, or `VOID`, by color; empty: masks are not colored.
        void: Further values that are void.
    """

    values: Mapping[int, int] = field(default_factory=dict)
    colors: Mapping[RGB, int] = field(default_factory=dict)
    void: tuple[int, ...] = (VOID,)

    def classes_of(self, mask: NDArray[Any], classes: int, where: str) -> Mask:
        """Return the class indices (H, W) of a mask as stored.

        Args:
            mask: (H, W) values, or (H, W, 3) colors.
            classes: Number of classes.
            where: Name of the mask in messages.

        Raises:
            AreosegError: A value or color has no class; the message lists such values.
        """
        if self.colors:
            return self._of_colors(mask, where)
        if mask.ndim == 3:
            if (mask != mask[..., :1]).any():
                raise AreosegError(
                    f"{where}: the mask is in color: give the class of each color in `map` of the"
                    " dataset description"
                )
            mask = mask[..., 0]
        known = dict(self.values) if self.values else {index: index for index in range(classes)}
        known.update((value, VOID) for value in self.void if value not in self.values)
        found = np.unique(mask)
        unknown = [value.item() for value in found if value.item() not in known]
        if unknown:
            raise AreosegError(
                f"{where}: mask value {shorten(unknown)} without a class: add it to `map` or `void`"
                " of the dataset description"
            )
        return _looked_up(mask, found, known)

    def _of_colors(self, mask: NDArray[Any], where: str) -> Mask:
        if mask.ndim == 2:
            mask = np.repeat(mask[..., np.newaxis], 3, axis=2)
        packed = (mask.astype(np.int64) * (1 << 16, 1 << 8, 1)).sum(axis=-1)
        known = {(r << 16) + (g << 8) + b: index for (r, g, b), index in self.colors.items()}
        found = np.unique(packed)
        unknown = [f"#{value.item():06x}" for value in found if value.item() not in known]
        if unknown:
            raise AreosegError(
                f"{where}: color {shorten(unknown)} without a class: add it to `map` of the dataset"
                " description"
            )
        return _looked_up(packed, found, known)


def _looked_up(values: NDArray[Any], found: NDArray[Any], known: Mapping[int, int]) -> Mask:
    """Return the class of each value, given all values that occur, ascending."""
    table: Mask = np.array([known[value.item()] for value in found], np.uint8)
    classes: Mask = table[np.searchsorted(found, values)]
    return classes


@dataclass(frozen=True)
class Layout:
    """Where images and masks are.

    Attributes:
        images: Folder of the images below the dataset's.
        masks: Folder of the masks below the dataset's.
        mask_suffix: What a mask's name has after the stem of its image, such as `_label`.
        coding: The classes of mask values.
    """

    images: str = "images"
    masks: str = "masks"
    mask_suffix: str = ""
    coding: MaskCoding = field(default_factory=MaskCoding)


def layout_of(
    values: Mapping[str, Any], names: list[str], numbers: Mapping[int, str]
) -> Layout | None:
    """Parse the fields of a description that say where masks are and how they are coded.

    Args:
        values: The fields of the description.
        names: The classes.
        numbers: Mask values of classes that are given elsewhere in the description.

    Returns:
        The layout, or None if the description has no such field.

    Raises:
        AreosegError: A field is wrong.
    """
    if not numbers and not any(key in values for key in LAYOUT_FIELDS):
        return None
    texts = {}
    for key in ("images", "masks", "mask_suffix"):
        value = values.get(key, "" if key == "mask_suffix" else key)
        if not isinstance(value, str) or value.startswith("/") or ".." in value.split("/"):
            raise AreosegError(f"{key} {value!r}: give a folder below the dataset's")
        texts[key] = value
    levels = {number: names.index(name) for number, name in numbers.items()}
    colors: dict[RGB, int] = {}
    given = values.get("map", {})
    if not isinstance(given, dict):
        raise AreosegError("map: give a class for each mask value or color, such as {0: sand}")
    for key, name in given.items():
        index = _class_index(name, names)
        if isinstance(key, int) and not isinstance(key, bool):
            levels[key] = index
        else:
            colors[_color(key)] = index
    if levels and colors:
        raise AreosegError("map: give mask values or colors, not both")
    void = values.get("void", VOID)
    listed = void if isinstance(void, list) else [void]
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in listed):
        raise AreosegError(f"void {void!r}: give a mask value or a list of them")
    return Layout(**texts, coding=MaskCoding(levels, colors, tuple(listed)))


def _class_index(name: Any, names: list[str]) -> int:
    if isinstance(name, str) and name in names:
        return names.index(name)
    if name is None or (isinstance(name, str) and name.lower() in _VOID_NAMES):
        return VOID
    if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(names):
        return name
    raise AreosegError(f"map: class {name!r}: {did_you_mean(str(name), [*names, 'void'])}")


def _color(key: Any) -> RGB:
    text = str(key)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        red, green, blue = bytes.fromhex(text[1:])
        return red, green, blue
    parts = re.findall(r"\d+", text)
    if re.fullmatch(r"[\[(]?\s*\d+\s*,\s*\d+\s*,\s*\d+\s*[\])]?", text) and all(
        int(part) < 256 for part in parts
    ):
        return int(parts[0]), int(parts[1]), int(parts[2])
    raise AreosegError(
        f"map: {text!r}: write a mask value, or a color as '#c97a40' or '201,122,64'"
    )
