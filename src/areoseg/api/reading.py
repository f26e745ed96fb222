"""Reading data sets, with the options as callers of before pass them."""

from typing import Any
from typing import cast

from rich.console import Console

from areoseg.data import load
from areoseg.data.load import Source
from areoseg.data.options import DataOptions
from areoseg.utils.files import PathLike


def find_source(
    data: PathLike, groups: Any, format: str, console: Console, labels: str = "crowd"
) -> Source:
    """Until all callers pass `DataOptions`."""
    options = DataOptions(groups, cast("Any", format), cast("Any", labels))
    return load.find_source(data, options, console)
