"""The choice of values: TPE with a random generator of its own for each trial."""

from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class SeededByTrial(BaseSampler):
    """Multivariate TPE, seeded by (seed, number of the trial).

    Values then depend on the seed and on the trials before, and on nothing else: a search that is
    stopped and resumed tries what it would have tried, and two processes never try the same
    because they have the same seed.

    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization", NeurIPS 24;
    Watanabe 2023, arXiv 2304.11127.

    Args:
        seed: Of the search.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._tpe = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Start the trial's own generator."""
        state = np.random.SeedSequence([self.seed, trial.number]).generate_state(1)
        # The "constant liar" takes trials that still run for bad, so that no other is like them.
        self._tpe = TPESampler(seed=int(state[0]), multivariate=True, constant_liar=True)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The values that are chosen together."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Choose them; none while there are too few trials to learn from."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Choose one value by itself."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)
