"""What a recipe may ask of an optimizer. One class an optimizer, with the defaults of its paper.

    optimizer: lion
    optimizer: {name: sgd, lr: 0.1, momentum: 0.99}

Learning rates are set relative to each other, so that an optimizer can be changed by its name
alone: they start from AdamW at 2e-3. This file does not import torch, so that a recipe can be
checked at once; `training/optimizers.py` builds what is chosen here.
"""

from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal

from pydantic import Field

from areoseg.recipes.section import Count
from areoseg.recipes.section import Decay
from areoseg.recipes.section import NonNegative
from areoseg.recipes.section import Positive
from areoseg.recipes.section import Section
from areoseg.recipes.section import Share

Betas = tuple[Decay, Decay]


class OptimizerSettings(Section):
    """What every optimizer has."""

    summary: ClassVar[str]
    paper: ClassVar[str]
    name: str
    lr: Positive
    """The peak learning rate."""
    weight_decay: NonNegative
    """Weight decay; never applied to normalization and bias, unless `decay_all`."""
    decay_all: bool = False
    """Apply weight decay to normalization and bias too."""
    l2: NonNegative = 0.0
    """Weight of the squared norm of the convolution weights in the loss."""
    clip: Positive | None = 1.0
    """Largest norm of the gradient; none: no clipping."""
    accumulate: Count = 1
    """Batches whose gradients are averaged before a step. A step then draws so many times
    `training.batch_size` samples, and takes the memory of `training.batch_size`."""

    @property
    def options(self) -> dict[str, Any]:
        """The optimizer's own options, without those that every optimizer has."""
        return self.model_dump(exclude=set(OptimizerSettings.model_fields))


class SGD(OptimizerSettings):
    """Options of `sgd`; its weight decay is added to the gradient."""

    summary = "gradient descent with Nesterov momentum"
    paper = "Sutskever et al. 2013, ICML 28 (3); decay of nnU-Net, arXiv 1809.10486"
    name: Literal["sgd"] = "sgd"
    lr: Positive = 5e-2
    weight_decay: NonNegative = 3e-5
    momentum: Decay = 0.9
    nesterov: bool = True
    """Take the gradient where the momentum leads."""


class Adam(OptimizerSettings):
    """Options of `adam`; its weight decay is added to the gradient."""

    summary = "steps scaled by running moments of the gradient"
    paper = "Kingma and Ba 2015, arXiv 1412.6980"
    name: Literal["adam"] = "adam"
    lr: Positive = 2e-3
    weight_decay: NonNegative = 0.0
    betas: Betas = (0.9, 0.999)
    """Decay of the first and the second moment."""
    eps: Positive = 1e-8


class AdamW(OptimizerSettings):
    """Options of `adamw`; its weight decay is decoupled from the gradient."""

    summary = "Adam with decoupled weight decay"
    paper = "Loshchilov and Hutter 2019, arXiv 1711.05101"
    name: Literal["adamw"] = "adamw"
    lr: Positive = 2e-3
    weight_decay: NonNegative = 1e-2
    betas: Betas = (0.9, 0.999)
    """Decay of the first and the second moment."""
    eps: Positive = 1e-8


class Lion(OptimizerSettings):
    """Options of `lion`; its weight decay is decoupled from the gradient.

    Every weight moves by the learning rate in each step, so the rate is a fifth of AdamW's and
    the decay five times as large, by the paper's advice (section 5); their product is the same.
    """

    summary = "the sign of the momentum"
    paper = "Chen et al. 2023, arXiv 2302.06675"
    name: Literal["lion"] = "lion"
    lr: Positive = 4e-4
    weight_decay: NonNegative = 5e-2
    betas: Betas = (0.9, 0.99)
    """What the step keeps of the momentum, and what the momentum keeps of itself."""


class Ranger(OptimizerSettings):
    """Options of `ranger`; its weight decay is decoupled from the gradient.

    Its author pairs it with the schedule `flat-cosine`.
    """

    summary = "rectified Adam, Lookahead and centralized gradients"
    paper = (
        "Liu et al. 2020, arXiv 1908.03265 (RAdam); Zhang et al. 2019, arXiv 1907.08610"
        " (Lookahead); Yong et al. 2020, arXiv 2004.01461 (centralization)"
    )
    name: Literal["ranger"] = "ranger"
    lr: Positive = 2e-3
    weight_decay: NonNegative = 0.0
    betas: Betas = (0.95, 0.999)
    """Decay of the first and the second moment."""
    eps: Positive = 1e-5
    alpha: Share = 0.5
    """How far the slow weights move towards the fast ones."""
    k: Count = 6
    """Steps between two moves of the slow weights."""


OPTIMIZER_SETTINGS: dict[str, type[OptimizerSettings]] = {
    kind.model_fields["name"].default: kind for kind in (SGD, Adam, AdamW, Lion, Ranger)
}
"""Every optimizer by the name that recipes use."""

Optimizer = Annotated[SGD | Adam | AdamW | Lion | Ranger, Field(discriminator="name")]
"""One of the optimizers, chosen by its name."""
