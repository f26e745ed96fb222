"""Scores and report of a trained run."""

from collections.abc import Sequence
from copy import deepcopy

from rich.console import Console

from areoseg.audit import CHECKS, Exclusions, read_exclusions
from areoseg.audit.page import write_audit_page
from areoseg.data.samples import SegmentationDataset
from areoseg.evaluation.score import evaluate_masks, select_split
from areoseg.inference.engines import TorchEngine
from areoseg.inference.predictor import Predictor
from areoseg.inference.resampling import trained_scale
from areoseg.metrics.scores import Scores
from areoseg.models.layers.normalization import fold_standardization
from areoseg.models.segmenter import Segmenter
from areoseg.report import choose_examples, write_report
from areoseg.runs.run import AUDIT, AUDIT_PAGE, SCORES, Run
from areoseg.utils.device import choose_device, precision_of_training
from areoseg.utils.files import write_json

RESAMPLES = 1000
N_TRAINING_EXAMPLES = 8


def finish_run(
    run: Run,
    dataset: SegmentationDataset,
    console: Console,
    *,
    segmenter: Segmenter | None = None,
    exclusions: Exclusions | None = None,
    splits: Sequence[str] = ("val", "test"),
) -> dict[str, Scores]:
    """Score a run, and write `scores.json`, its report and the page of its audit.

    Args:
        run: The run.
        dataset: All labeled samples of its dataset.
        console: Where to print the scores.
        segmenter: The trained model, if it is in memory; None: read from the run folder.
        exclusions: The excluded samples, if in memory; None: read from the run folder.
        splits: The splits to score. The report shows `val` and `test`.

    Returns:
        The scores of each split that has samples.

    Raises:
        AreosegError: A file of the run cannot be read or written.
    """
    predictor = _predictor(run, segmenter or run.segmenter(fold=False))
    scores: dict[str, Scores] = {}
    last = None
    for split in splits:
        scored = select_split(dataset, run, split)
        if not len(scored) or scored.masks is None:
            continue
        masks = list(predictor.masks(scored.images))
        scores[split] = evaluate_masks(
            masks,
            scored,
            run.taxonomy,
            protocol=run.recipe.protocol,
            resamples=RESAMPLES,
        )
        calibrated = " after calibration" if run.info.calibration else ""
        console.print(
            f"{split}: {scores[split].protocol} score {scores[split].score:.4f}{calibrated}"
        )
        last = (scored.images, scored.masks, masks, scored.names)
    examples = {} if last is None else choose_examples(*last, taxonomy=run.taxonomy)
    if run.info.data.groups is None:
        console.print(
            "note: no groups are known, so tiles of one frame may be in several splits and the"
            " scores may be too high; --groups prevents this"
        )
    elif run.info.data.found_groups:
        console.print(
            "note: groups were found by the edges of the samples and are incomplete, so the scores"
            " may be too high; --groups prevents this"
        )
    values = {split: found.to_json() for split, found in scores.items()}
    write_json(run.path / SCORES, values)
    if exclusions is None and (run.path / AUDIT).is_file():
        exclusions = read_exclusions(run.path / AUDIT)
    if exclusions is not None:
        write_audit_page(
            exclusions.audit,
            dataset,
            run.path / AUDIT_PAGE,
            source=run.source,
            taxonomy=run.taxonomy,
        )
    training = select_split(dataset, run, "train")
    report = write_report(
        run,
        scores={split: values.get(split) for split in ("val", "test")},
        examples=examples,
        training_examples=training.select(range(min(N_TRAINING_EXAMPLES, len(training)))),
        issue_summaries={issue: check.summary for issue, check in CHECKS.items()},
    )
    console.print(f"report: {report}")
    return scores


def _predictor(run: Run, segmenter: Segmenter) -> Predictor:
    """Return a predictor with the trained model, at the precision of its training."""
    folded = deepcopy(segmenter)
    fold_standardization(folded)  # faster, with the same predictions
    device = choose_device(run.info.device)
    engine = TorchEngine(
        folded.eval(),
        run.taxonomy,
        scale=trained_scale(run),
        device=device,
        precision=precision_of_training(run.info.precision, device),
    )
    return Predictor([engine])
