"""Studies: several recipes, several seeds, one table."""

from areoseg.studies.results import Result, read_results
from areoseg.studies.study import Study, Trial, load_study
from areoseg.studies.table import Table, build_table
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
