"""What the parts of a recipe have in common: their base, and the ranges of numbers."""

from typing import Annotated

from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]
"""The factor of a moving average: what is kept of the old value."""
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """Base of all parts of a recipe: immutable, and unknown values are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
