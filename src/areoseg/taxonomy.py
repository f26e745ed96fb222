"""The classes of a segmentation task: their names, their colours, and which one is background.

Nothing else in areoseg knows how many classes there are.
"""

from dataclasses import dataclass

VOID = 255
"""The mask value of a pixel that counts for nothing: not for the loss, not for a score."""


@dataclass(frozen=True)
class Taxonomy:
    """An ordered list of classes.

    Attributes:
        names: One name a class; the position is the class index in masks.
        colours: One RGB colour a class, 0 to 255.
        background: The class index that protocols treat as background.
    """

    names: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...]
    background: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def terrain(self) -> tuple[int, ...]:
        """The class indices other than background."""
        return tuple(index for index in range(len(self)) if index != self.background)


MARS = Taxonomy(
    names=("background", "soil", "bedrock", "sand", "big rock"),
    colours=((32, 32, 36), (201, 122, 64), (112, 138, 168), (240, 208, 128), (214, 40, 57)),
)
"""The homework's classes, which are those of AI4Mars with "no label" as background."""
