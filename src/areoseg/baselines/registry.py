"""The baselines by name."""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from areoseg.baselines.guessing import guess
from areoseg.baselines.logistic_regression import logistic_regression
from areoseg.baselines.majority import majority
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.utils.images import Mask


@dataclass(frozen=True)
class Baseline:
    """One way to segment without a network.

    Attributes:
        name: What commands call it.
        predict: Takes the training samples and the images to segment, and by keyword `seed` and
            `taxonomy`; returns a mask (H, W) of class indices for each image.
        summary: One line on what it is.
    """

    name: str
    predict: Callable[..., list[Mask]]
    summary: str


_TABLE = (
    Baseline("random", guess, "every class with equal chances, background too"),
    Baseline("majority", majority, "the commonest terrain class everywhere"),
    Baseline(
        "logistic-regression",
        logistic_regression,
        "each pixel by the brightness and texture around it",
    ),
)

BASELINES: Mapping[str, Baseline] = MappingProxyType({entry.name: entry for entry in _TABLE})
"""All baselines by name, the weakest first."""


def baseline(name: str) -> Baseline:
    """The baseline called `name`.

    Raises:
        AreosegError: There is none; the message names the nearest.
    """
    if name not in BASELINES:
        raise AreosegError(f"there is no baseline {name!r}: {did_you_mean(name, BASELINES)}")
    return BASELINES[name]
