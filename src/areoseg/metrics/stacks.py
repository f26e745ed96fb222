"""Checks pairs of masks and stacks them by size, so that whole stacks are counted at once."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from areoseg.errors import AreosegError
from areoseg.taxonomy import VOID

Labels = NDArray[np.integer[Any]]
"""Class indices of any integer dtype."""

STACK_PIXELS = 1 << 20
"""Maximum pixels per stack: large enough to be fast, small enough to fit in the cache."""


class Stack(NamedTuple):
    """Masks of one size.

    Attributes:
        indices: (n,) positions of the masks in the dataset.
        predictions: (n, H, W) class indices.
        targets: (n, H, W) class indices or `VOID`.
    """

    indices: NDArray[np.intp]
    predictions: Labels
    targets: Labels


def stacks_of_one_size(
    predictions: Sequence[Labels] | Labels, targets: Sequence[Labels] | Labels, classes: int
) -> Iterator[Stack]:
    """Yield stacks of mask pairs of equal size, with about `STACK_PIXELS` pixels each.

    Args:
        predictions: N masks (H, W), or one array (N, H, W); values 0 to `classes` - 1.
        targets: N masks, each the size of its prediction; values as above, or `VOID`.
        classes: Number of classes.

    Raises:
        AreosegError: The numbers, sizes, dtypes or values of the masks do not match.
    """
    if len(predictions) != len(targets):
        raise AreosegError(
            f"{len(predictions)} predictions but {len(targets)} targets: give one per image"
        )
    indices_by_size: dict[tuple[int, ...], list[int]] = {}
    for index, (prediction, target) in enumerate(zip(predictions, targets, strict=True)):
        check_pair(prediction, target, where=f" of image {index}")
        if target.ndim != 2:
            raise AreosegError(f"mask of image {index} has shape {target.shape}: give (H, W)")
        indices_by_size.setdefault(target.shape, []).append(index)
    for size, indices in indices_by_size.items():
        step = max(1, STACK_PIXELS // max(1, size[0] * size[1]))
        for start in range(0, len(indices), step):
            chosen = indices[start : start + step]
            stack = Stack(
                np.asarray(chosen, dtype=np.intp),
                np.stack([predictions[index] for index in chosen]),
                np.stack([targets[index] for index in chosen]),
            )
            _check_stack(stack, classes)
            yield stack


def check_pair(prediction: Labels, target: Labels, where: str = "") -> None:
    """Check that both masks are integer arrays of the same shape.

    Args:
        prediction: Class indices.
        target: Class indices or `VOID`.
        where: Suffix for "prediction" and "target" in errors, for example `" of image 3"`.

    Raises:
        AreosegError: The shapes differ, or a dtype is not an integer type.
    """
    if prediction.shape != target.shape:
        raise AreosegError(
            f"prediction{where} has shape {prediction.shape} but its target {target.shape}: "
            "resize the prediction to the size of the target"
        )
    for what, labels in (("prediction", prediction), ("target", target)):
        if not np.issubdtype(labels.dtype, np.integer):
            raise AreosegError(
                f"{what}{where} has dtype {labels.dtype}: give class indices as integers"
            )


def check_values(prediction: Labels, target: Labels, classes: int, where: str = "") -> None:
    """Check that predictions are class indices, and targets are class indices or `VOID`.

    Args:
        prediction: Class indices, any shape.
        target: Class indices or `VOID`, any shape.
        classes: Number of classes.
        where: Suffix for "prediction" and "target" in errors.

    Raises:
        AreosegError: A value is invalid; predictions must not be `VOID` even where the target is.
    """
    wrong = prediction[(prediction < 0) | (prediction >= classes)]
    if wrong.size:
        raise AreosegError(
            f"prediction{where} holds the value {wrong[0]}: give class indices 0 to {classes - 1}"
        )
    wrong = target[((target < 0) | (target >= classes)) & (target != VOID)]
    if wrong.size:
        raise AreosegError(
            f"target{where} holds the value {wrong[0]}: "
            f"give class indices 0 to {classes - 1}, or {VOID} for void"
        )


def _check_stack(stack: Stack, classes: int) -> None:
    """Check the whole stack at once; if it is invalid, find the image to report."""
    try:
        check_values(stack.predictions, stack.targets, classes)
    except AreosegError:
        for index, prediction, target in zip(*stack, strict=True):
            check_values(prediction, target, classes, where=f" of image {index}")
