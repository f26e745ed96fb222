"""Studies: several recipes, several seeds, one table."""

from areoseg.studies.results import Result
from areoseg.studies.results import read_results
from areoseg.studies.study import Study
from areoseg.studies.study import Trial
from areoseg.studies.study import load_study
from areoseg.studies.table import Table
from areoseg.studies.table import build_table
from areoseg.studies.write import write_table

__all__ = [
    "Result",
    "Study",
    "Table",
    "Trial",
    "build_table",
    "load_study",
    "read_results",
    "write_table",
]
