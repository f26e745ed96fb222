"""Which processor works, with how many threads, at which precision."""

from typing import Literal

import torch

from areoseg.errors import AreosegError

Precision = Literal["float32", "bfloat16"]


def choose_device(name: str) -> torch.device:
    """The device called `name`; `auto` is the first GPU, or else the CPU.

    Raises:
        AreosegError: There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise AreosegError(f"--device {name}: no such device here; use cpu, cuda or auto") from None
    return device


def use_threads(threads: int | None) -> int:
    """Let PyTorch compute on `threads` cores; None leaves it at all. Returns the number in use."""
    if threads is not None:
        if threads < 1:
            raise AreosegError(f"--threads {threads}: at least one thread is needed")
        torch.set_num_threads(threads)
    return torch.get_num_threads()


def choose_precision(precision: str, device: torch.device) -> Precision:
    """What `auto` means here: bfloat16 where the processor multiplies it natively."""
    if precision == "bfloat16" or (precision == "auto" and _native_bfloat16(device)):
        return "bfloat16"
    return "float32"


def _native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu":
        return False
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return bool(native)
