import pytest

from areoseg.data.sources import Source


@pytest.fixture
def source(homework_npz):
    """The small homework npz with its groups."""
    return Source(path=str(homework_npz), groups=str(homework_npz.with_name("mars_groups.txt")))
