"""The device, number of threads and precision to compute with."""

import time
from contextlib import AbstractContextManager
from functools import cache
from typing import Literal

import torch
from torch.nn import functional

from areoseg.errors import AreosegError

Precision = Literal["float32", "bfloat16"]


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; `auto` is the first GPU if available, otherwise the CPU.

    Raises:
        AreosegError: The device does not exist.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise AreosegError(
            f"--device {name}: this device does not exist: use cpu, cuda or auto"
        ) from None
    return device


def use_threads(threads: int | None) -> int:
    """Set PyTorch's number of threads unless it is None; return the number in use.

    Raises:
        AreosegError: The number is less than 1.
    """
    if threads is not None:
        if threads < 1:
            raise AreosegError(f"--threads {threads}: give 1 or more")
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def fork_rng(device: torch.device) -> AbstractContextManager[None]:
    """Restore PyTorch's random state, of the CPU and of `device`, after a block that seeds it."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


def choose_precision(precision: str, device: torch.device) -> Precision:
    """Return the precision to compute in; `auto` is bfloat16 if the device is faster in it."""
    if precision == "bfloat16" or (precision == "auto" and _bfloat16_pays(device)):
        return "bfloat16"
    return "float32"


def autocast(device: torch.device, precision: Precision) -> torch.autocast:
    """Return a context that runs networks in the given precision."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


def precision_of_training(trained: str, device: torch.device) -> Precision:
    """Return the precision to score a run in: that of its training if the device supports it.

    It does not depend on speed, so that scores are reproducible.
    """
    return "bfloat16" if trained == "bfloat16" and has_bfloat16(device) else "float32"


def has_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 natively."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(native)


@cache
def _bfloat16_pays(device: torch.device) -> bool:
    """Return whether the device is faster in bfloat16.

    Support in the instruction set does not imply speed: with AVX-512 only, convolutions in bfloat16
    take half the time on some processors and twice the time on others. Therefore both precisions
    are timed on CPUs, which takes 0.05 s.
    """
    if device.type != "cpu" or not has_bfloat16(device):
        return has_bfloat16(device)
    # alternate and use processor time to reduce the influence of other load
    dtypes = (torch.float32, torch.bfloat16)
    rounds = [[convolution_seconds(dtype) for dtype in dtypes] for _ in range(2)]
    exact, reduced = (min(times) for times in zip(*rounds, strict=True))
    return bool(reduced < 0.8 * exact)


def convolution_seconds(dtype: torch.dtype) -> float:
    """Return the minimum processor time of a typical convolution over several calls."""
    maps = torch.ones(16, 32, 32, 64, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.ones(32, 32, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    times = []
    with torch.inference_mode():
        for _ in range(6):
            start = time.process_time()
            functional.conv2d(maps, weight, padding=1)
            times.append(time.process_time() - start)
    return min(times)
