"""Models that exist in more than one reading choose it by `variant`."""

from collections.abc import Mapping
from typing import TypeVar

from areoseg.errors import AreosegError

T = TypeVar("T")


def choose_variant(model: str, variants: Mapping[str, T], variant: str) -> T:
    """The entry of `variants` called `variant`.

    Raises:
        AreosegError: There is none; the message lists those that exist.
    """
    if variant not in variants:
        raise AreosegError(
            f"model {model!r} has no variant {variant!r}: choose from {', '.join(variants)}"
        )
    return variants[variant]
