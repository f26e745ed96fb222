"""Soups: one network with the mean of the weights of several.

Wortsman et al. 2022, arXiv 2203.05482. Means of weights are good where the networks lie in one
basin of the loss, as after a common start; networks trained from different random weights mostly
do not.
"""

from collections.abc import Callable
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch

from areoseg.models.segmenter import Segmenter
from areoseg.runs.info import SoupIngredient


@dataclass(frozen=True)
class Ingredient:
    """A trained network that may enter a soup.

    Attributes:
        name: What to call it.
        segmenter: The network, not calibrated.
        score: What it scores alone.
    """

    name: str
    segmenter: Segmenter
    score: float


@dataclass(frozen=True)
class Soup:
    """A network whose weights are the mean of those of its ingredients.

    Attributes:
        segmenter: The network.
        score: What it scores.
        tried: All ingredients, the best alone first.
    """

    segmenter: Segmenter
    score: float
    tried: tuple[SoupIngredient, ...]

    @property
    def taken(self) -> tuple[str, ...]:
        """The names of the ingredients in it."""
        return tuple(each.name for each in self.tried if each.selected)


def greedy_soup(
    ingredients: Sequence[Ingredient],
    score: Callable[[Segmenter], float],
    measure_statistics: Callable[[Segmenter], None],
) -> Soup:
    """Take the best network, and each further one with which the mean scores no lower.

    Algorithm 1 of the paper, on the validation score.

    Args:
        ingredients: Networks of one architecture; one with the weights of an earlier is left out.
        score: Scores a network on the validation part.
        measure_statistics: Measures batch normalization anew for averaged weights.
    """
    ordered = sorted(ingredients, key=lambda each: -each.score)
    best = ordered[0]
    taken = [best.segmenter]
    soup, soup_score = best.segmenter, best.score
    tried = [_result(best, best.score, selected=True)]
    for each in ordered[1:]:
        if any(equal_weights(each.segmenter, other) for other in taken):
            tried.append(_result(each, None, selected=False))
            continue
        candidate = mean_of([*taken, each.segmenter])
        measure_statistics(candidate)
        candidate_score = score(candidate)
        helpful = candidate_score >= soup_score
        tried.append(_result(each, candidate_score, selected=helpful))
        if helpful:
            taken.append(each.segmenter)
            soup, soup_score = candidate, candidate_score
    return Soup(soup, soup_score, tuple(tried))


def _result(each: Ingredient, soup_score: float | None, *, selected: bool) -> SoupIngredient:
    return SoupIngredient(
        name=each.name, score=each.score, soup_score=soup_score, selected=selected
    )


@torch.no_grad()
def mean_of(segmenters: Sequence[Segmenter]) -> Segmenter:
    """A network with the mean of all weights and statistics; counters are those of the first."""
    mean = deepcopy(segmenters[0])
    states: list[dict[str, Any]] = [each.state_dict() for each in segmenters]
    for name, value in mean.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.stack([state[name] for state in states]).mean(dim=0))
    return mean


def equal_weights(one: Segmenter, other: Segmenter) -> bool:
    """Whether two networks of one architecture have the same weights to the bit."""
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.equal(first, second) for first, second in pairs)
