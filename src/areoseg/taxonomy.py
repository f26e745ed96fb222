"""The classes of a segmentation task: their names, their colors, and which one is background.

No other module of areoseg depends on the number of classes.
"""

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

from areoseg.errors import AreosegError

VOID = 255
"""Mask value of a pixel that is ignored by losses and scores."""


@dataclass(frozen=True)
class Taxonomy:
    """An ordered list of classes.

    Attributes:
        names: Name of each class; the position is the class index in masks.
        colors: RGB color of each class, 0 to 255.
        background: Index of the class that protocols treat as background.

    Raises:
        AreosegError: There are fewer than 2 or more than 255 classes, two have the same name, or
            colors or background do not fit them.
    """

    names: tuple[str, ...]
    colors: tuple[tuple[int, int, int], ...]
    background: int = 0

    def __post_init__(self) -> None:
        if not 2 <= len(self.names) <= VOID:
            raise AreosegError(f"{len(self.names)} classes: give 2 to {VOID}")
        if len(set(self.names)) < len(self.names):
            raise AreosegError(f"classes {', '.join(self.names)}: give each a name of its own")
        if len(self.colors) != len(self.names):
            raise AreosegError(
                f"{len(self.colors)} colors for {len(self.names)} classes: give one color per class"
            )
        if not 0 <= self.background < len(self.names):
            raise AreosegError(
                f"background {self.background}: give a class index from 0 to {len(self.names) - 1}"
            )

    def __len__(self) -> int:
        return len(self.names)

    @property
    def identity(self) -> tuple[tuple[str, ...], int]:
        """What a model depends on: the names and which of them is background, not the colors."""
        return self.names, self.background

    @property
    def terrain(self) -> tuple[int, ...]:
        """Indices of the classes other than background."""
        return tuple(index for index in range(len(self)) if index != self.background)

    @property
    def outlined(self) -> tuple[int, ...]:
        """Indices of the classes whose regions have an outline in overlays: big rock."""
        return tuple(index for index, name in enumerate(self.names) if name == OUTLINED)


OUTLINED = "big rock"
"""The class that rovers must not miss."""

MARS = Taxonomy(
    names=("background", "soil", "bedrock", "sand", "big rock"),
    colors=((20, 32, 32), (217, 101, 16), (98, 184, 230), (250, 243, 175), (126, 14, 190)),
)
"""The classes of AI4Mars, with "no label" as background.

Any two colors differ by at least 20 units (CIE76) for normal vision, deuteranopia, protanopia and
tritanopia, also in overlays on mid gray.
"""


def taxonomy_of(names: Sequence[str]) -> Taxonomy:
    """Return a taxonomy of these classes in distinct colors.

    The class called `background` is the background, or else the first.
    """
    # Steps of the golden angle avoid every hue that was used shortly before.
    hues = [(0.08 + 0.381966 * index) % 1 for index in range(len(names))]
    colors = [colorsys.hsv_to_rgb(hue, 0.6, 0.85) for hue in hues]
    background = names.index("background") if "background" in names else 0
    return Taxonomy(
        names=tuple(names),
        colors=tuple((round(255 * r), round(255 * g), round(255 * b)) for r, g, b in colors),
        background=background,
    )
