"""Predict the images of a list in blocks: in one process, in several, or one part of the list."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from areoseg.errors import AreosegError
from areoseg.inference.folder import (
    SHARES_TABLE,
    Log,
    Predictions,
    check_same_images,
    finished_names,
)
from areoseg.inference.gallery import GalleryFile
from areoseg.inference.inputs import Input
from areoseg.inference.parallel.blocks import (
    BLOCKS,
    BlockFolder,
    BlockRecord,
    Part,
    Plan,
    names_and_paths,
)
from areoseg.inference.parallel.gather import gather_records
from areoseg.inference.parallel.job import BlockResult, Job
from areoseg.inference.parallel.staging import lock_folder, staged
from areoseg.inference.parallel.workers import Blocks, predict_with_workers
from areoseg.inference.predictor import Predictor
from areoseg.inference.settings import keep_settings
from areoseg.inference.summary import shares_header
from areoseg.inference.writers import GALLERY, SHARES
from areoseg.inference.writers.tables import earlier_rows
from areoseg.utils.storage import is_url, open_folder, shown_path

Run = Callable[[Job, Blocks], Iterator[BlockResult]]
"""Predicts blocks and yields each when it is finished."""

_PATIENCE = 60.0
"""Seconds that a part waits while others read or write the plan."""


@dataclass(frozen=True)
class Request:
    """What to predict, as `areoseg.predict` was asked.

    Attributes:
        job: The job.
        inputs: All images, also those of other parts.
        settings: See `keep_settings`.
        part: The part to predict; None: all, and write the tables.
        resume: Whether to keep finished blocks.
    """

    job: Job
    inputs: Sequence[Input]
    settings: Mapping[str, Any]
    part: Part | None = None
    resume: bool = False


def predict_in_blocks(
    request: Request,
    predictor: Predictor,
    run: Run,
    *,
    log: Log = lambda line: None,
    advance: Callable[[int], None] = lambda images: None,
) -> Predictions:
    """Predict blocks of images, and write the tables unless the request is for a part.

    Args:
        request: What to predict.
        predictor: The predictor of this process.
        run: Predicts blocks.
        log: Called with one line per failed image, and finally with notes about the images.
        advance: Called with the number of images of each finished block.

    Returns:
        The files and numbers of all images; for a part, its numbers and no files.

    Raises:
        AreosegError: The folder cannot be written, or has predictions with other models or options,
            or of other images.
    """
    out = request.job.out
    if request.part is not None:
        with lock_folder(out, timeout=_PATIENCE):
            todo, kept = _prepare(request, predictor, request.part)
        done = failed = 0
        for result in _logged(run(request.job, todo), log, advance):
            done += result.done
            failed += len(result.failures)
        return Predictions(shown_path(out), (), done, kept, failed)
    with lock_folder(out):
        if not request.resume and BlockFolder(open_folder(out)).exists():
            raise AreosegError(
                f"{out}: this folder has an unfinished prediction by workers or parts: continue it"
                f" with --resume, or delete {out}/{BLOCKS} to start again"
            )
        todo, kept = _prepare(request, predictor, Part())
        for _ in _logged(run(request.job, todo), log, advance):
            pass
        found = gather_records(out)
    for line in found.notes.lines():
        log(line)
    predictions = found.predictions
    earlier = kept - predictions.skipped  # in blocks that an interrupted call had finished
    return replace(predictions, done=predictions.done - earlier, skipped=kept)


def choose_run(
    predictor: Predictor,
    *,
    workers: int | None = None,
    resume: bool = False,
) -> Run:
    """Return the function that predicts blocks: in several processes, or in this one.

    Args:
        predictor: The predictor of this process.
        workers: Number of processes; None: this process.
        resume: See `Job.predict_block`.

    Raises:
        AreosegError: The number is less than 1.
    """
    if workers is not None and workers < 1:
        raise AreosegError(f"--workers {workers}: give 1 or more")
    if workers is not None:
        return partial(predict_with_workers, workers=workers, resume=resume)

    def run(job: Job, blocks: Blocks) -> Iterator[BlockResult]:
        for number, inputs in blocks.items():
            yield job.predict_block(predictor, number, inputs, resume=resume)

    return run


def _prepare(request: Request, predictor: Predictor, part: Part) -> tuple[Blocks, int]:
    """Keep settings and plan in the folder; return the blocks to predict.

    The second value is the number of images in blocks that are finished.
    """
    job, inputs = request.job, request.inputs
    folder = BlockFolder(open_folder(job.out))
    plan = Plan.of(inputs, predictor.batch_size, job.outputs, predictor.taxonomy)
    own = [number for number in plan.blocks if number in part]
    with staged(job.out) as stage:
        keep_settings(request.settings, stage)
        rows: list[list[str]] = []
        if SHARES in job.outputs:
            rows = earlier_rows(stage / SHARES_TABLE, shares_header(predictor.taxonomy))
        check_same_images(rows, inputs, shown_path(job.out))
        finished: set[str] = set()
        # In an object store, images of an earlier prediction are predicted again.
        if request.resume and not is_url(job.out):
            entries = GalleryFile(stage).entries if GALLERY in job.outputs else None
            finished = finished_names(inputs, stage, job.outputs, rows, entries)
    folder.keep_plan(plan)
    if not request.resume:
        folder.forget(own)
    recorded = folder.finished()
    todo: Blocks = {}
    kept = 0
    for number in own:
        block = plan.block(inputs, number)
        if recorded.get(number) is False:  # without failures, which are tried again
            kept += len(block)
        elif number not in recorded and all(each.name in finished for each in block):
            folder.write(number, BlockRecord(tuple(names_and_paths(block)), kept=True))
            kept += len(block)
        else:
            todo[number] = block
    return todo, kept


def _logged(
    results: Iterable[BlockResult], log: Log, advance: Callable[[int], None]
) -> Iterator[BlockResult]:
    for result in results:
        for line in result.failures:
            log(line)
        advance(result.images)
        yield result
