import numpy as np
import pytest

from areoseg.audit import Cache, audit_samples
from areoseg.audit import cache as module
from areoseg.synthetic import SyntheticMars, add_duplicates, draw_set


@pytest.fixture
def mars(monkeypatch):
    monkeypatch.setattr(module, "CHUNK_SIZE", 16)
    return draw_set(SyntheticMars(height=32, width=32, seed=5), 60)


class Counted:
    """The mean of each image, and how many images it was asked for."""

    def __init__(self, fail_at=None):
        self.images, self.fail_at = 0, fail_at

    def __call__(self, images, masks=None):
        if self.fail_at is not None and self.images >= self.fail_at:
            raise KeyboardInterrupt
        self.images += len(images)
        return {"mean": images.mean(axis=(1, 2))}


@pytest.mark.parametrize("jobs", [1, 3])
def test_results_come_in_order_however_many_threads(mars, jobs):
    done = []
    cache = Cache(jobs=jobs, progress=lambda *told: done.append(told))
    found = cache.compute("mean", Counted(), mars.images)
    np.testing.assert_array_equal(found["mean"], mars.images.mean(axis=(1, 2)))
    assert done == [("mean", i, 4) for i in (1, 2, 3, 4)]


def test_what_was_computed_before_an_interruption_is_kept(mars, tmp_path):
    cache = Cache(folder=tmp_path / "kept")
    with pytest.raises(KeyboardInterrupt):
        cache.compute("mean", Counted(fail_at=32), mars.images)
    again = Counted()
    found = cache.compute("mean", again, mars.images)
    assert again.images == 60 - 32
    np.testing.assert_array_equal(found["mean"], mars.images.mean(axis=(1, 2)))


def test_other_pixels_are_computed_anew(mars, tmp_path):
    cache = Cache(folder=tmp_path / "kept")
    cache.compute("mean", Counted(), mars.images)
    mars.images[0, 0, 0] ^= 1
    again = Counted()
    cache.compute("mean", again, mars.images)
    assert again.images == 16


def test_other_masks_are_computed_anew(mars, tmp_path):
    cache = Cache(folder=tmp_path / "kept")
    cache.compute("mean", Counted(), mars.images, mars.masks)
    mars.masks[59, 0, 0] = 4 - mars.masks[59, 0, 0]
    again = Counted()
    cache.compute("mean", again, mars.images, mars.masks)
    assert again.images == 12


def test_a_damaged_file_is_computed_anew(mars, tmp_path):
    cache = Cache(folder=tmp_path / "kept")
    cache.compute("mean", Counted(), mars.images)
    for file in (tmp_path / "kept").iterdir():
        file.write_bytes(file.read_bytes()[:40])
    again = Counted()
    cache.compute("mean", again, mars.images)
    assert again.images == 60


def test_what_is_forgotten_is_gone(mars, tmp_path):
    cache = Cache(folder=tmp_path / "kept")
    cache.compute("mean", Counted(), mars.images)
    cache.clear()
    assert list(tmp_path.iterdir()) == []


def test_an_audit_over_threads_and_from_kept_chunks_finds_the_same(mars, tmp_path):
    samples, _ = add_duplicates(mars, 8, seed=1)
    alone = audit_samples(samples)
    for _ in range(2):
        kept = audit_samples(samples, cache=Cache(jobs=3, folder=tmp_path / "kept"))
        assert kept == alone
