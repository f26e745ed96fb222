"""What a recipe may change about a network, whichever model it is.

This file does not import torch; `models/adjust.py` carries out what is chosen here.
"""

from typing import Literal

from areoseg.recipes.section import Count
from areoseg.recipes.section import Decay
from areoseg.recipes.section import Section


class NetworkSettings(Section):
    """First weights and regularization; by default everything is as the model has it.

    A model that has nothing to make a change to refuses it.
    """

    initialization: Literal["he", "xavier", "orthogonal"] | None = None
    """Scheme by which all convolutions are drawn; none: the model's own, which mostly is `he`."""
    zero_last_gamma: bool = False
    """Start the last gamma of each residual branch at zero, so that each block begins as its
    shortcut."""
    weight_standardization: bool = False
    """Give each filter that a normalization follows mean zero and variance one."""
    dropblock: Count | None = None
    """Edge of the squares, in pixels, that are dropped in the place of the model's dropout, at its
    rates (`model.dropout`), which they reach at the end of the training; none: dropout."""
    drop_path: Decay | None = None
    """Probability of leaving out the last residual branch while training; that of the others grows
    towards it linearly (stochastic depth). None: the model's own."""
