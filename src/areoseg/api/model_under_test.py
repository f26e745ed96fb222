"""What judging a trained model takes to know, be it a run or an exported file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import parse_recipe
from areoseg.runs.run import Run
from areoseg.runs.run import open_run
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import PathLike


@dataclass(frozen=True)
class ModelUnderTest:
    """A trained model that is to be scored.

    Attributes:
        path: The run folder or the file.
        recipe: What was trained; it says how samples are cut, and the headline protocol.
        taxonomy: The classes that the model answers.
        fingerprint: Hash of the samples that it was trained on, or None.
        weights_sha256: Hash of the weights of the run, or of the run that the file was made of.
        run: The run; None for a file.
    """

    path: Path
    recipe: Recipe
    taxonomy: Taxonomy
    fingerprint: str | None
    weights_sha256: str
    run: Run | None


def open_model_under_test(path: PathLike, *, device: str = "cpu") -> ModelUnderTest:
    """What is to be known of the model at a path.

    Args:
        path: A run folder, the name of a bundled model, or an exported file.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        AreosegError: It is no model, or cannot be loaded here.
    """
    from areoseg.inference.exported import LOADERS

    file = Path(path)
    if file.is_file() or (file.suffix.lower() in LOADERS and not file.is_dir()):
        return _of_file(file, device)
    run = open_run(path)
    return ModelUnderTest(
        path=run.path,
        recipe=run.recipe,
        taxonomy=run.taxonomy,
        fingerprint=run.info.data.fingerprint,
        weights_sha256=run.weights_sha256,
        run=run,
    )


def _of_file(path: Path, device: str) -> ModelUnderTest:
    from areoseg.inference import open_engine
    from areoseg.inference.exported import ExportedEngine

    engine = open_engine(path, device=device)
    assert isinstance(engine, ExportedEngine)  # a run is no file
    description = engine.description
    return ModelUnderTest(
        path=path,
        recipe=parse_recipe(description.recipe, source=str(path)),
        taxonomy=description.taxonomy,
        fingerprint=description.data_fingerprint,
        weights_sha256=description.weights_sha256,
        run=None,
    )


def check_split_names(models: Sequence[ModelUnderTest]) -> None:
    """Refuse files of which nobody knows which samples of their data they were trained on.

    A run knows its split. A file does not, unless its run is among the models.

    Raises:
        AreosegError: There is such a file.
    """
    known = {each.weights_sha256 for each in models if each.run is not None}
    for each in models:
        if each.weights_sha256 not in known:
            raise AreosegError(
                f"{each.path}: this file does not know which of these samples it was trained on:"
                " name the run that it was exported from beside it, or give other --data"
            )
