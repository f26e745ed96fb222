"""`areoseg data`: known datasets, and the description and check of one's own."""

import sys
from pathlib import Path
from typing import Literal

from areoseg.cli.options import Json
from areoseg.cli.show import output, print_json
from areoseg.errors import AreosegError, plural

SOME_PROBLEMS = 3


def data(
    action: Literal["list", "describe", "check"] = "list",
    folder: Path | None = None,
    /,
    *,
    out: Path | None = None,
    classes: str | None = None,
    json: Json = False,
) -> None:
    """List known datasets, draft the description of a dataset, or check a dataset.

    Exit codes of `check`: 0 nothing is wrong; 2 invalid input; 3 something is missing, double, of
    the wrong size, or has no class.

    Examples: `areoseg data`, `areoseg data describe desert`, `areoseg data check desert`

    Args:
        action: What to do.
        folder: The dataset to describe or check: a folder, or a Parquet file.
        out: The description to write. Default: dataset.yaml in the folder, or NAME_dataset.yaml
            beside the file.
        classes: The description to check against. Default: the one in the folder.
    """
    from areoseg.data.description import describe, known_datasets
    from areoseg.data.inspect import check_dataset, draft_description
    from areoseg.utils.files import write_text

    if action == "list":
        rows = [{"key": name, **describe(name).about} for name in known_datasets()]
        if json:
            print_json(rows)
            return
        for row in rows:
            lines = [
                row[key] for key in ("description", "size", "license", "doi", "url") if key in row
            ]
            if describe(row["key"]).undocumented:
                lines.append("mask values not published: `areoseg data describe` drafts a map")
            output.print(f"{row['key']}: {row['name']}, {'; '.join(lines)}")
        return
    if folder is None:
        raise AreosegError(f"nothing to {action}: name a dataset, `areoseg data {action} FOLDER`")
    if folder.is_file() and folder.suffix.lower() != ".parquet":
        raise AreosegError(
            f"{folder}: `areoseg data {action}` takes a folder of images and masks, or a"
            " .parquet file"
        )
    if not folder.exists():
        raise AreosegError(f"{folder}: no such folder: check the path")
    if action == "describe":
        beside = folder.with_name(f"{folder.stem}_dataset.yaml")
        target = out or (folder / "dataset.yaml" if folder.is_dir() else beside)
        if target.exists():
            raise AreosegError(f"{target}: this file already exists: choose another --out")
        write_text(target, draft_description(folder))
        output.print(str(target))
        return
    checked = check_dataset(folder, classes)
    if json:
        print_json(vars(checked))
    else:
        counts = f"{plural(checked.images, 'image')}, {plural(checked.masks, 'mask')}"
        output.print(f"{counts}; values of {plural(checked.masks_read, 'mask')} read")
        for problem in checked.problems:
            output.print(problem)
    if checked.problems:
        sys.exit(SOME_PROBLEMS)
