"""`areoseg audit`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from areoseg import api
from areoseg.audit import Audit
from areoseg.audit import failing
from areoseg.audit import parse_failing
from areoseg.cli.options import DEFAULT_DATA
from areoseg.cli.options import DataFlags
from areoseg.cli.options import Json
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import percent
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table
from areoseg.data.load import find_source
from areoseg.data.load import read_with_progress
from areoseg.utils.console import standard_error

FAILED = 1
"""Exit code if an issue was found that `--fail-on` names."""


def audit(
    data: Path,
    /,
    *,
    out: Path,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    split: str | None = None,
    fit: bool = False,
    run: Path | None = None,
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
        data: An npz file, a folder of images and masks, or an AI4Mars folder.
        out: The folder to write audit.json and audit.html to.
        tile: Cut frames into tiles of this height and width, such as 64 128, as data.tile of a
            recipe does. Default: whole frames.
        scale: Resize frames by this factor first, such as 0.25, as data.scale of a recipe does.
        split: Look for leaks between the splits of a run, of a bundled model, of a file such as
            split.json, or of a recipe.
        fit: Train small networks by cross-validation and compare the masks with their predictions;
            finds swapped, shifted and partly wrong masks. Takes minutes.
        run: Compare the masks with the predictions of this run instead; it should not have been
            trained on them.
        jobs: Threads for the checks.
        threads: CPU threads for --fit and --run. Default: one per core.
        fail_on: Exit with code 1 if one of these issues is found, such as
            repeated-mask,near-duplicate; reject for any that rejects a sample, any for all.
    """
    names = () if fail_on is None else parse_failing(fail_on)
    console = standard_error()
    source = find_source(data, dataset, console)
    source = replace(source, tile=tile or source.tile, scale=scale)
    loaded = read_with_progress(source, console)
    found = api.audit(
        loaded,
        out,
        split=split,
        fit=fit,
        run=run,
        jobs=jobs,
        threads=threads,
        source=source,
        taxonomy=loaded.taxonomy,
    )
    if json:
        print_json(found.to_json())
    else:
        print_audit(found, out)
    failed = failing(found, names)
    if failed:
        notes.print(f"error: --fail-on: found {', '.join(failed)}")
        sys.exit(FAILED)


def print_audit(found: Audit, out: Path) -> None:
    """Print a table of the issues and the files that hold the rest."""
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
