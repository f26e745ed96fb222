"""What a recipe may ask of the loss: the terms, their options, defaults and ranges.

This file does not import torch, so that a recipe can be checked, and the terms listed, at once. A
recipe says

    loss:
      ce: 1.0
      focal: {weight: 1.0, gamma: 0.5}
      boundary: {weight: 0.01, kind: distance, ramp: [0, 1]}

and `LossTerms` is the schema of that table. A bare number is the weight of a term, and a bare name
stands for a whole table: `loss: dice` for `{dice: 1.0}`, `loss: report` for `REPORT_TERMS`.
"""

from collections.abc import Mapping
from typing import Any
from typing import ClassVar
from typing import Literal
from typing import Self
from typing import get_args

from pydantic import BaseModel
from pydantic import ConfigDict
from pydantic import Field
from pydantic import NonNegativeFloat
from pydantic import ValidationError
from pydantic import model_validator

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean

WeightScheme = Literal["none", "inverse", "sqrt", "effective", "median"]
"""How `class_weights.class_weights` weighs classes."""

WEIGHT_SCHEMES: dict[WeightScheme, str] = {
    "none": "all classes alike",
    "inverse": "by one over the pixels of a class",
    "sqrt": "by one over their square root",
    "effective": "by the effective number of pixels, Cui et al. 2019, arXiv 1901.05555",
    "median": "by one over the share of a class where it is present, Eigen and Fergus 2015",
}
"""One line on each scheme."""


class Term(BaseModel):
    """What every term of the loss has.

    Attributes:
        summary: One line on what it is.
        paper: Where it comes from.
        weight: What the term is multiplied by.
        ramp: Factors on the weight at the start and at the end of training, linear in between.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    summary: ClassVar[str]
    paper: ClassVar[str]
    weight: NonNegativeFloat = 1.0
    ramp: tuple[NonNegativeFloat, NonNegativeFloat] = (1.0, 1.0)

    @model_validator(mode="before")
    @classmethod
    def _read_bare_weight(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {"weight": value}
        if isinstance(value, Mapping | Term):
            return value
        raise ValueError(f"give a weight, such as 1.0, or a table of options, not {value!r}")

    def weight_at(self, progress: float) -> float:
        """Say the weight at a moment of training: `progress` runs from 0 to 1."""
        start, end = self.ramp
        return self.weight * (start + (end - start) * progress)

    @property
    def options(self) -> dict[str, Any]:
        """The term's own options, without the weight and the ramp."""
        return self.model_dump(exclude={"weight", "ramp"})


class CrossEntropy(Term):
    """Options of `cross_entropy`."""

    summary = "cross entropy"
    paper = "Szegedy et al. 2016, arXiv 1512.00567 (label smoothing)"
    class_weighted: bool = True
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


class Dice(Term):
    """Options of `dice`."""

    summary = "one minus the soft Dice coefficient of the batch"
    paper = "Milletari et al. 2016, arXiv 1606.04797; Sudre et al. 2017, arXiv 1707.03237"
    class_weighted: bool = False
    generalized: bool = False


class Focal(Term):
    """Options of `focal`; class weights are its alpha, unless it has one of its own."""

    summary = "cross entropy that turns away from pixels already right"
    paper = "Lin et al. 2017, arXiv 1708.02002"
    class_weighted: bool = True
    gamma: float = Field(default=2.0, ge=0)
    alpha: tuple[NonNegativeFloat, ...] | None = None


class Boundary(Term):
    """Options of `boundary`."""

    summary = "probability weighed by its distance from the border, or errors along the border"
    paper = "Kervadec et al. 2019, arXiv 1812.07032 (distance); the homework report (edges)"
    kind: Literal["distance", "edges"] = "distance"


class Background(Term):
    """Options of `background_penalty`."""

    summary = "an extra price on taking background for terrain, or terrain for background"
    paper = "the homework report, section 2.3"


class Lovasz(Term):
    """Options of `lovasz_softmax`."""

    summary = "the Jaccard loss of hard predictions, made continuous"
    paper = "Berman et al. 2018, arXiv 1705.08790"
    class_weighted: bool = False


class Tversky(Term):
    """Options of `tversky`."""

    summary = "Dice with one price for misses and another for false alarms"
    paper = "Salehi et al. 2017, arXiv 1706.05721"
    class_weighted: bool = False
    delta: float = Field(default=0.7, gt=0, le=1)


class FocalTversky(Term):
    """Options of `focal_tversky`."""

    summary = "a power of the Tversky loss of each class"
    paper = "Abraham and Khan 2019, arXiv 1810.07842"
    class_weighted: bool = False
    delta: float = Field(default=0.7, gt=0, le=1)
    gamma: float = Field(default=0.75, gt=0)


