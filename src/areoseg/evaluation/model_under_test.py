"""Metadata of a model under evaluation, either a run or an exported file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from areoseg.errors import AreosegError
from areoseg.inference import open_engine
from areoseg.inference.engines.exported import ExportedEngine
from areoseg.inference.engines.factory import LOADERS
from areoseg.recipes import Recipe, parse_recipe
from areoseg.runs.run import Run, open_run
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import PathLike


@dataclass(frozen=True)
class ModelUnderTest:
    """A trained model to evaluate.

    Attributes:
        path: The run folder or the exported file.
        recipe: Its training recipe, which defines data preparation and headline protocol.
        taxonomy: The classes that the model predicts.
        fingerprint: Hash of the dataset it was trained on, or None.
        parts: Hashes of the single datasets, if it was trained on several, and their names if it is
            a run.
        weights_sha256: Hash of the weights of the run, or of the run that was exported.
        run: The run; None for an exported file.
    """

    path: Path
    recipe: Recipe
    taxonomy: Taxonomy
    fingerprint: str | None
    parts: dict[str, str]
    weights_sha256: str
    run: Run | None


def open_model_under_test(path: PathLike, *, device: str = "cpu") -> ModelUnderTest:
    """Open a run folder, a bundled model by its name, or an exported file.

    Raises:
        AreosegError: The path is not a model, or the model cannot be loaded here.
    """
    file = Path(path)
    if file.is_file() or (file.suffix.lower() in LOADERS and not file.is_dir()):
        engine = open_engine(file, device=device)
        assert isinstance(engine, ExportedEngine)  # files only give this type
        metadata = engine.metadata
        return ModelUnderTest(
            path=file,
            recipe=parse_recipe(metadata.recipe, source=str(path), plugins="ignore"),
            taxonomy=metadata.taxonomy,
            fingerprint=metadata.data_fingerprint,
            parts=dict.fromkeys(metadata.part_fingerprints, ""),
            weights_sha256=metadata.weights_sha256,
            run=None,
        )
    run = open_run(path)
    return ModelUnderTest(
        path=run.path,
        recipe=run.recipe,
        taxonomy=run.taxonomy,
        fingerprint=run.info.data.fingerprint,
        parts={part.fingerprint: part.name for part in run.info.data.parts},
        weights_sha256=run.weights_sha256,
        run=run,
    )


def check_split_is_known(models: Sequence[ModelUnderTest]) -> None:
    """Check that the run of each exported file is among the models: only runs record a split.

    Raises:
        AreosegError: The run of an exported file is not given.
    """
    known = {model.weights_sha256 for model in models if model.run is not None}
    for model in models:
        if model.weights_sha256 not in known:
            raise AreosegError(
                f"{model.path}: this file does not record which of these samples it was trained on:"
                " also give the run that it was exported from, or give other --data"
            )
