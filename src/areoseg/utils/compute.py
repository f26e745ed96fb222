"""Compute options, shared by commands and functions."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ComputeOptions:
    """The device and the number of threads to compute with.

    Attributes:
        device: cpu, cuda, or auto (the GPU if available, otherwise the CPU).
        threads: CPU threads. Default: one per core.
    """

    device: Literal["auto", "cpu", "cuda"] = "cpu"
    threads: int | None = None
