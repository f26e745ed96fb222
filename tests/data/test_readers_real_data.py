"""The readers on real rover data, where it is there."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from areoseg.data.load import read_data, recognize_format

DATA = Path(__file__).parents[2] / "../shared/data"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real data is not at ../shared/data"),
]


def test_the_homework_file_with_its_frames():
    data = read_data(DATA / "terrain64.npz", groups=DATA / "terrain64_train_frames.txt")
    assert data.labeled.images.shape == data.labeled.masks.shape == (2615, 64, 128)
    assert data.unlabeled.images.shape == (6000, 64, 128)
    assert data.warnings == ()
    assert data.labeled.groups[0] == "site-016-drive-0328"
    copies = Counter(mask.tobytes() for mask in data.labeled.masks)
    assert copies.most_common(1)[0][1] == 110


def test_the_flat_frames_are_recognized():
    assert recognize_format(DATA / "ai4mars256") == "ai4mars-flat"


def test_the_distributed_frames_with_labels_that_lack_theirs():
    data = read_data(DATA / "ai4mars-native", scale=0.25, tile=(64, 128))
    assert data.labeled.images.shape == (15 * 8, 64, 128)
    assert data.warnings[0].startswith("left out 4 of 19 crowd labels")
    assert set(data.labeled.groups) == {"site-001-drive-0008", "site-002-drive-0000"}
    assert set(np.unique(data.labeled.masks)) <= {0, 1, 2, 3, 4}
