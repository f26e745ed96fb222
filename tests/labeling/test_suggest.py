"""Images are suggested by uncertainty and diversity."""

import json

import numpy as np
import pytest
from PIL import Image

import areoseg
import areoseg.labeling.suggest as suggest_module
from areoseg.errors import AreosegError
from areoseg.inference.listing import find_inputs
from areoseg.inference.tiling import RowBlock
from areoseg.labeling.suggest import mean_entropy, ranked, read_suggestions

RNG = np.random.default_rng(2)


def test_the_first_is_the_most_uncertain_and_copies_come_last():
    features = np.array([[0.0, 0], [0, 0], [5, 0], [0, 1]])
    uncertainties = np.array([0.5, 0.6, 0.1, 0.3])

    order, distances = ranked(uncertainties, features, 4)

    assert order[0] == 1
    assert order[-1] == 0  # equal to the first
    assert distances[0] == 0
    assert distances[-1] == 0


def test_equal_uncertainties_give_farthest_first_traversal():
    features = RNG.normal(size=(20, 3))
    standardized = (features - features.mean(0)) / features.std(0)

    order, _ = ranked(np.ones(20), features, 6)

    chosen = [0]
    for _ in range(5):
        gaps = np.linalg.norm(standardized[:, None] - standardized[chosen], axis=2).min(axis=1)
        chosen.append(int(gaps.argmax()))
    assert order == chosen


class Half:
    """A model whose probabilities are equal in the left half of an image, certain in the right."""

    def stream(self, images):
        for image in images:
            height, width = image.size
            probabilities = np.zeros((4, height, width), np.float32)
            probabilities[0] = 1
            probabilities[:, :, : width // 2] = 0.25
            yield image, [RowBlock(0, image.pixels, probabilities, image.valid)]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.setattr(suggest_module, "load", lambda model, device: Half())
    for index in range(4):
        pixels = RNG.integers(0, 40 * (index + 1), (24, 32), np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    return tmp_path / "photos"


def test_entropy_is_the_mean_over_pixels(photos):
    image = find_inputs([photos])[0].read()

    assert mean_entropy(Half(), image) == pytest.approx(0.5, abs=1e-6)


def test_suggestions_are_written_and_read(photos, tmp_path):
    messages = []
    (photos / "broken.png").write_bytes(b"no image")
    Image.new("L", (4, 4)).save(photos / "small.png")

    found = areoseg.suggest(
        "model", photos, out=tmp_path / "suggestions.json", count=3, log=messages.append
    )

    assert len(found) == 3
    assert found[0].score == found[0].uncertainty == pytest.approx(0.5, abs=1e-6)
    assert found[1].score == pytest.approx(found[1].uncertainty * found[1].distance)
    assert read_suggestions(tmp_path / "suggestions.json") == found
    assert len(messages) == 2


def test_bad_input(photos, tmp_path):
    with pytest.raises(AreosegError, match="--count 0"):
        areoseg.suggest("model", photos, count=0)
    (tmp_path / "other.json").write_text(json.dumps({"images": []}))
    with pytest.raises(AreosegError, match="not a file of `areoseg suggest`"):
        read_suggestions(tmp_path / "other.json")
