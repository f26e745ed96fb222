"""`areoseg audit`."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import areoseg
from areoseg.cli.options import DEFAULT_DATA, DataFlags, Json
from areoseg.cli.show import notes, output, percent, print_json, print_table
from areoseg.errors import AreosegError, did_you_mean
from areoseg.utils.console import standard_error
from areoseg.weights import located

if TYPE_CHECKING:
    from areoseg.audit import Audit
    from areoseg.data.samples import LoadedData

FAILED = 1
"""Exit code if an issue listed in `--fail-on` was found."""


def audit(
    *data: Path,
    out: Path,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    split_file: str | None = None,
    cross_validate: bool = False,
    model: Path | None = None,
    jobs: int = 1,
    threads: int | None = None,
    fail_on: str | None = None,
    dataset: DataFlags = DEFAULT_DATA,
    json: Json = False,
) -> None:
    """Find outliers, duplicates, leaks and suspicious masks in a dataset.

    The page audit.html shows every finding and saves your decisions on them for `areoseg train
    --decisions`.

    Example: `areoseg audit mars.npz --out audits/mars`

    Args:
        data: An npz file, a folder of images and masks, or an AI4Mars folder; several with the same
            classes are joined.
        out: The folder to write audit.json and audit.html to.
        tile: Cut frames into tiles of this height and width, e.g. 64 128, like data.tile of a
            recipe. Default: whole frames.
        scale: Resize frames by this factor first, e.g. 0.25, like data.scale of a recipe.
        split_file: Look for leaks between the splits of a split.json file, a run, a bundled model
            or a recipe.
        cross_validate: Train small networks by cross-validation and compare the masks with their
            predictions; finds swapped, shifted and partly wrong masks. Takes about half an hour of
            one core.
        model: Compare the masks with the predictions of this run instead; it should not have been
            trained on them.
        jobs: Threads for the checks.
        threads: CPU threads for --cross-validate and --model. Default: one per core.
        fail_on: Exit with code 1 if one of these issues is found, e.g.
            repeated-mask,near-duplicate; reject: any issue that rejects a sample; any: any issue.
    """
    from areoseg.audit.checks.table import parse_fail_on
    from areoseg.data.load import find_source, read_with_progress

    issues = () if fail_on is None else parse_fail_on(fail_on)
    console = standard_error()
    source = find_source(data, dataset, console).cut(tile, scale)
    loaded = read_with_progress(source, console)
    found = areoseg.audit(
        loaded,
        out,
        split=None if split_file is None else find_split(split_file, loaded),
        cross_validate=cross_validate,
        model=model,
        jobs=jobs,
        threads=threads,
        source=source,
        console=console,
    )
    if json:
        print_json(found.to_json())
    else:
        print_audit(found, out)
    failures = found.failures(issues)
    if failures:
        notes.print(f"error: --fail-on: found {', '.join(failures)}")
        sys.exit(FAILED)


def find_split(split_file: str, data: "LoadedData") -> Mapping[str, Sequence[int]]:
    """Return the split of a file, a run or a bundled model, or the one that a recipe would make.

    Raises:
        AreosegError: The path is none of these, or the split does not fit the data.
    """
    from areoseg.audit.audit import read_split
    from areoseg.data.split import SPLITS
    from areoseg.recipes import load_recipe, recipe_names
    from areoseg.runs.run import is_run
    from areoseg.training.prepare import divide

    path = located(split_file)
    if is_run(path) or (path.is_file() and path.suffix == ".json"):
        return read_split(path, data.labeled)
    if not (path.is_file() or split_file in recipe_names()):
        hint = did_you_mean(split_file, recipe_names(), otherwise="check the path")
        raise AreosegError(f"--split-file {split_file}: not a run, JSON file or recipe: {hint}")
    split = divide(load_recipe(split_file), data.labeled, data.taxonomy).split
    return {name: split.indices(name) for name in SPLITS}


def print_audit(found: "Audit", out: Path) -> None:
    """Print a table of the issues and the paths of the full results."""
    counts: dict[tuple[str, str], int] = {}
    for finding in (*found.rejected, *found.flagged):
        key = (finding.issue, finding.action)
        counts[key] = counts.get(key, 0) + 1
    output.print(f"{found.samples} images, {len(found.rejected)} rejected")
    if counts:
        print_table(
            ["issue", "action", "images"],
            [[issue, action, str(count)] for (issue, action), count in counts.items()],
            numbers=["images"],
        )
    for set_finding in found.set_findings:
        output.print(f"dataset: {set_finding.reason} ({set_finding.issue})")
    if "classes" in found.summary:
        print_classes(found.summary["classes"])
    output.print(f"audit: {out}/audit.json, {out}/audit.html")


def print_classes(classes: list[dict[str, Any]]) -> None:
    """Print the frequency of each class and the margin of error of its IoU."""
    print_table(
        ["class", "pixels", "images", "IoU within"],
        [
            [
                row["name"],
                percent(row["share"]),
                str(row["images"]),
                f"± {row['iou_margin']:.2f}",
            ]
            for row in classes
        ],
        numbers=["pixels", "images", "IoU within"],
    )
