"""The audit on real rover data, where it is there."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from areoseg.audit import audit_samples
from areoseg.audit.cache import Cache
from areoseg.audit.checks.content_outliers import content_scores
from areoseg.audit.context import AuditContext
from areoseg.data.load import read_data

DATA = Path(__file__).parents[2] / "../shared/data/terrain64.npz"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_file(), reason="the real data is not at ../shared/data"),
]


@pytest.fixture(scope="module")
def homework():
    return read_data(DATA).labeled


@pytest.fixture(scope="module")
def aliens(homework):
    """The samples that share the one mask which occurs 110 times."""
    _, which, counts = np.unique(
        homework.masks.reshape(len(homework), -1), axis=0, return_inverse=True, return_counts=True
    )
    return np.flatnonzero(counts[which.ravel()] == 110)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """What one audit computes for each sample serves the next."""
    return Cache(folder=tmp_path_factory.mktemp("cache"))


def test_the_aliens_and_nothing_else_are_rejected(homework, aliens, cache):
    audit = audit_samples(homework, cache=cache)
    assert [finding.index for finding in audit.rejected] == aliens.tolist()
    assert len(audit.kept_indices) == 2505


def test_content_alone_ranks_the_aliens_first(homework, aliens, cache):
    truth = np.isin(np.arange(len(homework)), aliens)
    scores = content_scores(AuditContext(homework, cache=cache))
    assert average_precision_score(truth, scores.total) >= 0.95


def test_content_alone_rejects_the_aliens_and_nothing_else(homework, aliens, cache):
    audit = audit_samples(homework, cache=cache, issues=("content-outlier",))
    assert [finding.index for finding in audit.rejected] == aliens.tolist()


def test_without_the_aliens_content_rejects_nothing(homework, aliens):
    clean = homework.select(np.setdiff1d(np.arange(len(homework)), aliens))
    assert audit_samples(clean, issues=("content-outlier",)).rejected == ()
