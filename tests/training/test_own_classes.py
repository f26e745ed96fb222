"""Train on classes other than those of Mars, as a dataset description declares them."""

import shutil

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

import areoseg
from areoseg.data.load import find_source
from areoseg.errors import AreosegError
from areoseg.experiments.runner import Runner

NAMES = ("background", "sand", "ripple", "outcrop", "boulder", "rover", "sky")


@pytest.fixture
def desert(tmp_path):
    """A folder with seven classes and void."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "desert" / kind).mkdir(parents=True)
    for index in range(32):
        mask = np.repeat(np.repeat(rng.integers(0, 7, (4, 4)), 8, 0), 8, 1).astype(np.uint8)
        image = mask * np.uint8(34) + rng.integers(0, 10, mask.shape).astype(np.uint8)
        mask[0] = 255
        PIL.Image.fromarray(image).save(tmp_path / "desert" / "images" / f"{index:02}.png")
        PIL.Image.fromarray(mask).save(tmp_path / "desert" / "masks" / f"{index:02}.png")
    return tmp_path / "desert"


def test_a_folder_with_a_description_is_trained_on_and_evaluated(desert, tmp_path, tiny):
    quiet = Console(quiet=True)
    with pytest.raises(AreosegError, match="outside the classes 0 to 4"):
        areoseg.train("unet", desert, tmp_path / "mars", overrides=tiny, console=quiet)
    (desert / "areoseg-data.yaml").write_text(f"classes: [{', '.join(NAMES)}]\n")
    run = areoseg.train("unet", desert, tmp_path / "run", overrides=tiny, console=quiet)
    opened = areoseg.open_run(run.path)
    assert opened.taxonomy.names == NAMES
    assert opened.source.classes == str(desert / "areoseg-data.yaml")
    scores = areoseg.evaluate(run.path, console=quiet)
    assert len(scores.confusion) == 7
    other = tmp_path / "other"
    shutil.copytree(desert, other)
    (other / "areoseg-data.yaml").unlink()
    for kind in ("images", "masks"):
        (other / kind / "00.png").unlink()
    assert areoseg.evaluate(run.path, other, console=quiet).images == 31  # by the run's classes
    with pytest.raises(AreosegError, match=r"other: the classes are a, b, .* predicts background"):
        areoseg.evaluate(run.path, other, classes="a,b,c,d,e,f,g", console=quiet)


def test_a_study_cuts_the_tiles_of_the_description_as_training_does(desert, tmp_path, tiny):
    quiet = Console(quiet=True)
    (desert / "areoseg-data.yaml").write_text(f"classes: [{', '.join(NAMES)}]\ntile: [16, 32]\n")
    run = areoseg.train("unet", desert, tmp_path / "run", overrides=tiny, console=quiet)
    assert areoseg.open_run(run.path).source.tile == (16, 32)
    recipe = areoseg.load_recipe("unet", tiny)
    source = find_source(desert, None, quiet)
    runner = Runner(source, device="cpu", threads=1, command=None, console=quiet)
    assert runner.source_for(recipe) == run.source
    assert runner.load(recipe)[0].labeled.images.shape[1:] == (16, 32)
