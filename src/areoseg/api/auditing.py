"""Auditing data sets."""

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.audit import Audit
from areoseg.data.load import Source
from areoseg.data.samples import LoadedData
from areoseg.data.samples import SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.recipes import load_recipe
from areoseg.recipes import recipe_names
from areoseg.runs.run import AUDIT_PAGE
from areoseg.runs.run import SPLIT
from areoseg.runs.run import is_run
from areoseg.taxonomy import MARS
from areoseg.taxonomy import Taxonomy
from areoseg.utils.console import progress_bar
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike
from areoseg.utils.files import read_json
from areoseg.weights import located

KEPT = ".audit-chunks"
"""The folder in `out` that holds what is computed until the audit is written."""


def audit(
    data: LoadedData | SegmentationDataset,
    out: PathLike | None = None,
    *,
    split: PathLike | None = None,
    fit: bool = False,
    run: PathLike | None = None,
    jobs: int = 1,
    threads: int | None = None,
    source: Source | None = None,
    taxonomy: Taxonomy = MARS,
    console: Console | None = None,
) -> "Audit":
    """Find out what is wrong with a data set; write `audit.json` and `audit.html` to `out`.

    What is computed is kept in `out` until the end, so that an audit that was interrupted goes on
    where it was.

    Args:
        data: What `read` gave, or samples. Images without masks are audited themselves where there
            are no others.
        out: A folder for the results; None: nothing is written.
        split: A run or a bundled model, a file such as its `split.json`, or a recipe: the split to
            look for leaks in.
        fit: Whether small networks are trained on the data, each on a part of it, to dispute the
            masks of the others. Takes minutes.
        run: A trained run whose answers dispute the masks instead. It hardly disputes masks that it
            was trained on.
        jobs: Threads of the checks.
        threads: Cores that networks compute on; None: all.
        source: Where the data came from, for the page to name.
        taxonomy: The classes.
        console: Where to show progress; None: standard error.

    Raises:
        AreosegError: The split or the run does not fit the data, there are no masks to learn from,
            or `out` cannot be written.
    """
    from areoseg.api.class_probabilities import fitted_probabilities
    from areoseg.api.class_probabilities import run_probabilities
    from areoseg.audit.chunks import Chunks
    from areoseg.audit import audit_samples
    from areoseg.audit import write_audit

    if jobs < 1:
        raise AreosegError(f"--jobs {jobs}: give 1 or more")
    if fit and run is not None:
        raise AreosegError("--fit and --run both give probabilities: choose one of them")
    samples, unlabeled = _parts(data)
    parts = None if split is None else _find_split(split, samples, taxonomy)
    with progress_bar(console or standard_error()) as progress:
        tasks = {"": progress.add_task("auditing", total=None)}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done)

        keep = None if out is None else Path(out) / KEPT
        chunks = Chunks(jobs=jobs, keep=keep, progress=show)
        probabilities = None
        if fit:
            probabilities = fitted_probabilities(
                samples, threads=threads, taxonomy=taxonomy, progress=show
            )
        elif run is not None:
            probabilities = run_probabilities(
                run, samples, threads=threads, taxonomy=taxonomy, progress=show
            )
        found = audit_samples(
            samples,
            unlabeled=unlabeled,
            split=parts,
            probabilities=probabilities,
            taxonomy=taxonomy,
            chunks=chunks,
        )
    if out is not None:
        from areoseg.report.audit_page import write_audit_page

        write_audit(found, Path(out))
        page = Path(out) / AUDIT_PAGE
        write_audit_page(
            found, samples, page, source=source, unlabeled=unlabeled, taxonomy=taxonomy
        )
    chunks.forget()
    return found


def _parts(
    data: LoadedData | SegmentationDataset,
) -> tuple[SegmentationDataset, SegmentationDataset | None]:
    """The samples to audit, and unlabeled images that go with them."""
    if isinstance(data, SegmentationDataset):
        return data, None
    if len(data.labeled):
        return data.labeled, data.unlabeled
    return replace(data.unlabeled, masks=None), None


def _find_split(
    split: PathLike, samples: SegmentationDataset, taxonomy: Taxonomy
) -> dict[str, tuple[int, ...]]:
    """The split of a run, in a file, or that a recipe would make of these samples."""
    from areoseg.audit.leaks import split_from_names
    from areoseg.data.split import SPLITS

    path = located(split)
    if is_run(path):
        path = path / SPLIT
    if path.is_file() and path.suffix == ".json":
        return split_from_names(read_json(path), samples, where=str(path))
    if not (path.is_file() or str(split) in recipe_names()):
        hint = did_you_mean(str(split), recipe_names(), otherwise="check the path")
        raise AreosegError(f"--split {split}: no run, JSON file or recipe: {hint}")

    from areoseg.training.division import divide

    division = divide(load_recipe(split), samples, taxonomy)
    return {part: division.split.indices(part) for part in SPLITS}
