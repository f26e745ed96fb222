"""The table of a study: mean and standard deviation over seeds for each row."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from areoseg.data.split import SPLITS
from areoseg.errors import AreosegError
from areoseg.experiments.results import Result
from areoseg.experiments.statistics import Spread, p_value, spread, verdict
from areoseg.experiments.study import Study, StudyRow, StudySection, Trial
from areoseg.metrics.protocols import PROTOCOLS, protocol

BASELINE = "baseline"


@dataclass(frozen=True)
class TableRow:
    """A row of a study.

    Attributes:
        name: Name of the row.
        summary: Summary in the study file.
        planned: Number of seeds in the study.
        score: By the table's protocol on the table's split.
        scores: By split and protocol.
        iou: By class, under `terrain`, on the table's split.
        difference: Mean minus the mean of the section's first row, or None if either is missing.
        p: p value of the difference; see `p_value`.
        verdict: See `verdict`; `baseline` for the first row.
        parameters: Trainable numbers.
        macs: Multiply-accumulates for one image.
        steps: Mean number of training steps.
        minutes: Mean time of a training.
    """

    name: str
    summary: str
    planned: int
    score: Spread
    scores: dict[str, dict[str, Spread]]
    iou: dict[str, Spread]
    difference: float | None
    p: float | None
    verdict: str
    parameters: int | None
    macs: int | None
    steps: float | None
    minutes: float | None


@dataclass(frozen=True)
class TableSection:
    """Rows that are compared with the first of them.

    Attributes:
        name: Name of the section.
        summary: Summary in the study file.
        rows: In the order of the file.
    """

    name: str
    summary: str
    rows: tuple[TableRow, ...]

    def findings(self) -> list[str]:
        """Summarize the verdicts of the section, one sentence per kind."""
        baseline, *others = self.rows
        kinds = {
            "better": f"Better than {baseline.name}",
            "worse": f"Worse than {baseline.name}",
            "no difference": f"No difference from {baseline.name} beyond the seeds",
            "one seed": "One seed, not tested",
        }
        sentences = []
        for kind, words in kinds.items():
            named = [
                f"{row.name} ({row.difference:+.3f})"
                for row in sorted(others, key=lambda row: -(row.difference or 0.0))
                if row.verdict == kind
            ]
            if named:
                sentences.append(f"{words}: {', '.join(named)}.")
        return sentences


@dataclass(frozen=True)
class Table:
    """The table of a study.

    Attributes:
        study: Name of the study.
        summary: Summary in the study file.
        split: The split whose scores are compared.
        protocol: The protocol of these scores.
        sections: In the order of the file.
        done: Number of trainings with a result.
        planned: Number of trainings in the study.
        data: The `data_identity` of the results, or None without results.
    """

    study: str
    summary: str
    split: str
    protocol: str
    sections: tuple[TableSection, ...]
    done: int
    planned: int
    data: str | None

    @property
    def comparisons(self) -> int:
        """Number of rows that were tested against their baseline."""
        return sum(row.p is not None for section in self.sections for row in section.rows)

    def to_json(self) -> dict[str, Any]:
        """Return the table as JSON values, with mean and std of all scores."""
        return {
            **{
                name: getattr(self, name)
                for name in ("study", "summary", "split", "protocol", "done", "planned", "data")
            },
            "sections": [
                {
                    "name": section.name,
                    "summary": section.summary,
                    "findings": section.findings(),
                    "rows": [_described(asdict(row)) for row in section.rows],
                }
                for section in self.sections
            ],
        }


def build_table(
    study: Study,
    results: Mapping[Trial, Result],
    *,
    split: str = "test",
    protocol_name: str = "terrain",
) -> Table:
    """Build the table of a study.

    Args:
        study: The study.
        results: Existing results by trial.
        split: `train`, `val` or `test`: the split whose scores are compared.
        protocol_name: The protocol of these scores.

    Raises:
        AreosegError: There is no such split or protocol.
    """
    if split not in SPLITS:
        raise AreosegError(f"--split {split}: no such split; use {', '.join(SPLITS)}")
    protocol(protocol_name)
    sections = []
    for section in study.content.sections:
        by_row = {
            row.name: [
                result
                for trial, result in results.items()
                if (trial.section, trial.row) == (section.name, row.name)
            ]
            for row in section.rows
        }
        sections.append(_section(study, section, by_row, split, protocol_name))
    return Table(
        study=study.name,
        summary=study.content.summary,
        split=split,
        protocol=protocol_name,
        sections=tuple(sections),
        done=len(results),
        planned=len(study.trials),
        data=next((result.data for result in results.values()), None),
    )


def _section(
    study: Study,
    section: StudySection,
    results: Mapping[str, Sequence[Result]],
    split: str,
    protocol_name: str,
) -> TableSection:
    baseline = _scores(results[section.rows[0].name], split, protocol_name)
    rows = []
    for number, row in enumerate(section.rows):
        planned = len(row.seeds or study.content.seeds)
        rows.append(
            _row(
                row,
                results[row.name],
                split,
                protocol_name,
                planned=planned,
                baseline=baseline if number else None,
            )
        )
    return TableSection(section.name, section.summary, tuple(rows))


def _row(
    row: StudyRow,
    results: Sequence[Result],
    split: str,
    protocol_name: str,
    *,
    planned: int,
    baseline: Spread | None,
) -> TableRow:
    """One row of the table; `baseline` is None for the first of its section."""
    score = _scores(results, split, protocol_name)
    classes = [result.scores[split].iou for result in results if split in result.scores]
    first = results[0] if results else None
    return TableRow(
        name=row.name,
        summary=row.summary,
        planned=planned,
        score=score,
        scores={
            split: {name: _scores(results, split, name) for name in PROTOCOLS} for split in SPLITS
        },
        iou={
            name: spread([iou[name] for iou in classes]) for name in (classes[0] if classes else ())
        },
        difference=None if baseline is None else _difference(score.mean, baseline.mean),
        p=None if baseline is None else p_value(score, baseline),
        verdict=BASELINE if baseline is None else verdict(score, baseline),
        parameters=first.parameters if first else None,
        macs=first.macs if first else None,
        steps=spread([result.steps for result in results]).mean,
        minutes=spread([result.seconds / 60 for result in results]).mean,
    )


def _difference(mean: float | None, baseline: float | None) -> float | None:
    return None if mean is None or baseline is None else mean - baseline


def _scores(results: Sequence[Result], split: str, protocol_name: str) -> Spread:
    """The scores of a row's seeds; a split that a run does not have is left out."""
    return spread(
        [
            result.scores[split].protocols[protocol_name]
            for result in results
            if split in result.scores
        ]
    )


def _described(value: Any) -> Any:
    """Replace each dumped `Spread` by its mean, std, interval and values."""
    if isinstance(value, dict):
        if value.keys() == {"values"}:
            scores = Spread(tuple(value["values"]))
            return {
                "mean": scores.mean,
                "std": scores.std,
                "interval": scores.interval,
                "values": list(scores.values),
            }
        return {key: _described(entry) for key, entry in value.items()}
    return value
