import numpy as np
import pytest

from areoseg.data.sampling import batch_indices


@pytest.mark.parametrize(("samples", "batch_size"), [(10, 4), (3, 8), (7, 7)])
def test_each_pass_draws_every_sample_once(samples, batch_size):
    steps = 3 * samples  # whole passes, whatever the batch size
    drawn = np.concatenate(
        [batch_indices(s, samples=samples, batch_size=batch_size, seed=1) for s in range(steps)]
    )
    for start in range(0, len(drawn) - samples + 1, samples):
        assert sorted(drawn[start : start + samples]) == list(range(samples))


def test_a_batch_depends_on_seed_and_step_alone():
    first = batch_indices(17, samples=50, batch_size=8, seed=3)
    for step in (40, 2, 17):
        again = batch_indices(step, samples=50, batch_size=8, seed=3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, batch_indices(17, samples=50, batch_size=8, seed=4))


def test_the_rare_share_of_a_batch_holds_the_rare_class():
    rare = np.array([3, 5, 7])
    for step in range(20):
        batch = batch_indices(step, samples=100, batch_size=8, seed=0, rare=rare, rare_share=0.25)
        assert len(batch) == 8
        assert np.isin(batch[-2:], rare).all()
