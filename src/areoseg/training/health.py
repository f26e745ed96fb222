"""Failures of a training step that a user can mend, as one clear line each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from areoseg.errors import AreosegError, one_line

_CHECKED_STEPS = 50
"""On a GPU the loss is checked every so many steps, since each check waits for the GPU."""


class DivergedError(AreosegError):
    """Raised when the loss of a step is NaN or infinite."""


# Texts of errors of torch, and what to do about them.
_ADVICE = (
    (
        "more than 1 value per channel",
        "batch normalization needs more than one value per channel: raise training.batch_size, or"
        " choose larger tiles with data.tile",
    ),
    ("padding size", "the samples are smaller than the network's reach: choose larger tiles with"
     " data.tile"),
    ("kernel size can't be greater", "the samples are smaller than the network's reach: choose"
     " larger tiles with data.tile"),
    ("output size is too small", "the samples are smaller than the network's reach: choose larger"
     " tiles with data.tile"),
    ("not enough memory", "the memory is full: lower training.batch_size, or raise"
     " optimizer.accumulate"),
    ("out of memory", "the memory is full: lower training.batch_size, or raise"
     " optimizer.accumulate"),
)  # fmt: skip


@contextmanager
def explained(images: Tensor) -> Iterator[None]:
    """Turn the errors that torch raises on unsuitable batches into one line with a remedy.

    Args:
        images: (N, 1, H, W), the batch.

    Raises:
        AreosegError: The batch does not suit the network or the memory.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        text = str(error).lower()
        for part, advice in _ADVICE:
            if part in text:
                count, _, height, width = images.shape
                raise AreosegError(
                    f"cannot train on a batch of {count} samples of {height}x{width}: {advice}"
                    f" ({one_line(error)[:160]})"
                ) from error
        raise


def check_finite(terms: Mapping[str, Tensor], step: int) -> None:
    """Check that the loss of a step is finite.

    Args:
        terms: The value of each term of the loss, and their `total`.
        step: Number of the step.

    Raises:
        DivergedError: A term is NaN or infinite.
    """
    total = terms["total"]
    if total.device.type != "cpu" and step % _CHECKED_STEPS:
        return
    if torch.isfinite(total):
        return
    bad = [name for name, value in terms.items() if not torch.isfinite(value)]
    raise DivergedError(
        f"the loss is {float(total)} at step {step} ({', '.join(bad)}): lower optimizer.lr, or set"
        " optimizer.clip=1"
    )
