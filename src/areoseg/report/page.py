"""Create `report.html` from the files of a run folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from areoseg.data.samples import SegmentationDataset
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.recipes import dump_recipe
from areoseg.report import charts
from areoseg.report.examples import KINDS, Example
from areoseg.report.formats import page_environment
from areoseg.report.history import read_history, stage_rows
from areoseg.report.pictures import (
    UNCOUNTED_COLOR,
    WRONG_COLOR,
    example_pictures,
    sample_pictures,
    svg_uri,
)
from areoseg.report.scores import Record, score_tables
from areoseg.runs.info import CalibrationInfo
from areoseg.runs.run import AUDIT, AUDIT_PAGE, METRICS, REPORT, SPLIT, WEIGHTS, Run
from areoseg.taxonomy import VOID
from areoseg.utils.files import read_json_object, write_text
from areoseg.utils.images import VOID_COLOR

_SHOWN_DATA = (
    "source",
    "working_directory",
    "labeled",
    "unlabeled",
    "rejected",
    "decisions",
    "groups",
    "found_groups",
    "parts",
    "training_shares",
    "fingerprint",
    "mean",
    "std",
)
"""Data fields with their own place on the page; others are listed at its end."""

_MOST_SAMPLES = 8
_MOST_FINDINGS = 100
"""Number of audit findings that the page lists; the others are counted."""


def write_report(
    run: Run,
    *,
    scores: Mapping[str, Record | None],
    examples: Mapping[str, Sequence[Example]],
    training_examples: SegmentationDataset,
    issue_summaries: Mapping[str, str] | None = None,
) -> Path:
    """Write `report.html` into the run folder: one self-contained file.

    What the run does not have (a test split, groups, an audit) is left out of the page.

    Args:
        run: The run.
        scores: Of the splits `val` and `test`, as `Scores.to_json` returns them; a split may be
            missing or None.
        examples: From `choose_examples`: lists under `best`, `typical` and `worst`.
        training_examples: Samples of the training split; the first few are shown.
        issue_summaries: Description of each issue of the audit, by its name.

    Returns:
        The file.

    Raises:
        AreosegError: A file of the run cannot be read, or the page cannot be written.
    """
    page = page_environment().get_template("report.html.j2")
    path = run.path / REPORT
    content = _content(run, scores, examples, training_examples)
    content["audit"] = _audit(run.path, issue_summaries or {})
    write_text(path, page.render(content))
    return path


def _content(
    run: Run,
    scores: Mapping[str, Record | None],
    examples: Mapping[str, Sequence[Example]],
    training_examples: SegmentationDataset,
) -> dict[str, Any]:
    """Return the variables of the template."""
    taxonomy = run.taxonomy
    parts = score_tables(scores, taxonomy, run.recipe.protocol)
    weights = run.path / WEIGHTS
    shown = training_examples.select(range(min(len(training_examples), _MOST_SAMPLES)))
    colors = {
        name: _css(color) for name, color in zip(taxonomy.names, taxonomy.colors, strict=True)
    }
    return {
        "name": run.name,
        "info": run.info,
        "data": run.info.data,
        "known_data": _SHOWN_DATA,
        "model": run.info.model,
        "recipe": run.recipe,
        "recipe_text": dump_recipe(run.recipe),
        "colors": colors,
        "mask_colors": colors | _void_color(shown, examples),
        "error_colors": {"wrong": _css(WRONG_COLOR), "uncounted": _css(UNCOUNTED_COLOR)},
        "split": _split_sizes(run),
        "protocols": PROTOCOLS,
        "parts": parts,
        "reliability": _reliability(run.info.calibration),
        "headline": parts[0] if parts else None,
        "training_examples": [
            {"name": sample.name, "pictures": sample_pictures(sample, taxonomy)}
            for sample in map(shown.__getitem__, range(len(shown)))
        ],
        "stages": stage_rows(run.recipe, read_history(run.path / METRICS)),
        "curves": _curves(run),
        "examples": {
            kind: [
                {
                    "name": example.name,
                    "score": example.score,
                    "pictures": example_pictures(example, taxonomy),
                }
                for example in examples.get(kind, ())
            ]
            for kind in KINDS
        },
        "weights_bytes": weights.stat().st_size if weights.is_file() else None,
    }


def _void_color(
    training_examples: SegmentationDataset, examples: Mapping[str, Sequence[Example]]
) -> dict[str, str]:
    """Return name and color of void pixels, if a mask on the page has any."""
    masks = [*(training_examples.masks if training_examples.masks is not None else ())]
    masks += [example.truth for chosen in examples.values() for example in chosen]
    return {"void": _css(VOID_COLOR)} if any((mask == VOID).any() for mask in masks) else {}


def _split_sizes(run: Run) -> dict[str, int]:
    """Return the number of samples by split."""
    if not (run.path / SPLIT).is_file():
        return {}
    return {split: len(names) for split, names in run.split.items()}


def _curves(run: Run) -> dict[str, str]:
    """Return the learning curves that have values, as data URIs by title."""
    history = read_history(run.path / METRICS)
    drawn = {
        "Validation score": charts.score_chart(history, run.info.best_step),
        "Validation IoU of each class": charts.class_chart(history, run.taxonomy),
        "Training loss": charts.loss_chart(history),
        "Learning rate": charts.rate_chart(history),
    }
    return {title: svg_uri(chart) for title, chart in drawn.items() if chart is not None}


def _reliability(calibration: CalibrationInfo | None) -> str | None:
    """Return the reliability chart as a data URI, or None without calibration."""
    if calibration is None:
        return None
    return svg_uri(charts.reliability_chart(**calibration.reliability.model_dump()))


def _audit(folder: Path, summaries: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the findings of the audit, or None without an audit."""
    path = folder / AUDIT
    if not path.is_file():
        return None
    audit = read_json_object(path)
    return {
        "pairs": audit.get("pairs"),
        "rejected": _findings(audit.get("rejected") or [], summaries),
        "flagged": _findings(audit.get("flagged") or [], summaries),
        "page": AUDIT_PAGE if (folder / AUDIT_PAGE).is_file() else None,
    }


def _findings(entries: Sequence[Record], summaries: Mapping[str, str]) -> dict[str, Any]:
    """Count samples with findings and findings per issue, and list the first findings."""
    issues = Counter(str(entry.get("issue", "other")) for entry in entries)
    return {
        "samples": len({entry.get("index") for entry in entries}),
        "total": len(entries),
        "issues": [
            (issue, number, summaries.get(issue, "")) for issue, number in issues.most_common()
        ],
        "first": entries[:_MOST_FINDINGS],
    }


def _css(color: tuple[int, int, int]) -> str:
    return "rgb({} {} {})".format(*color)
