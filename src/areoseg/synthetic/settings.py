"""The settings of a synthetic set."""

from dataclasses import dataclass

from areoseg.errors import AreosegError

SMALLEST = 16
"""Pixels that a side must have at least."""

LARGEST = 4096
"""Pixels that a side may have at most."""


@dataclass(frozen=True)
class SyntheticMars:
    """The settings of a synthetic set.

    Attributes:
        height: Rows of each sample.
        width: Columns of each sample.
        seed: Which world; 0 or more.
        rock_tiles: Share of samples that hold at least one big rock, 0 to 1. On real tiles it is
            about 0.025, too few to learn from in a short demonstration.
    """

    height: int = 64
    width: int = 128
    seed: int = 0
    rock_tiles: float = 0.025

    def __post_init__(self) -> None:
        for field, side in (("height", self.height), ("width", self.width)):
            if not SMALLEST <= side <= LARGEST:
                raise AreosegError(
                    f"synthetic {field} {side}: choose one from {SMALLEST} to {LARGEST} pixels"
                )
        if self.seed < 0:
            raise AreosegError(f"synthetic seed {self.seed}: choose 0 or more")
        if not 0 <= self.rock_tiles <= 1:
            raise AreosegError(
                f"synthetic rock_tiles {self.rock_tiles}: give a share from 0 to 1, such as 0.025"
            )
