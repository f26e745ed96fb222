"""What a recipe may ask of a learning-rate schedule. One class a schedule.

    schedule: polynomial
    schedule: {name: flat-cosine, flat: 0.6}

This file does not import torch; `training/schedules.py` has the functions themselves.
"""

from typing import Annotated
from typing import Any
from typing import ClassVar
from typing import Literal

from pydantic import Field

from areoseg.recipes.section import Count
from areoseg.recipes.section import Positive
from areoseg.recipes.section import Section
from areoseg.recipes.section import Share


class ScheduleSettings(Section):
    """What every schedule has."""

    summary: ClassVar[str]
    paper: ClassVar[str]
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The values that the schedule's function takes."""
        return self.model_dump(exclude={"name"})


class WarmedUp(ScheduleSettings):
    """What every schedule has that may begin with a warm-up."""

    warmup: Share = 0.0
    """Share of the training in which the learning rate rises from zero to its peak."""


class Constant(WarmedUp):
    """Options of `constant`."""

    summary = "one rate throughout"
    paper = "common practice"
    name: Literal["constant"] = "constant"


class Exponential(WarmedUp):
    """Options of `exponential`."""

    summary = "falls by the same factor in equal times"
    paper = "common practice"
    name: Literal["exponential"] = "exponential"
    end: Annotated[float, Field(gt=0, le=1)] = 0.01
    """The last rate over the peak."""


class Polynomial(WarmedUp):
    """Options of `polynomial`."""

    summary = "a power of what is left of the training"
    paper = "Chen et al. 2018, DeepLab, arXiv 1606.00915"
    name: Literal["polynomial"] = "polynomial"
    power: Positive = 0.9
    end: Share = 0.0
    """The last rate over the peak."""


class Cosine(WarmedUp):
    """Options of `cosine`."""

    summary = "half a cosine after a warm-up"
    paper = "Loshchilov and Hutter 2017, arXiv 1608.03983"
    name: Literal["cosine"] = "cosine"
    warmup: Share = 0.05
    end: Share = 0.0
    """The last rate over the peak."""


class OneCycle(ScheduleSettings):
    """Options of `one-cycle`."""

    summary = "up and down again, each by half a cosine"
    paper = "Smith and Topin 2018, arXiv 1708.07120"
    name: Literal["one-cycle"] = "one-cycle"
    rise: Share = 0.3
    """Share of the training in which the learning rate rises."""
    start: Share = 0.04
    """The first rate over the peak."""
    end: Share = 4e-6
    """The last rate over the peak."""


class FlatCosine(WarmedUp):
    """Options of `flat-cosine`."""

    summary = "one rate, then half a cosine"
    paper = "Ranger, github.com/lessw2020/Ranger-Deep-Learning-Optimizer"
    name: Literal["flat-cosine"] = "flat-cosine"
    flat: Share = 0.75
    """Share of the training, after the warm-up, before the learning rate falls."""
    end: Share = 0.0
    """The last rate over the peak."""


class Plateau(WarmedUp):
    """Options of `plateau`."""

    summary = "falls whenever the validation score has stopped rising"
    paper = "common practice"
    name: Literal["plateau"] = "plateau"
    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """What the rate is multiplied by each time."""
    patience: Count = 3
    """Validations without a better score before the rate falls."""


SCHEDULE_SETTINGS: dict[str, type[ScheduleSettings]] = {
    kind.model_fields["name"].default: kind
    for kind in (Constant, Exponential, Polynomial, Cosine, OneCycle, FlatCosine, Plateau)
}
"""Every schedule by the name that recipes use."""

Schedule = Annotated[
    Constant | Exponential | Polynomial | Cosine | OneCycle | FlatCosine | Plateau,
    Field(discriminator="name"),
]
"""One of the schedules, chosen by its name."""
