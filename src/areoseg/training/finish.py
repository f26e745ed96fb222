"""Scores and report of a trained run."""

from copy import deepcopy

from rich.console import Console

from areoseg.audit import CHECKS
from areoseg.audit import Exclusions
from areoseg.audit import read_exclusions
from areoseg.audit.page import write_audit_page
from areoseg.data.samples import SegmentationDataset
from areoseg.evaluation.score import evaluate_masks
from areoseg.evaluation.score import select_split
from areoseg.inference.engines import TorchEngine
from areoseg.inference.predictor import Predictor
from areoseg.inference.resampling import trained_scale
from areoseg.models.layers.normalization import fold_standardization
from areoseg.models.segmenter import Segmenter
from areoseg.report import choose_examples
from areoseg.report import write_report
from areoseg.runs.run import AUDIT
from areoseg.runs.run import AUDIT_PAGE
from areoseg.runs.run import SCORES
from areoseg.runs.run import Run
from areoseg.utils.device import choose_device
from areoseg.utils.device import precision_of_training
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
) -> None:
    """Score a run on validation and test, and write its report and the page of its audit.

    Args:
        run: The run.
        dataset: All labeled samples that it was made from.
        console: Where to print the scores.
        segmenter: The trained model, if it is in memory; None: read from the run folder.
        exclusions: The samples that were left out, if in memory; None: read from the run folder.

    Raises:
        AreosegError: A file of the run cannot be read or written.
    """
    predictor = _predictor(run, segmenter or run.segmenter(fold=False))
    scores = {}
    examples = {}
    for split in ("val", "test"):
        held_out = select_split(dataset, run, split)
        if not len(held_out) or held_out.masks is None:
            continue
        masks = list(predictor.masks(held_out.images))
        found = evaluate_masks(
            masks,
            held_out,
            run.taxonomy,
            protocol=run.recipe.protocol,
            resamples=RESAMPLES,
        )
        scores[split] = found.to_json()
        calibrated = " after calibration" if run.info.calibration else ""
        console.print(f"{split}: {found.protocol} score {found.score:.4f}{calibrated}")
        examples = choose_examples(
            held_out.images, held_out.masks, masks, held_out.names, taxonomy=run.taxonomy
        )
    if run.info.data.groups is None:
        console.print(
            "note: no groups are known, so tiles of one frame may be in several splits and the"
            " scores too high; --groups prevents this"
        )
    write_json(run.path / SCORES, scores)
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
        scores=scores,
        examples=examples,
        training_examples=training.select(range(min(N_TRAINING_EXAMPLES, len(training)))),
        issue_summaries={issue: check.summary for issue, check in CHECKS.items()},
    )
    console.print(f"report: {report}")


def _predictor(run: Run, segmenter: Segmenter) -> Predictor:
    """A predictor with the trained model, at the precision of its training."""
    folded = deepcopy(segmenter)
    fold_standardization(folded)  # predicts the same, and faster
    device = choose_device(run.info.device)
    engine = TorchEngine(
        folded.eval(),
        run.taxonomy,
        scale=trained_scale(run),
        device=device,
        precision=precision_of_training(run.info.precision, device),
    )
    return Predictor([engine])