class Jaccard(Term):
    """Options of `jaccard`."""

    summary = "one minus the soft intersection over union of the batch"
    paper = "Rahman and Wang 2016, doi 10.1007/978-3-319-50835-1_22"
    class_weighted: bool = False


class HardExamples(Term):
    """Options of `ohem_cross_entropy`."""

    summary = "cross entropy over the hardest pixels only"
    paper = "Shrivastava et al. 2016, arXiv 1604.03540"
    class_weighted: bool = True
    threshold: float = Field(default=0.7, ge=0, le=1)
    least_kept: float = Field(default=0.1, gt=0, le=1)


class EdgeCrossEntropy(Term):
    """Options of `edge_cross_entropy`."""

    summary = "cross entropy that counts pixels near a border for more"
    paper = "Ronneberger et al. 2015, arXiv 1505.04597"
    class_weighted: bool = True
    strength: float = Field(default=5.0, ge=0)
    sigma: float = Field(default=2.0, gt=0)


class ReportCode(Term):
    """Options of `report_code`."""

    summary = "what the code of the homework report computed, which is not what its text says"
    paper = "the homework report's notebook"
    big_rock: int = Field(default=4, ge=0)


def _recipe_name(field: str) -> str:
    return field.replace("_", "-")


class LossTerms(BaseModel):
    """The terms of a loss, under the names that recipes use; at least one has a weight."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=_recipe_name)

    ce: CrossEntropy | None = None
    dice: Dice | None = None
    focal: Focal | None = None
    boundary: Boundary | None = None
    background: Background | None = None
    lovasz: Lovasz | None = None
    tversky: Tversky | None = None
    focal_tversky: FocalTversky | None = None
    jaccard: Jaccard | None = None
    ohem: HardExamples | None = None
    edge_ce: EdgeCrossEntropy | None = None
    report_code: ReportCode | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_name(cls, value: object) -> object:
        if isinstance(value, str) and value not in NAMED_LOSSES:
            raise ValueError(f"there is no loss {value!r}: {did_you_mean(value, NAMED_LOSSES)}")
        if isinstance(value, str):
            return NAMED_LOSSES[value]
        if isinstance(value, Mapping | LossTerms):
            return value
        raise ValueError("write a table of terms, such as {ce: 1.0, dice: 0.5}, or a name")

    @model_validator(mode="after")
    def _check_sum(self) -> Self:
        if not any(term.weight * max(term.ramp) > 0 for term in self.chosen.values()):
            raise ValueError("no term has a weight above 0: give one, such as {ce: 1.0}")
        return self

    @property
    def chosen(self) -> dict[str, Term]:
        """The terms that are there, by the names that recipes use."""
        return {_recipe_name(field): term for field, term in self if term is not None}


TERMS: dict[str, type[Term]] = {
    # A field's type reads `Model | None`; the model is the first of the two.
    _recipe_name(name): get_args(field.annotation)[0]
    for name, field in LossTerms.model_fields.items()
}
"""Every term by the name that recipes use."""

TermTable = Mapping[str, float | Mapping[str, Any]]
"""Terms by name, each a weight or a table of options."""

REPORT_TERMS: TermTable = {
    "ce": 1.0,
    "dice": {"weight": 1.0, "class_weighted": True},
    "focal": {"weight": 1.0, "gamma": 2.0},
    "boundary": {"weight": 0.1, "kind": "edges"},
    "background": 1.0,
}
"""The loss of the report's text (section 2.3), with class weights of the scheme "inverse".

The text names the five terms. The 0.1, gamma 2 and the Sobel edges are its code's; weight 1 for
every other term is our reading.
"""

NAMED_LOSSES: Mapping[str, TermTable] = {
    "report": REPORT_TERMS,
    **{name: {name: 1.0} for name in TERMS},
}
"""The table that a bare name stands for: the report's, or a single term."""


def parse_terms(terms: LossTerms | TermTable | str) -> LossTerms:
    """Check a table of terms.

    Args:
        terms: Names to weights or to tables of options, as in a recipe; or a name in
            `NAMED_LOSSES`.

    Raises:
        AreosegError: With every error at once: unknown terms or options, values out of range, no
            weight above 0.
    """
    try:
        return LossTerms.model_validate(terms)
    except ValidationError as error:
        errors = "; ".join(_describe(detail["loc"], detail) for detail in error.errors())
        raise AreosegError(f"loss: {errors}") from None


def _describe(place: tuple[int | str, ...], detail: Mapping[str, Any]) -> str:
    """Say one error that pydantic found: where it is, what is wrong, what is allowed."""
    where = ".".join(map(str, place))
    if detail["type"] == "extra_forbidden":
        known = TERMS if len(place) == 1 else TERMS[str(place[0])].model_fields
        return f"there is no {where!r}: {did_you_mean(str(place[-1]), known)}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
