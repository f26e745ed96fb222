"""Search: values of a recipe tried out, guided by the validation score, with Optuna.

Importing this package raises `AreosegError` where Optuna is not installed.
"""

from areoseg.errors import AreosegError

try:
    import optuna
except ImportError:
    raise AreosegError("a search needs Optuna: pip install 'areoseg[search]'") from None

from areoseg.search.records import Search
from areoseg.search.records import TrialRecord
from areoseg.search.running import run_search
from areoseg.search.running import search_times
from areoseg.search.space import Space
from areoseg.search.space import load_space
from areoseg.search.study import PRUNERS
from areoseg.search.trial import Trainings
from areoseg.search.trial import prepare_trainings
from areoseg.search.varied import VariedRecipe
from areoseg.search.varied import vary_recipe

__all__ = [
    "PRUNERS",
    "Search",
    "Space",
    "Trainings",
    "TrialRecord",
    "VariedRecipe",
    "load_space",
    "prepare_trainings",
    "run_search",
    "search_times",
    "vary_recipe",
]

optuna.logging.set_verbosity(optuna.logging.WARNING)  # the search says itself what happens
