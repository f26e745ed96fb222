"""The stages of a training, with their losses.

Stages are defined by the progress of the training, so that a time budget moves their ends together
with the end of training. A recipe without stages is trained in a single stage.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from torch import Tensor

from areoseg.errors import AreosegError
from areoseg.losses.class_weights import class_weights
from areoseg.losses.combined import CombinedLoss, build_loss
from areoseg.losses.gate import GatedLoss
from areoseg.recipes import Recipe
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import StageData
from areoseg.training.plan import Plan

ROUNDING = 1e-9  # tolerance between values of progress that are computed differently


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    Attributes:
        recipe: The recipe of this stage.
        loss: Its loss.
        start: The progress of the training at which it begins.
        end: The progress of the training at which it ends.
    """

    recipe: Recipe
    loss: CombinedLoss | GatedLoss
    start: float
    end: float

    def progress(self, whole: float) -> float:
        """Return the progress of the stage, 0 to 1, at a progress of the whole training."""
        return min(1.0, max(0.0, (whole - self.start) / (self.end - self.start)))


def build_stages(
    data: Sequence[StageData], taxonomy: Taxonomy, *, auxiliary_weights: tuple[float, ...] = ()
) -> tuple[Stage, ...]:
    """Build the stages of a training with their losses.

    Args:
        data: The recipe and data of each stage.
        taxonomy: The classes.
        auxiliary_weights: Weight of the loss of each auxiliary output of the network.
    """
    losses = [_loss(stage, taxonomy, auxiliary_weights) for stage in data]
    return make_stages([stage.recipe for stage in data], losses, [stage.steps for stage in data])


def _loss(
    stage: StageData, taxonomy: Taxonomy, auxiliary_weights: tuple[float, ...]
) -> CombinedLoss | GatedLoss:
    """Build the loss of a stage; with a background gate, its terms see the terrain classes only."""
    weights, background = _class_weights(stage, taxonomy), taxonomy.background
    data = stage.recipe.data
    gated = data.background == "gate"
    combined = build_loss(
        stage.recipe.loss,
        class_weights=weights[list(taxonomy.terrain)] if gated else weights,
        classes=len(taxonomy.terrain) if gated else len(taxonomy),
        background=background,
        auxiliary_weights=auxiliary_weights,
    )
    if not gated:
        return combined
    weights[background] = 1  # the mean weight of a terrain pixel
    return GatedLoss(
        combined, background=background, weight=data.gate_weight, class_weights=weights
    )


def make_stages(
    recipes: Sequence[Recipe], losses: Sequence[CombinedLoss | GatedLoss], steps: Sequence[int]
) -> tuple[Stage, ...]:
    """Return consecutive stages.

    Args:
        recipes: The recipe of each stage.
        losses: The loss of each.
        steps: The steps of each; only their ratios count.
    """
    ends = [done / sum(steps) for done in accumulate(steps)]
    starts = [0.0, *ends[:-1]]
    return tuple(Stage(*stage) for stage in zip(recipes, losses, starts, ends, strict=True))


def _class_weights(stage: StageData, taxonomy: Taxonomy) -> Tensor:
    """Return class weights by the recipe's scheme; background that is no class is not counted."""
    pixels = stage.pixels.copy()
    if stage.recipe.data.background != "class":
        pixels[:, taxonomy.background] = 0
    in_sample = pixels.sum(axis=1, keepdims=True)
    return class_weights(
        pixels.sum(axis=0),
        stage.recipe.class_weights.scheme,
        pixels_where_present=((pixels > 0) * in_sample).sum(axis=0),
        cap=stage.recipe.class_weights.cap,
    )


def stage_at(stages: Sequence[Stage], progress: float) -> int:
    """Return the index of the stage at a progress of the whole training, from 0."""
    return sum(progress >= stage.end - ROUNDING for stage in stages[:-1])


def stage_end(stages: Sequence[Stage], stage: int, plan: Plan, step: int) -> int:
    """Return the first step, at or after `step`, at which a stage has ended in the plan."""
    steps = range(step, plan.total)
    return step + bisect_left(steps, stage + 1, key=lambda s: stage_at(stages, plan.progress(s)))


def epoch_end(stages: Sequence[Stage], plan: Plan, step: int) -> int:
    """Return the step at which the epoch that starts at `step` ends; no epoch spans two stages."""
    stage = stage_at(stages, plan.progress(step))
    return min(plan.epoch_end(step), stage_end(stages, stage, plan, step))


def without_rest(stages: Sequence[Stage], stage: int, plan: Plan, step: int) -> Plan:
    """Return the plan without the rest of a stage at `step`; later stages keep their steps."""
    epoch_steps = plan.at(step).epoch_steps
    if stage == len(stages) - 1:
        return plan.corrected(step, step, epoch_steps=epoch_steps)
    later = plan.total - stage_end(stages, stage, plan, step)
    return plan.corrected(step, step + later, epoch_steps=epoch_steps, progress=stages[stage].end)


def check_stages_not_empty(stages: Sequence[Stage], plan: Plan) -> None:
    """Check that a plan gives each stage at least one step.

    Raises:
        AreosegError: A stage has no step; the message names the first one.
    """
    if len(stages) == 1:  # has every step, of which there may be very many
        return
    step, reached = 0, set()
    while step < plan.total:
        reached.add(stage_at(stages, plan.progress(step)))
        step = epoch_end(stages, plan, step)
    for stage in range(len(stages)):
        if stage not in reached:
            raise AreosegError(
                f"stages.{stage}: has none of the {plan.total} planned steps: raise its epochs, or"
                " train for longer"
            )
