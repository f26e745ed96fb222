"""`areoseg audit`."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any
from typing import cast

from cyclopts import Parameter

from areoseg.cli.options import AsJson
from areoseg.cli.options import Format
from areoseg.cli.options import Groups
from areoseg.cli.options import Labels
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.options import height_and_width
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import percent
from areoseg.cli.show import print_json
from areoseg.cli.show import print_table

if TYPE_CHECKING:
    from areoseg.audit import Audit

FAILED = 1
"""Exit code where an issue was found that `--fail-on` names."""


def audit(
    data: Path,
    /,
    *,
    out: Out,
    format: Format = "auto",
    labels: Labels = "crowd",
    groups: Groups = None,
    tile: Annotated[str | None, Parameter(name="--tile")] = None,
    scale: Annotated[float, Parameter(name="--scale")] = 1.0,
    classes: Annotated[str | None, Parameter(name="--classes")] = None,
    split: Annotated[str | None, Parameter(name="--split")] = None,
    fit: Annotated[bool, Parameter(name="--fit", negative="")] = False,
    run: Annotated[Path | None, Parameter(name="--run")] = None,
    jobs: Annotated[int, Parameter(name="--jobs")] = 1,
    threads: Threads = None,
    fail_on: Annotated[str | None, Parameter(name="--fail-on")] = None,
    json: AsJson = False,
) -> None:
    """Find out what is wrong with a data set; training leaves out what the audit rejects.

    The page audit.html shows every finding, and saves what you decide about them for `areoseg
    train --decisions`.

    Args:
        data: An npz file, a folder of images and masks, or a folder of AI4Mars.
        out: The folder to write audit.json and the page audit.html to.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
        labels: Which labels of AI4Mars as distributed: crowd, or expert-1, expert-2, expert-3 for
            pixels on which at least that many experts agree.
        groups: A text file with the group of each pair, a line each, which a split must not part.
        tile: Height and width of the tiles that frames are cut into, such as 64x128; a recipe says
            it in data.tile. Whole frames by default.
        scale: What the sides of frames are multiplied by before, such as 0.25; a recipe says it in
            data.scale.
        classes: Classes of the masks: a dataset description (a YAML or JSON file), class names
            separated by commas, or the number of classes; the classes of Mars by default. The class
            called background, or else the first, counts as not labeled.
        split: A run or a bundled model, a file such as its split.json, or a recipe: look for leaks
            in this split.
        fit: Train small networks on the data, each on a part of it, and let them dispute the masks
            of the rest: finds swapped, moved and partly wrong masks. Takes minutes.
        run: A trained run whose answers dispute the masks instead; best one that was not trained on
            them.
        jobs: Threads to compute on.
        threads: Processor cores for --fit and --run; all by default.
        fail_on: End with exit code 1 where one of these issues was found, such as
            repeated-mask,near-duplicate; reject for whatever rejects an image, any for all.
        json: Print JSON for programs instead of tables.
    """
    from areoseg import api
    from areoseg.audit import failing
    from areoseg.audit import parse_failing
    from areoseg.data.load import find_source
    from areoseg.data.load import read_with_progress
    from areoseg.data.options import DataOptions
    from areoseg.utils.console import standard_error

    names = () if fail_on is None else parse_failing(fail_on)
    options = DataOptions(groups, cast("Any", format), cast("Any", labels), classes)
    console = standard_error()
    source = replace(find_source(data, options, console), scale=scale)
    if tile is not None:
        source = replace(source, tile=height_and_width(tile, "--tile"))
    read = read_with_progress(source, console)
    found = api.audit(
        read,
        out,
        split=split,
        fit=fit,
        run=run,
        jobs=jobs,
        threads=threads,
        source=source,
        taxonomy=read.taxonomy,
    )
    if json:
        print_json(found.to_json())
    else:
        print_audit(found, out)
    failed = failing(found, names)
    if failed:
        notes.print(f"failed: found {', '.join(failed)}")
        sys.exit(FAILED)


def print_audit(found: "Audit", out: Path) -> None:
    """Write a table of the issues, and where to find the rest."""
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
    for each in found.set_findings:
        output.print(f"the set: {each.reason} ({each.issue})")
    if "classes" in found.summary:
        print_classes(found.summary["classes"])
    output.print(f"audit: {out}/audit.json, {out}/audit.html")


def print_classes(classes: list[dict[str, Any]]) -> None:
    """Write a table of how much there is of each class, and how well that fixes its IoU."""
    print_table(
        ["class", "pixels", "images", "IoU within"],
        [
            [
                each["name"],
                percent(each["share"]),
                str(each["images"]),
                f"± {each['iou_margin']:.2f}",
            ]
            for each in classes
        ],
        numbers=["pixels", "images", "IoU within"],
    )
