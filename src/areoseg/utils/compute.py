"""Options that say where to compute; shared by the commands and by the functions."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ComputeOptions:
    """Where to compute.

    Attributes:
        device: cpu, cuda, or auto: the GPU if there is one, else the CPU.
        threads: CPU threads. Default: one per core.
    """

    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int | None = None
