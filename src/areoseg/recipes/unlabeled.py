"""What a recipe may say of unlabeled images of the same data set."""

from typing import Annotated

from pydantic import Field

from areoseg.recipes.section import Count
from areoseg.recipes.section import Decay
from areoseg.recipes.section import Section
from areoseg.recipes.section import Share


class UnlabeledSettings(Section):
    """Self-training within one training: the kept weights label what nobody has labeled.

    From `start` on a share of each batch is unlabeled samples with pseudo-labels, which the average
    of the weights gives anew in each round. Of the answers of each class only the most confident
    ones count. Data without unlabeled samples are trained on as without this section.
    """

    share: Decay = 0.0
    """Share of each batch that is unlabeled samples; 0: none is used."""
    start: Share = 0.4
    """Share of the training after which the first round begins."""
    rounds: Count = 3
    """How often labels are made, at equal distances from `start` to the end."""
    keep: Annotated[float, Field(gt=0, le=1)] = 0.6
    """Share of the answers of each class that become labels, the most confident ones."""
    floor: Decay = 0.5
    """Confidence below which no answer becomes a label."""

    def round_at(self, progress: float) -> int:
        """The round that is on at a progress of the training, from 0; -1 before the first."""
        if not self.share or progress < self.start:
            return -1
        done = (progress - self.start) / (1 - self.start) if self.start < 1 else 0.0
        return min(self.rounds - 1, int(done * self.rounds))
