"""What is known about a run before its first step, and written to its folder."""

from pathlib import Path

from areoseg.audit import write_audit
from areoseg.data.appearance import measure_appearance
from areoseg.data.load import Source
from areoseg.data.missions.navcam import common_navcam_scale
from areoseg.data.samples import LoadedData, fingerprint
from areoseg.data.split import assigned_splits
from areoseg.models import model_cost
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import write_recipe
from areoseg.runs.info import DataInfo, ModelInfo, RunInfo
from areoseg.runs.lineage import describe_initial_weights
from areoseg.runs.run import (
    APPEARANCE,
    AUDIT,
    PLAN,
    RECIPE,
    RESUME,
    RUN_INFO,
    SPLIT,
    Run,
)
from areoseg.training.checkpoint import save_resume_state
from areoseg.training.loop import Trainer
from areoseg.training.prepare import Preparation
from areoseg.training.self_training.pseudo_labels import PSEUDO, PseudoSamples
from areoseg.utils.files import write_json


def create_run(
    out: Path,
    info: RunInfo,
    trainer: Trainer,
    *,
    pseudo: PseudoSamples | None,
    init_from: Run | None,
) -> Run:
    """Write everything that is known about a run before its first step, the recipe last.

    A folder with a recipe is a run. A process that is killed before leaves a folder that the same
    command may use again; after, one that can be resumed.

    Args:
        out: The run folder.
        info: The info of the run.
        trainer: The training.
        pseudo: Its pseudo-labeled samples, or None.
        init_from: The run that provides its initial weights, or None.

    Raises:
        AreosegError: The folder cannot be written.
    """
    recipe, prepared = trainer.recipe, trainer.data
    _remove_unfinished_start(out)
    save_resume_state(out / RESUME, trainer.state, trainer.state_tensors())
    write_json(out / SPLIT, prepared.names())
    appearance = measure_appearance(prepared.samples.select(prepared.split.train).images)
    if appearance is not None:
        write_json(out / APPEARANCE, appearance.to_json())
    if pseudo is not None:
        pseudo.save(out)
        info = info.model_copy(update={"self_training": pseudo.info})
    if init_from is not None:
        lineage = {
            "initial_weights": describe_initial_weights(init_from),
            "previously_trained_on": init_from.trained_on,
        }
        info = info.model_copy(update=lineage)
    if prepared.exclusions is not None:
        write_audit(prepared.exclusions, out)
    info.write(out / RUN_INFO)
    write_recipe(recipe, out / RECIPE)
    return Run(out, recipe, info)


def _remove_unfinished_start(out: Path) -> None:
    """Remove what a process left that was killed between its first file and the recipe.

    The next training may have other options, and so not replace every file.
    """
    if (out / RESUME).is_file():
        for name in (RUN_INFO, AUDIT, PSEUDO, APPEARANCE, SPLIT, PLAN, RESUME):
            (out / name).unlink(missing_ok=True)


def data_info(source: Source, data: LoadedData, prepared: Preparation) -> DataInfo:
    """Describe the data of the run."""
    pixels = prepared.pixels.sum(axis=0)
    shares = pixels / pixels.sum()
    exclusions, labeled = prepared.exclusions, data.labeled
    return DataInfo(
        source=source,
        working_directory=str(Path.cwd()),
        fingerprint=prepared.fingerprint,
        labeled=len(labeled),
        unlabeled=len(data.unlabeled),
        unlabeled_fingerprint=fingerprint(data.unlabeled) if len(data.unlabeled) else None,
        rejected=0 if exclusions is None else len(exclusions.indices),
        decisions=None if exclusions is None else exclusions.path,
        dropped=prepared.division.dropped,
        groups=None if labeled.groups is None else len(set(labeled.groups)),
        found_groups=data.found_groups,
        assigned_splits=list(assigned_splits(labeled)),
        parts=list(data.parts),
        training_shares=dict(zip(data.taxonomy.names, shares.round(6).tolist(), strict=True)),
        navcam_scale=common_navcam_scale(labeled.names, [image.shape for image in labeled.images]),
        mean=prepared.mean,
        std=prepared.std,
    )


def model_info(segmenter: Segmenter, prepared: Preparation) -> ModelInfo:
    """Describe the network of the run."""
    height, width = (int(side) for side in prepared.validation.images.shape[1:])
    cost = model_cost(segmenter.network, 1, height, width)
    return ModelInfo(size=(height, width), parameters=cost.parameters, macs=cost.macs)
