"""The classes of a segmentation task: their names, their colors, and which one is background.

Nothing else in areoseg knows how many classes there are.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

VOID = 255
"""The mask value of a pixel that counts for nothing: not for the loss, not for a score."""


@dataclass(frozen=True)
class Taxonomy:
    """An ordered list of classes.

    Attributes:
        names: One name a class; the position is the class index in masks.
        colors: One RGB color a class, 0 to 255.
        background: The class index that protocols treat as background.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    background: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def terrain(self) -> tuple[int, ...]:
        """The class indices other than background."""
        return tuple(index for index in range(len(self)) if index != self.background)


MARS = Taxonomy(
    names=("background", "soil", "bedrock", "sand", "big rock"),
    colors=((32, 32, 36), (201, 122, 64), (112, 138, 168), (240, 208, 128), (214, 40, 57)),
)
"""The homework's classes, which are those of AI4Mars with "no label" as background."""


def taxonomy_of(names: Sequence[str]) -> Taxonomy:
    """Classes of these names, in colors that differ from one to the next.

    The class called `background` is the background; without one the first is.
    """
    # Steps of the golden angle never come near a hue that was used shortly before.
    hues = [(0.08 + 0.381966 * index) % 1 for index in range(len(names))]
    colors = [colorsys.hsv_to_rgb(hue, 0.6, 0.85) for hue in hues]
    background = names.index("background") if "background" in names else 0
    return Taxonomy(
        names=tuple(names),
        colors=tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in colors),
        background=background,
    )
