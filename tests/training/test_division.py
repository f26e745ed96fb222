import json

import numpy as np
import pytest
from rich.console import Console

from areoseg.data.load import Source
from areoseg.data.samples import LoadedData, SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.recipes import load_recipe
from areoseg.training.in_memory import train_on
from areoseg.training.prepare import divide

UNAUDITED = "data.audit=false"


@pytest.fixture(scope="module")
def partly_background():
    """Sixty samples of 8x8 pixels; a third is 3/4 background, a third 1/4, a third has none."""
    rows = np.array([6, 2, 0])[np.arange(60) % 3]
    masks = np.where(np.arange(8) < rows[:, None], 0, 1).astype(np.uint8)
    masks = np.repeat(masks[:, :, None], 8, axis=2)
    masks[::7, 7, 7] = 4
    images = np.random.default_rng(0).integers(0, 255, masks.shape, dtype=np.uint8)
    return SegmentationDataset(images, masks, tuple(str(i) for i in range(60)))


def recipe(*overrides):
    return load_recipe("unet", [UNAUDITED, *overrides])


def test_mostly_background_is_not_trained_on_but_scored_all_the_same(partly_background):
    whole = divide(recipe(), partly_background)
    dropped = divide(recipe("data.max_background=0.5"), partly_background)
    assert (whole.dropped, whole.notes) == (0, ())
    assert dropped.split.val == whole.split.val
    assert dropped.split.test == whole.split.test
    assert dropped.split.train == tuple(i for i in whole.split.train if i % 3 != 0)
    assert dropped.dropped == sum(i % 3 == 0 for i in whole.split.train) > 0
    assert "background is above 0.5" in dropped.notes[0]


def test_the_share_itself_is_not_over_it(partly_background):
    shares = [divide(recipe(f"data.max_background={at}"), partly_background) for at in (0.75, 1)]
    assert [each.dropped for each in shares] == [0, 0]


def test_dropping_everything_is_refused(partly_background):
    clouded = SegmentationDataset(
        partly_background.images,
        np.where(np.arange(8) < 7, 0, partly_background.masks),
        partly_background.names,
    )
    with pytest.raises(AreosegError, match="leaves none of"):
        divide(recipe("data.max_background=0.1"), clouded)


def test_a_threshold_that_separates_nothing_is_said(partly_background):
    idle = divide(recipe("split=dispersion", "split.threshold=0.45"), partly_background)
    assert "split.threshold=0.45 separates nothing" in idle.notes[0]
    for threshold in ("0.35", "null"):
        chosen = recipe("split=dispersion", f"split.threshold={threshold}")
        assert divide(chosen, partly_background).notes == ()


def test_a_run_says_how_many_samples_were_dropped(partly_background, tiny, tmp_path):
    chosen = load_recipe("unet", [*tiny, UNAUDITED, "training.epochs=1", "data.max_background=0.5"])
    nothing = SegmentationDataset(partly_background.images[:0], None, ())
    run = train_on(
        chosen,
        LoadedData(labeled=partly_background, unlabeled=nothing),
        tmp_path / "run",
        source=Source(path="nowhere"),
        console=Console(quiet=True),
    )
    dropped = json.loads((run.path / "run.json").read_text())["data"]["dropped"]
    assert dropped == divide(chosen, partly_background).dropped > 0
    assert not {int(name) for name in run.split["train"]} & set(range(0, 60, 3))
