"""Audit a dataset: read it, run the checks, and write the findings and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.audit.cache import Cache
from areoseg.audit.checks.disputed_masks import check_probabilities
from areoseg.audit.checks.leaks import split_from_names
from areoseg.audit.checks.table import CHECKS
from areoseg.audit.context import AuditContext, Probabilities
from areoseg.audit.findings import Audit, Finding, SetFinding, write_audit
from areoseg.audit.summary import summarize
from areoseg.data.load import Source, find_source, read_with_progress
from areoseg.data.options import DataFormat, DataOptions, LabelSet
from areoseg.data.samples import LoadedData, SegmentationDataset, fingerprint
from areoseg.data.split import assigned_splits
from areoseg.errors import AreosegError, did_you_mean
from areoseg.runs.run import AUDIT_PAGE, SPLIT, is_run
from areoseg.taxonomy import MARS, Taxonomy
from areoseg.utils.console import progress_bar, standard_error
from areoseg.utils.device import use_threads
from areoseg.utils.files import PathLike, read_json
from areoseg.weights import located

CACHE = ".audit-cache"
"""Folder in `out` for intermediate results; removed when the audit has been written."""


def audit(
    data: PathLike | Sequence[PathLike] | LoadedData | SegmentationDataset,
    out: PathLike | None = None,
    *,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    tile: tuple[int, int] | None = None,
    scale: float = 1.0,
    split: PathLike | Mapping[str, Sequence[int]] | None = None,
    cross_validate: bool = False,
    model: PathLike | None = None,
    jobs: int = 1,
    threads: int | None = None,
    source: Source | None = None,
    console: Console | None = None,
) -> Audit:
    """Look for issues in a dataset, and write `audit.json` and `audit.html` to `out`.

    An audit that was interrupted continues from the intermediate results in `out`.

    Args:
        data: One or several paths, data returned by `read`, or samples. If there are no labeled
            samples, the unlabeled images are audited.
        out: Folder for the results, or None to write nothing.
        groups: See `read`. This and the next five options apply only if `data` is a path.
        data_format: See `read`.
        label_set: See `read`.
        missions: See `read`.
        classes: See `read`.
        tile: See `read`.
        scale: See `read`.
        split: The split to check for leaks: a run, a bundled model, a file such as its
            `split.json`, or indices of samples by name of the split. None: the splits of the
            dataset description, if it has any.
        cross_validate: Train small networks, each on a part of the data, and compare their
            predictions with the masks of the rest. Takes minutes.
        model: A run whose predictions are compared with the masks instead. It rarely contradicts
            masks that it was trained on.
        jobs: Number of threads for the checks.
        threads: Number of CPU threads for networks; None: all cores.
        source: Where `data` came from, for the page, if `data` is not a path.
        console: Console for progress; None: standard error.

    Returns:
        The findings.

    Raises:
        AreosegError: The data cannot be read, the split or model does not match them, there are no
            masks to train on, or `out` cannot be written.

    Examples:
        >>> found = audit("mars.npz", "audit", split="runs/first")  # doctest: +SKIP
        >>> [finding.name for finding in found.rejected]  # doctest: +SKIP
    """
    if jobs < 1:
        raise AreosegError(f"--jobs {jobs}: give 1 or more")
    if cross_validate and model is not None:
        raise AreosegError("--cross-validate and --model exclude each other: choose one of them")
    console = console or standard_error()
    if isinstance(data, SegmentationDataset):
        data = LoadedData(data, unlabeled=data.select(()))
    elif not isinstance(data, LoadedData):
        options = DataOptions(
            None if groups is None else Path(groups), data_format, label_set, missions, classes
        )
        source = find_source(data, options, console).cut(tile, scale)
        data = read_with_progress(source, console)
    samples, unlabeled, taxonomy = data.labeled, data.unlabeled, data.taxonomy
    if not len(samples):
        samples, unlabeled = replace(unlabeled, masks=None), samples
    if isinstance(split, (str, Path)):
        split = read_split(split, samples)
    elif split is None:
        split = assigned_splits(samples) or None
    with progress_bar(console) as progress:
        tasks = {"": progress.add_task("auditing", total=None)}

        def show(task: str, done: int, total: int) -> None:
            if task not in tasks:
                tasks[task] = progress.add_task(task, total=total)
            progress.update(tasks[task], completed=done)

        cache = Cache(jobs, None if out is None else Path(out) / CACHE, show)
        probabilities: Probabilities | None = None
        if model is not None or cross_validate:
            from areoseg.audit import segmenter

            use_threads(threads)
            probabilities = (
                segmenter.cross_val_predict(samples, taxonomy=taxonomy, progress=show)
                if model is None
                else segmenter.model_probabilities(model, samples, taxonomy, progress=show)
            )
        result = audit_samples(
            samples,
            unlabeled=unlabeled,
            split=split,
            probabilities=probabilities,
            taxonomy=taxonomy,
            cache=cache,
        )
    if out is not None:
        from areoseg.audit.page import write_audit_page

        write_audit(result, Path(out))
        page = Path(out) / AUDIT_PAGE
        write_audit_page(
            result, samples, page, source=source, unlabeled=unlabeled, taxonomy=taxonomy
        )
    cache.clear()
    return result


def audit_samples(
    samples: SegmentationDataset,
    *,
    issues: Sequence[str] | None = None,
    unlabeled: SegmentationDataset | None = None,
    split: Mapping[str, Sequence[int]] | None = None,
    probabilities: Probabilities | None = None,
    taxonomy: Taxonomy = MARS,
    cache: Cache | None = None,
) -> Audit:
    """Look for issues in a set of samples.

    Args:
        samples: Samples with or without masks.
        issues: Names of checks; None: all, and a summary. Checks whose needs are not met are
            skipped.
        unlabeled: Images without masks that belong to the set, such as a test set.
        split: Indices of the samples in each split.
        probabilities: For each sample (C, H, W) class probabilities of a model that was not trained
            on it.
        taxonomy: The classes.
        cache: Computes arrays for many samples.

    Raises:
        AreosegError: A check is unknown, or the probabilities do not match the samples.
    """
    for issue in issues or ():
        if issue not in CHECKS:
            raise AreosegError(f"there is no audit check {issue!r}: {did_you_mean(issue, CHECKS)}")
    if probabilities is not None:
        check_probabilities(probabilities, samples, len(taxonomy))
    context = AuditContext(samples, unlabeled, split, probabilities, taxonomy, cache or Cache())
    requested = CHECKS if issues is None else issues
    ran = tuple(issue for issue in requested if all(map(context.has, CHECKS[issue].needs)))
    findings: list[Finding] = []
    set_findings: list[SetFinding] = []
    for issue in ran if len(samples) else ():
        found = list(CHECKS[issue].find(context))
        set_findings += [each for each in found if isinstance(each, SetFinding)]
        of_samples = (each for each in found if isinstance(each, Finding))
        findings += sorted(of_samples, key=lambda finding: finding.index)
    return Audit(
        samples=len(samples),
        issues=ran,
        findings=tuple(findings),
        set_findings=tuple(set_findings),
        summary=summarize(context) if issues is None and len(samples) else {},
        fingerprint=fingerprint(samples),
    )


def read_split(path: PathLike, samples: SegmentationDataset) -> dict[str, tuple[int, ...]]:
    """Read the split of a run, a bundled model or a JSON file as indices of the samples.

    Raises:
        AreosegError: There is no split, or it lists samples that are not in the data.
    """
    file = located(path)
    if is_run(file):
        file /= SPLIT
    if not file.is_file() or file.suffix != ".json":
        raise AreosegError(f"{path}: not a run, bundled model or JSON file: check the path")
    return split_from_names(read_json(file), samples, source=str(file))
