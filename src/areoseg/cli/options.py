"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from areoseg.cli.show import notes
from areoseg.data.options import DataOptions
from areoseg.utils.compute import ComputeOptions

Recipe = Annotated[
    str, Parameter(help="Name of a recipe (`areoseg recipes` lists them) or a YAML file.")
]
Overrides = Annotated[
    str, Parameter(help="Values of the recipe to change, e.g. optimizer.lr=1e-3.")
]
_DATA = "Dataset: an npz file, a folder of images and masks, an AI4Mars folder, or `synthetic`."
Data = Annotated[Path, Parameter(help=_DATA)]
OptionalData = Annotated[Path | None, Parameter(help=_DATA)]
SeveralData = Annotated[
    list[Path] | None,
    Parameter(help=f"{_DATA[:-1]}; give it several times to join datasets of the same classes."),
]
MovedData = Annotated[
    Path | None, Parameter(help="Path of the dataset that the run was trained on, if it was moved.")
]
MovedGroups = Annotated[
    Path | None, Parameter(help="Path of the groups file of that dataset, if it was moved.")
]
Decisions = Annotated[
    Path | None,
    Parameter(
        help="Audit decisions: a file saved by the audit page, or an audit.json. Exactly the"
        " samples that the file rejects are excluded."
    ),
]
Budget = Annotated[
    str | None,
    Parameter(
        help="Time of the whole command, e.g. 90s, 15m or 1h30m, instead of the recipe's epochs."
    ),
]
Split = Literal["train", "val", "test"]
Protocol = Literal["terrain", "keras", "all-pixels", "five-class"]
Json = Annotated[bool, Parameter(help="Print JSON instead of tables.", show_default=False)]
DataFlags = Annotated[DataOptions, Parameter(name="*")]
ComputeFlags = Annotated[ComputeOptions, Parameter(name="*")]
DEFAULT_DATA = DataOptions()
DEFAULT_COMPUTE = ComputeOptions()


def compute_keywords(options: ComputeOptions) -> dict[str, Any]:
    """Return the options as keyword arguments; print a note if they do not suit the hardware."""
    cores = os.cpu_count() or 1
    if options.threads is not None and options.threads > cores:
        notes.print(
            f"warning: --threads {options.threads}: this machine has {cores} cores; more threads"
            " only slow the computation down"
        )
    if options.device == "cpu" and _has_gpu():
        notes.print("note: computing on the CPU; --device cuda uses the GPU of this machine")
    return vars(options)


def _has_gpu() -> bool:
    import torch  # imported here to keep `--help` fast

    return torch.cuda.is_available()
